"""Scorers: how an answer is compared with a target.

A scorer gives a score and a remark for feedback. Each also says, before anything is spent, which targets it cannot use.
"""

import inspect
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any

from attrs import frozen

from autogenesis_core import JSON, InputError, Question, Score, call_function

_SHOWN = 500  # characters of an answer or target that feedback repeats
_NUMBER = re.compile(r"(?<![\w.])[-+]?\$?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)?(?:(?<=\d)\.?|\.)\d*(?<=\d)(?:[eE][-+]?\d+)?")
_FENCED = re.compile(r"^```\w*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_CHOICE = re.compile(r"\(?([A-Za-z])[).:]?")
_CHOSEN = (  # ways to choose an option, the clearest first; of several of one way the last counts
    re.compile(r"([A-Za-z])(?:[).:](?:\s.*)?)?", re.DOTALL),  # the whole: B   B.   B) because …
    re.compile(r".*\b(?i:answer|option|choice)\b(?i:\s+is)?[\s:]*\(?(?!I\s)([A-Z])\b(?!').*", re.DOTALL),
    re.compile(r".*\(([A-Za-z])\).*", re.DOTALL),
    re.compile(r"[^A-Z]*\b([B-HJ-Z])\b[^A-Z]*"),  # the only capital letter, if it is no word
)


@frozen
class Options:
    """What can be set about scorers.

    Arguments:
        tolerance: how far a number may be from the target's
        subset: whether JSON may have more fields than the target's objects
    """

    tolerance: float = 0.0
    subset: bool = False


@frozen
class Scorer:
    """How an answer is compared with a target.

    Arguments:
        compare: `compare(answer, target, options)` gives a score and a remark
        problem: `problem(target)` says why a target cannot be used
        any_target: it compares more than texts and numbers
    """

    compare: Callable[[str, str, "Options"], tuple[float, str]]
    problem: Callable[[str], str] = lambda target: ""
    any_target: bool = False

    def score(self, answer: str, example: Question, options: "Options") -> Score:
        """The score of a stripped answer, with feedback in plain words."""
        value, remark = self.compare(answer, text_of(example.target), options)
        if value >= 1:
            return Score(value, "Right.")
        return Score(value, f"Expected {quoted(example.target)}, but the answer was {quoted(answer)}.{remark}")


def number_in(text: str) -> Decimal | None:
    """The number after `####`, if that is there, else the last number; thousands may have commas."""
    marked = text.rpartition("####")[2] if "####" in text else text
    found = _NUMBER.findall(marked.replace("\N{MINUS SIGN}", "-"))
    try:
        return Decimal(re.sub(r"[$,]", "", found[-1])) if found else None
    except ArithmeticError:  # an exponent that no number has
        return None


def letter_in(text: str) -> str | None:
    """The letter of the option that an answer chooses, in upper case; None if it chooses none clearly."""
    matches = (pattern.fullmatch(text.replace("*", "").strip()) for pattern in _CHOSEN)
    return next((match[1].upper() for match in matches if match), None)


def quoted(value: JSON) -> str:
    """A value for feedback, cut if it is long."""
    text = str(value)
    return f'"{text}"' if len(text) <= _SHOWN else f'"{text[:_SHOWN]}…" (cut)'


def text_of(value: JSON) -> str:
    """A target or an answer's data as text: JSON, unless it is a text already."""
    return value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _exact(answer: str, target: str, options: Options) -> tuple[float, str]:
    if answer == target:
        return 1.0, ""
    return 0.0, " The target is in it, but an answer must hold nothing else." if target in answer else ""


def _numeric(answer: str, target: str, options: Options) -> tuple[float, str]:
    given, wanted = number_in(answer), number_in(target)
    if given is None or wanted is None:
        return 0.0, " There is no number in the answer."
    try:
        near = abs(given - wanted) <= Decimal(str(options.tolerance))
    except ArithmeticError:  # they are further apart than numbers go
        near = False
    within = f", within {options.tolerance:g}" if options.tolerance else ""
    return float(near), f" The number read from the answer is {given}; it should be {wanted}{within}."


def _contains(answer: str, target: str, options: Options) -> tuple[float, str]:
    found = re.search(rf"(?<!\w){re.escape(target)}(?!\w)", answer, re.IGNORECASE)
    return float(found is not None), " The answer does not contain it."


def _choice(answer: str, target: str, options: Options) -> tuple[float, str]:
    given, wanted = letter_in(answer), letter_in(target)
    if given is None:
        return 0.0, " No option's letter could be read from the answer."
    return float(given == wanted), f" The option read from the answer is {given}."


def _regex(answer: str, target: str, options: Options) -> tuple[float, str]:
    return float(re.search(target, answer) is not None), " The answer does not match this pattern."


def _json(answer: str, target: str, options: Options) -> tuple[float, str]:
    fenced = _FENCED.findall(answer)
    try:
        given = _parsed(fenced[0] if len(fenced) == 1 else answer)
    except (ValueError, RecursionError) as error:
        return 0.0, f" The answer is no JSON: {error}."
    problem = _difference(given, _parsed(target), "the answer", subset=options.subset)
    return float(not problem), f" {problem}."


def _parsed(text: str) -> Any:  # any JSON
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number of JSON")

    return json.loads(text, parse_constant=refuse)


def _difference(given: Any, wanted: Any, where: str, *, subset: bool) -> str:
    """The first place in which two JSON values differ, in words; empty if they are equal. 1 is 1.0, and not true."""
    if isinstance(given, dict) and isinstance(wanted, dict):
        for key in wanted:
            if key not in given:
                return f"{where} has no field {key!r}"
        for key in given:
            if key not in wanted and not subset:
                return f"{where} has a field too much, {key!r}"
        pairs = [(f"{where}.{key}", given[key], wanted[key]) for key in wanted]
    elif isinstance(given, list) and isinstance(wanted, list):
        if len(given) != len(wanted):
            return f"{where} has {len(given)} items; it should have {len(wanted)}"
        pairs = [(f"{where}[{index}]", *pair) for index, pair in enumerate(zip(given, wanted, strict=True))]
    else:
        alike = isinstance(given, bool) == isinstance(wanted, bool) and given == wanted
        return "" if alike else f"{where} is {quoted(json.dumps(given))}; it should be {quoted(json.dumps(wanted))}"
    problems = (_difference(one, other, place, subset=subset) for place, one, other in pairs)
    return next((problem for problem in problems if problem), "")


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


def _no_json(target: str) -> str:
    try:
        _parsed(target)
    except (ValueError, RecursionError) as error:
        return f"is no JSON: {error}"
    return ""


SCORERS: Mapping[str, Scorer] = {
    "exact": Scorer(_exact),
    "numeric": Scorer(_numeric, _no_number),
    "contains": Scorer(_contains, _no_text),
    "choice": Scorer(_choice, _no_choice),
    "regex": Scorer(_regex, _no_pattern),
    "json": Scorer(_json, _no_json, any_target=True),
}


def call(
    function: Callable[..., Any], name: str, answer: str, example: Question, *, threads: bool
) -> Score | Awaitable[Score]:
    """What a function of the user's gives, sync or async: a number, true or false, or a number and feedback.

    Raises PluginError for anything else.
    """

    def score_of(given: Any) -> Score:  # whatever the function returned
        score = Score.of(given, name, example.id)
        if isinstance(given, tuple):
            return score
        wanted = "" if example.target is None else f"Expected {quoted(example.target)}. "
        said = f"{wanted}The answer was {quoted(answer)}; its score is {score.value:g}."
        return Score(score.value, "Right." if score.value >= 1 else said)

    async def later(given: Awaitable[Any]) -> Score:
        return score_of(await given)

    given = call_function(function, answer, example.target, example.input, threads=threads)
    return later(given) if inspect.isawaitable(given) else score_of(given)


def check_target(scorer: str, target: JSON, where: str) -> None:
    """Raises InputError for a target that the scorer of this name cannot use."""
    plain = isinstance(target, str | int | float) and not isinstance(target, bool)
    usable = plain or SCORERS[scorer].any_target
    problem = SCORERS[scorer].problem(text_of(target)) if usable else "is no text or number"
    if problem:
        hint = "" if plain else "benchmark.scorer=json, or a function of yours: benchmark.scorer=scorer.py:score"
        raise InputError(f"the scorer {scorer} cannot use the target of {where}: {quoted(target)} {problem}", hint)
