"""What a candidate changes, as texts."""

from collections.abc import Iterator, Mapping

from attrs import frozen

from autogenesis_core import JSON, Record


@frozen
class Change:
    """One variable whose text differs from what is committed."""

    variable: str
    before: str
    after: str


def changed_texts(before: Mapping[str, Record], after: Mapping[str, Record]) -> list[Change]:
    """The variables with another text than before, in the order of the records."""
    found = []
    for name, record in after.items():
        old = before[name].values() if name in before else {}
        new = record.values()
        for path in dict.fromkeys((*old, *new)):
            texts = text_of(old.get(path)), text_of(new.get(path))
            if texts[0] != texts[1]:
                found.append(Change(f"{name}#{path}", *texts))
    return found


def text_of(value: JSON) -> str:
    """The texts within a value, one below the other; numbers are none."""
    return value if isinstance(value, str) else "\n".join(_texts(value))


def _texts(value: JSON) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
