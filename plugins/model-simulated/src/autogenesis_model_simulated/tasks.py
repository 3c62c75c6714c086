"""The four families of tasks, recognised by parsing the user's question."""

import re

from attrs import frozen

from autogenesis_model_simulated.expression import find_expression

_BASE_NAMES = {"binary": 2, "octal": 8, "decimal": 10, "hexadecimal": 16, "hex": 16}
_BASE = r"(?:base[- ]?(\d+)|(binary|octal|decimal|hexadecimal|hex))"
_CONVERSIONS = (
    # convert the base-11 number 115 to base-15; the hexadecimal number ff into binary
    re.compile(rf"{_BASE}\s+(?:number|value|numeral)?\s*[\"'`]?(\w+)[\"'`]?\s+(?:in)?to\s+{_BASE}", re.IGNORECASE),
    # 115 in base 11 to base 15; 255 from decimal to hex
    re.compile(rf"[\"'`]?\b(\w*\d\w*|[a-f]+)[\"'`]?,?\s+(?:in|from)\s+{_BASE}\s+(?:in)?to\s+{_BASE}", re.IGNORECASE),
    # 255 to binary
    re.compile(rf"\b(\d+)\s+(?:in)?to\s+{_BASE}", re.IGNORECASE),
)
_LETTER = r"[\"'`]?(\w)[\"'`]?"
_QUOTED = r"[\"\u201c](.+)[\"\u201d]"
_COUNTS = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        rf"how (?:many times|often) does (?:the )?(?:letter |character )?{_LETTER}\s.*?(?:in|:)[^\"\u201c]*{_QUOTED}",
        rf"how many (?:times )?.*?letters?\s+{_LETTER}\s.*?{_QUOTED}",
        rf"count (?:the|every|each|all)?.*?letters?\s+{_LETTER}\s.*?{_QUOTED}",
        # How many r's are in strawberry?
        rf"how many {_LETTER}(?:'?s)? .*?\bin (?:the (?:word|text|name) )?[\"'`\u201c]?([\w ]+?)[\"'`\u201d]?\s*[?.]",
    )
)
_SORTING = re.compile(r"\b(?:sort|order|alphabeti[sz]e|arrange)\b", re.IGNORECASE)


@frozen
class Arithmetic:
    """Evaluate `expression`."""

    expression: str
    family = "arithmetic"


@frozen
class Sorting:
    """Put `words` in order."""

    words: tuple[str, ...]
    descending: bool = False
    family = "sorting"


@frozen
class Counting:
    """Count `letter` in `text`, whatever its case."""

    text: str
    letter: str
    family = "counting"


@frozen
class Conversion:
    """Write `number`, which is in base `source`, in base `target`."""

    number: str
    source: int
    target: int
    family = "conversion"


Task = Arithmetic | Sorting | Counting | Conversion


def recognise(question: str) -> Task | None:
    """The task that `question` asks for, or None if it is of no family."""
    return _conversion(question) or _counting(question) or _sorting(question) or _arithmetic(question)


def _conversion(question: str) -> Conversion | None:
    first, second, third = (pattern.search(question) for pattern in _CONVERSIONS)
    if first:
        base, name, number, target, target_name = first.groups()
    elif second:
        number, base, name, target, target_name = second.groups()
    elif third:
        number, target, target_name = third.groups()
        base, name = "10", None
    else:
        return None
    source, goal = _base(base, name), _base(target, target_name)
    return Conversion(number, source, goal) if _valid(number, source, goal) else None


def _base(digits: str | None, name: str | None) -> int:
    return int(digits) if digits else _BASE_NAMES[(name or "decimal").lower()]


def _valid(number: str, source: int, target: int) -> bool:
    if not (2 <= source <= 36 and 2 <= target <= 36) or len(number) > 100:
        return False
    try:
        int(number, source)
    except ValueError:
        return False
    return True


def _counting(question: str) -> Counting | None:
    for pattern in _COUNTS:
        if match := pattern.search(question):
            return Counting(match.group(2), match.group(1))
    return None


def _sorting(question: str) -> Sorting | None:
    if not _SORTING.search(question):
        return None
    head, colon, tail = question.rpartition(":")
    listed = tail if colon else _longest_list(question)
    parts = listed.split(",") if "," in listed else listed.split()
    found = tuple(part.strip().strip(".\"'`").strip() for part in parts)
    if len(found) < 2 or not all(found) or any(len(word.split()) > 3 for word in found):
        return None
    directions = re.findall(r"\b(ascending|descending|reverse)", head if colon else question, re.IGNORECASE)
    return Sorting(found, bool(directions) and directions[-1].lower() != "ascending")


def _longest_list(text: str) -> str:
    return max(re.findall(r"[\w'-]+(?:, ?[\w'-]+)+", text), key=len, default="")


def _arithmetic(question: str) -> Arithmetic | None:
    expression = find_expression(question)
    return Arithmetic(expression) if expression else None
