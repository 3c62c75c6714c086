"""Dependence between resources: which texts name what a rollback would take away."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from autogenesis_core.rspl.record import Record


@frozen
class Dependent:
    """Something that leans on what is about to go.

    Arguments:
        variable: `kind/name#path` of the text, or `kind/name` of a resource whose edit declared that it needs this one
        on: `kind/name` of what goes
        argument: the argument of that tool that the text names; "" where the dependence was declared
        commit: that gave the text its present form
    """

    variable: str
    on: str
    argument: str = ""
    commit: str = ""

    def __str__(self) -> str:
        if self.argument:
            return f"{self.variable} names {self.on}'s argument `{self.argument}`, which goes"
        return f"{self.variable} was changed for {self.on} as it is now (commit {self.commit})"


def lost_arguments(now: Record, then: Record) -> list[str]:
    """The arguments that a tool takes in one record and not in another."""
    return [name for name in _arguments(now) if name not in _arguments(then)]


def naming(records: Mapping[str, Record], tool: Record, argument: str) -> Iterator[str]:
    """The text variables, as `kind/name#path`, that name an argument of a tool.

    A text names it as code (`` `argument` ``), as a keyword (`argument=`, `argument:` or `"argument"`), or as a word
    beside the tool's own name: a mere word of prose is no dependence.
    """
    word = re.compile(rf"(?<!\w){re.escape(argument)}(?!\w)")
    code = re.compile(rf"`[^`\n]*(?<!\w){re.escape(argument)}(?!\w)[^`\n]*`|(?<!\w)\"?{re.escape(argument)}\"?\s*[=:]")
    own = re.compile(rf"(?<!\w){re.escape(tool.name)}(?!\w)")
    for record in records.values():
        if record.id == tool.id:
            continue
        for path, value in record.values().items():
            if isinstance(value, str) and (code.search(value) or (word.search(value) and own.search(value))):
                yield f"{record.id}#{path}"


def _arguments(record: Record) -> Mapping[str, Any]:
    schema = record.exports.get("parameters")
    found = schema.get("properties") if isinstance(schema, Mapping) else None
    return found if isinstance(found, Mapping) else {}
