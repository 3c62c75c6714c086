"""What went wrong in a rollout, as far as question, expected value and answer tell, and which rule would cure it."""

import re
from collections.abc import Iterable, Sequence

from attrs import frozen

from autogenesis_model_simulated.block import Rollout, ToolInfo
from autogenesis_model_simulated.expression import evaluate, written
from autogenesis_model_simulated.rule import OWN_FAMILY, Rule
from autogenesis_model_simulated.tasks import Arithmetic, Conversion, Counting, Sorting, Task, recognise


@frozen
class Finding:
    """A cause of failure in one example: what is seen, and the rule that would cure it."""

    seen: str
    cure: Rule
    example: str


def findings(rollout: Rollout, tools: Sequence[ToolInfo]) -> list[Finding]:
    """The causes that `rollout` shows; none if it was right, or if it does not say what would have been."""
    if rollout.expected is None or rollout.answer is None or rollout.score >= 1:
        return []
    task = recognise(rollout.input)
    if task is None:
        return [Finding(seen, rule, rollout.example) for seen, rule in _wrapped("all", rollout)]
    causes = [*_wrapped(task.family, rollout), *_causes(task, rollout)]
    if not _holds(rollout.answer, rollout.expected):
        causes += _tool_causes(task.family, rollout, tools)
    return [Finding(seen, rule, rollout.example) for seen, rule in causes]


def _holds(answer: str, expected: str) -> bool:
    """Whether the expected value stands in the answer, by itself or among other words."""
    return bool(re.search(rf"(?<![\w-]){re.escape(expected.strip())}(?![\w])", answer))


def _wrapped(family: str, rollout: Rollout) -> Iterable[tuple[str, Rule]]:
    answer, expected = (rollout.answer or "").strip(), (rollout.expected or "").strip()
    # A value is no longer than what was expected by more than a slip; what has more words is a sentence.
    wordy = len(answer.split()) > len(expected.split()) + 1
    if answer != expected and (_holds(answer, expected) or wordy):
        yield "the value is wrapped in words", Rule("answer_format", "value_only", "all")


def _causes(task: Task, rollout: Rollout) -> Iterable[tuple[str, Rule]]:
    answer, expected = rollout.answer or "", (rollout.expected or "").strip()
    if isinstance(task, Arithmetic):
        plain = evaluate(task.expression, left_to_right=True)
        if plain is not None and written(plain) != expected and _holds(answer, written(plain)):
            yield "the operators were applied in the wrong order", Rule("precedence", "standard", "arithmetic")
    elif isinstance(task, Sorting):
        folded = ", ".join(sorted(task.words, key=str.lower, reverse=task.descending))
        if folded != expected and folded in answer:
            yield "capitals were put in the wrong place", Rule("sort_order", "code_point", "sorting")
    elif isinstance(task, Counting) and not _holds(answer, expected):
        if any(_holds(answer, str(int(expected) + step)) for step in (1, -1) if expected.isdigit()):
            yield "the number is off by one", Rule("counting", "letter_by_letter", "counting")
    elif isinstance(task, Conversion) and not _holds(answer, expected):
        if _holds(answer, expected.upper()):
            yield "the digits are in the wrong case", Rule("digits", "lowercase", "conversion")
        else:
            yield "a digit is wrong", Rule("conversion", "stepwise", "conversion")


def _tool_causes(family: str, rollout: Rollout, tools: Sequence[ToolInfo]) -> Iterable[tuple[str, Rule]]:
    for tool in tools:
        fits = tool.fits(family)
        if fits and tool.name not in rollout.tools_used:
            yield f"{tool.name} was at hand and not used", Rule("use_tool", "do", family, tool.name)
        # Only for a tool that clearly belongs elsewhere: others may be of use for anything.
        elsewhere = OWN_FAMILY.get(tool.name, family) != family
        if elsewhere and tool.name in rollout.tools_used:
            yield f"{tool.name} was used where it does not help", Rule("use_tool", "dont", family, tool.name)
