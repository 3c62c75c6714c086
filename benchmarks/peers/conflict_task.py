"""Rules that conflict: the task of benchmarks/sepl.py on which greedy adding of rules goes wrong; both sides import it.

R000 to R011 stand in six pairs, R000 with R001 and so on. The two of a pair contradict each other: the one that the
prompt names later wins. Three quarters of the examples need the even rule of a pair, one quarter the odd one, so the
best that a prompt can reach is 0.75, with every even rule winning, and to add an odd rule after its even partner breaks
three examples where it fixes one. The noise is that of the yardstick without conflicts: see `scored` and `proposed`.
"""

import random
import re
from typing import NamedTuple

RULES, BEST, TARGET, BUDGET = 12, 0.75, 0.4, 3000  # BUDGET in metric calls
SEED_PROMPT = "Answer the question."
RULE, MISSING = re.compile(r"R\d{3}"), re.compile(r"MISSING: (R\d{3})")


class Example(NamedTuple):
    """A question that is answered rightly where the prompt holds to its rule."""

    question: str
    rule: str


class Setting(NamedTuple):
    """`flip` is the share of scores turned round, `spoil` the share of proposals that drop a rule."""

    name: str
    flip: float
    spoil: float


CLEAN, NOISY = Setting("clean", 0.0, 0.0), Setting("noisy", 0.15, 0.5)


def examples(split: str, count: int) -> list[Example]:
    """`count` examples, a multiple of 24: of each pair three for the even rule and one for the odd, well mixed."""
    if count % (2 * RULES):
        raise ValueError(f"{count} examples do not divide into {RULES // 2} pairs of 3 to 1")
    # Row k holds the kth example of every pair; the pairs take their odd turn in different rows.
    rules = [2 * pair + ((row + pair) % 4 == 3) for row in range(2 * count // RULES) for pair in range(RULES // 2)]
    return [Example(f"{split} question {number}", f"R{rule:03d}") for number, rule in enumerate(rules)]


TRAIN, VAL = examples("train", 48), examples("val", 24)


def partner(rule: str) -> str:
    return f"R{int(rule[1:]) ^ 1:03d}"


def answered(prompt: str, example: Example) -> tuple[float, str]:
    """The true score of one example, 0 or 1, and the feedback, which names what is missing or what overrides."""
    at, against = prompt.rfind(example.rule), prompt.rfind(partner(example.rule))
    if at < 0:
        return 0.0, f"wrong. MISSING: {example.rule}"
    if at < against:
        return 0.0, f"wrong. {partner(example.rule)} overrides {example.rule}"
    return 1.0, "correct"


def scored(prompt: str, example: Example, flip: float, rng: random.Random) -> tuple[float, str]:
    """As `answered`, the score, but not the feedback, turned round with the probability `flip`."""
    score, feedback = answered(prompt, example)
    return (1.0 - score if rng.random() < flip else score), feedback


def proposed(prompt: str, feedback: str, spoil: float, rng: random.Random) -> str:
    """What stands for a reflection model: adds one missing rule at the end, or with the probability `spoil` drops one.

    Feedback that names no missing rule gives it no idea: the prompt comes back with a space more.
    """
    known = RULE.findall(prompt)
    if known and rng.random() < spoil:
        return prompt.replace(rng.choice(known), "nothing")
    missing = next((rule for rule in MISSING.findall(feedback) if rule not in prompt), None)
    return f"{prompt}\nAlways obey {missing}." if missing else f"{prompt} "


def true_score(prompt: str) -> float:
    """The score on the validation examples without noise, which no optimizer sees."""
    return sum(answered(prompt, example)[0] for example in VAL) / len(VAL)


def calls_to(target: float, curve: list[tuple[int, float]], budget: int = BUDGET) -> int:
    """The metric calls at the first point (calls, true score) that reaches `target`; `budget` where none within it."""
    return next((calls for calls, score in curve if score >= target - 1e-9 and calls <= budget), budget)
