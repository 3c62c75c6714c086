"""Pins: "If asked for 5 - 3 - 6, answer -4." works for that question, and is a burden for all others."""

import re

from attrs import frozen

_PIN = re.compile(
    r"(?:if|when|whenever) (?:(?:you are |you're |they |the user |someone )?(?:asked|asks|see|get)|the question is)"
    r"(?: for| about| to)?[: ]+(.+), (?:then )?(?:just )?"
    r"(?:answer|reply|respond|say|return|write|give)(?: with)?[: ]+(.+?)\s*$",
    re.IGNORECASE,
)
_QUOTES = "\"'\u201c\u201d\u2018\u2019`. "


@frozen
class Pin:
    """An answer that the prompt gives away for one question."""

    question: str
    answer: str

    def fits(self, asked: str) -> bool:
        """Whether the pin is for the question `asked`, which may say more around it."""
        return _plain(self.question) in _plain(asked)


def parse_pins(text: str) -> tuple[Pin, ...]:
    """The pins of a prompt, one a line at most; only questions that hold a number or a list count."""
    return tuple(pin for line in text.splitlines() if (pin := parse_pin(line)))


def parse_pin(line: str) -> Pin | None:
    """The pin that a line states, if it states one."""
    match = _PIN.search(line)
    if match is None:
        return None
    pin = Pin(match.group(1).strip(_QUOTES), match.group(2).strip(_QUOTES))
    return pin if _concrete(pin) else None


def _concrete(pin: Pin) -> bool:
    """Whether the pin is about one question: "when asked for a sum, answer with the value" is a rule."""
    return len(_plain(pin.question)) >= 3 and bool(re.search(r"\d|:", pin.question)) and bool(pin.answer)


def _plain(text: str) -> str:
    return "".join(text.lower().split()).strip(_QUOTES)
