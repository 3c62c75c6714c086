"""Scorers: how an answer is compared with a target.

A scorer gives a score and a remark for feedback. Each also says, before anything is spent, which targets it cannot use.
"""

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from attrs import frozen

from autogenesis_core import JSON, InputError, PluginError, Question, Score

_SHOWN = 500  # characters of an answer or target that feedback repeats
_NUMBER = re.compile(r"(?<![\w.])[-+]?\$?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)?(?:(?<=\d)\.?|\.)\d*(?<=\d)(?:[eE][-+]?\d+)?")
_CHOICE = re.compile(r"\(?([A-Za-z])[).:]?")
_CHOSEN = (  # ways to choose an option, the clearest first; of several of one way the last counts
    re.compile(r"([A-Za-z])(?:[).:](?:\s.*)?)?", re.DOTALL),  # the whole: B   B.   B) because …
    re.compile(r".*\b(?i:answer|option|choice)\b(?i:\s+is)?[\s:]*\(?(?!I\s)([A-Z])\b(?!').*", re.DOTALL),
    re.compile(r".*\(([A-Za-z])\).*", re.DOTALL),
    re.compile(r"[^A-Z]*\b([B-HJ-Z])\b[^A-Z]*"),  # the only capital letter, if it is no word
)


@frozen
class Scorer:
    """`compare(answer, target)` gives a score and a remark; `problem(target)` says why a target cannot be used."""

    compare: Callable[[str, str], tuple[float, str]]
    problem: Callable[[str], str] = lambda target: ""

    def score(self, answer: str, example: Question) -> Score:
        """The score of a stripped answer, with feedback in plain words."""
        value, remark = self.compare(answer, _text(example.target))
        if value >= 1:
            return Score(value, "Right.")
        return Score(value, f"Expected {quoted(example.target)}, but the answer was {quoted(answer)}.{remark}")


def number_in(text: str) -> Decimal | None:
    """The number after `####`, if that is there, else the last number; thousands may have commas."""
    marked = text.rpartition("####")[2] if "####" in text else text
    found = _NUMBER.findall(marked.replace("\N{MINUS SIGN}", "-"))
    return Decimal(re.sub(r"[$,]", "", found[-1])) if found else None


def letter_in(text: str) -> str | None:
    """The letter of the option that an answer chooses, in upper case; None if it chooses none clearly."""
    matches = (pattern.fullmatch(text.replace("*", "").strip()) for pattern in _CHOSEN)
    return next((match[1].upper() for match in matches if match), None)


def quoted(value: JSON) -> str:
    """A value for feedback, cut if it is long."""
    text = str(value)
    return f'"{text}"' if len(text) <= _SHOWN else f'"{text[:_SHOWN]}…" (cut)'


def _exact(answer: str, target: str) -> tuple[float, str]:
    if answer == target:
        return 1.0, ""
    return 0.0, " The target is in it, but an answer must hold nothing else." if target in answer else ""


def _numeric(answer: str, target: str) -> tuple[float, str]:
    given, wanted = number_in(answer), number_in(target)
    if given is None:
        return 0.0, " There is no number in the answer."
    return float(given == wanted), f" The number read from the answer is {given}; it should be {wanted}."


def _contains(answer: str, target: str) -> tuple[float, str]:
    found = re.search(rf"(?<!\w){re.escape(target)}(?!\w)", answer, re.IGNORECASE)
    return float(found is not None), " The answer does not contain it."


def _choice(answer: str, target: str) -> tuple[float, str]:
    given, wanted = letter_in(answer), letter_in(target)
    if given is None:
        return 0.0, " No option's letter could be read from the answer."
    return float(given == wanted), f" The option read from the answer is {given}."


def _regex(answer: str, target: str) -> tuple[float, str]:
    return float(re.search(target, answer) is not None), " The answer does not match this pattern."


def _text(target: JSON) -> str:
    return str(target).strip()


def _no_text(target: str) -> str:
    return "" if target else "is empty"


def _no_number(target: str) -> str:
    return "" if number_in(target) is not None else "holds no number"


def _no_choice(target: str) -> str:
    return "" if _CHOICE.fullmatch(target) else "is no letter of an option, like B or (B)"


def _no_pattern(target: str) -> str:
    try:
        re.compile(target)
    except re.error as error:
        return f"is no regular expression: {error}"
    return ""


SCORERS: Mapping[str, Scorer] = {
    "exact": Scorer(_exact),
    "numeric": Scorer(_numeric, _no_number),
    "contains": Scorer(_contains, _no_text),
    "choice": Scorer(_choice, _no_choice),
    "regex": Scorer(_regex, _no_pattern),
}


def call(function: Callable[..., Any], name: str, answer: str, example: Question) -> Score:
    """What a function of the user's gives: a number, true or false, or a number and feedback; else PluginError."""
    given = function(answer, example.target, example.input)
    value, feedback = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
    if not isinstance(value, bool | int | float) or not math.isfinite(value):
        raise PluginError(f"{name} gave {given!r} for {example.id}", "a number, true or false, or (number, feedback)")
    if feedback is None:
        wanted = "" if example.target is None else f"Expected {quoted(example.target)}. "
        feedback = (
            "Right." if value >= 1 else f"{wanted}The answer was {quoted(answer)}; its score is {float(value):g}."
        )
    return Score(float(value), str(feedback))


def check_target(scorer: str, target: JSON, where: str) -> None:
    """Raises InputError for a target that the scorer of this name cannot use."""
    plain = isinstance(target, str | int | float) and not isinstance(target, bool)
    problem = SCORERS[scorer].problem(_text(target)) if plain else "is no text or number"
    if problem:
        hint = "" if plain else "a function of yours can compare anything: benchmark.scorer=scorer.py:score"
        raise InputError(f"the scorer {scorer} cannot use the target of {where}: {quoted(target)} {problem}", hint)
