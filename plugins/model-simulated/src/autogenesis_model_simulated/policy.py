"""What a prompt makes of the model on one question: which rules hold, and how much they confuse."""

from collections.abc import Sequence

from attrs import frozen

from autogenesis_model_simulated.draw import Draws
from autogenesis_model_simulated.grammar import parse_rules
from autogenesis_model_simulated.pin import Pin, parse_pins
from autogenesis_model_simulated.rule import OPPOSITES, Rule

# A small model keeps about ten rules and some pages in mind; what is beyond costs slips.
_RULES_KEPT, _SLIPS_A_RULE = 10, 0.03
_WORDS_KEPT, _SLIPS_A_WORD, _MOST_BY_LENGTH = 700, 0.0003, 0.4
_SLIPS_A_CONTRADICTION = 0.12
_LONGEST_PROMPT = 60_000


@frozen
class Policy:
    """The rules of a prompt, as they bear on one question of one family.

    `draws` decides contradictions, so that a prompt that says both is a coin toss for each question.
    """

    family: str
    rules: tuple[Rule, ...]
    pins: tuple[Pin, ...]
    words: int
    draws: Draws

    @classmethod
    def of(cls, instructions: str, tools: Sequence[str], family: str, draws: Draws) -> "Policy":
        """The policy that the text of `instructions` makes for a question of `family`."""
        text = instructions[:_LONGEST_PROMPT]
        return cls(family, parse_rules(text, tools), parse_pins(text), len(instructions.split()), draws)

    def stance(self, intent: str, tool: str | None = None) -> str | None:
        """What the prompt wants of `intent` here: a value, or None if it says nothing.

        A rule for the family precedes one for all; of a contradiction one value is drawn.
        """
        for task in (self.family, "all"):
            values = self._values(intent, task, tool)
            if values:
                return self.draws.choice(f"which {intent} {tool}", values)
        return None

    def confusion(self) -> float:
        """The probability of a slip that the prompt itself adds: contradictions, too many rules, too many words."""
        extra = max(0, len(self.rules) + len(self.pins) - _RULES_KEPT) * _SLIPS_A_RULE
        long = min(max(0, self.words - _WORDS_KEPT) * _SLIPS_A_WORD, _MOST_BY_LENGTH)
        return min(extra + long + self._contradictions() * _SLIPS_A_CONTRADICTION, 0.9)

    def _values(self, intent: str, task: str, tool: str | None) -> list[str]:
        stated = {rule.value for rule in self.rules if (rule.intent, rule.task, rule.tool) == (intent, task, tool)}
        return [value for value in OPPOSITES[intent] if value in stated]

    def _contradictions(self) -> int:
        here = [rule for rule in self.rules if rule.task in (self.family, "all")]
        return sum(rule.negated() in here[index:] for index, rule in enumerate(here))
