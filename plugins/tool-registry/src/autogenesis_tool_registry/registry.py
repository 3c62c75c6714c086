"""What the tools of this plugin have in common: which resources they are, and how texts of others are shown."""

import re

from autogenesis_core import Installed, Record

_DISTRIBUTION = "autogenesis-tool-registry"
_SHOWN = 50_000  # characters of one text that a model is shown


def is_own(record: Record) -> bool:
    """Whether a resource is a tool of this plugin, under whatever name."""
    implementation = record.implementation
    return isinstance(implementation, Installed) and implementation.distribution == _DISTRIBUTION


def one_line(text: str, limit: int = 300) -> str:
    """A text as one line without hidden characters, cut visibly after `limit` characters."""
    line = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    return line if len(line) <= limit else f"{line[:limit]}…"


def fenced(text: str) -> str:
    """A text between fences that it cannot close, cut visibly."""
    if len(text) > _SHOWN:
        text = f"{text[:_SHOWN]}… ({len(text) - _SHOWN:,} characters more)"
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}\n{text}\n{fence}"
