"""Slices: which of the held-out examples belong together."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from attrs import frozen

from autogenesis_core import Assessment, Episode, InputError, Question

Example = Question | Episode

_SHOWN = 100  # characters of a key's values that are listed


@frozen
class Slice:
    """Examples of val that are guarded together, by id."""

    name: str
    examples: frozenset[str]

    def unrun(self, part: Assessment) -> str:
        """How many of its examples were not run, in a few words; empty if all were."""
        run = {cell.example for cell in part.baseline.cells}
        left = len(self.examples - run)
        return f"{left} of its {len(self.examples)} examples were not run" if left else ""


def check_slice(name: str) -> None:
    """Raises InputError for a text that names no slice."""
    head, colon, rest = name.partition(":")
    if colon and head in ("id", "text"):
        if not rest.strip():
            raise InputError(f"the slice '{name}' says nothing after the colon", "id:val-1*   text:please")
    elif not name.partition("=")[0].strip() or "=" not in name:
        raise InputError(
            f"'{name}' is no slice", "key=value of metadata, id:pattern of example ids, or text:words in the input"
        )


def slices_of(names: Sequence[str], by: Sequence[str], val: Sequence[Example]) -> list[Slice]:
    """The slices by name, in order, then those of each key's values as they come up."""
    found = [Slice(name, frozenset(e.id for e in val if _test(name)(e))) for name in names]
    for key in by:
        values = dict.fromkeys(_metadata(e, key) for e in val)
        found += [
            Slice(f"{key}={value}", frozenset(e.id for e in val if _metadata(e, key) == value))
            for value in values
            if value is not None
        ]
    return found


def said_of(val: Sequence[Example]) -> str:
    """What there is to choose from: keys of metadata with few values, and an id."""
    keys = dict.fromkeys(key for e in val if isinstance(e, Question) for key in e.metadata)
    values = {key: list(dict.fromkeys(value for e in val if (value := _metadata(e, key)) is not None)) for key in keys}
    short = [f"{key}={'|'.join(found)}" for key, found in values.items() if len("".join(found)) <= _SHOWN]
    return f"its examples have {', '.join([*short, *(f'id:{e.id}' for e in val[:1])])}" if val else "there are none"


def _test(name: str) -> Callable[[Example], bool]:
    head, colon, rest = name.partition(":")
    if colon and head == "id":
        return lambda example: fnmatchcase(example.id, rest)
    if colon and head == "text":
        return lambda example: rest.casefold() in example.input.casefold()
    key, _, value = name.partition("=")
    return lambda example: _metadata(example, key.strip()) == value.strip()


def _metadata(example: Example, key: str) -> str | None:
    value = example.metadata.get(key) if isinstance(example, Question) else None
    return None if value is None else str(value)
