"""Variable lifting: the composed system as one flat set of variables, each with its learnability mark."""

from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase

from attrs import frozen

from autogenesis_core.errors import unknown
from autogenesis_core.identity import JSON
from autogenesis_core.rspl.record import Record


@frozen
class Variable:
    """One variable: `id` is `kind/name#path`; `description` says what its resource is for."""

    id: str
    value: JSON
    trainable: bool
    description: str = ""

    @property
    def resource(self) -> str:
        """`kind/name`."""
        return self.id.partition("#")[0]

    @property
    def path(self) -> str:
        """The part after `#`."""
        return self.id.partition("#")[2]


def lift(
    records: Mapping[str, Record],
    *,
    pinned: Collection[str] = (),
    only: Sequence[str] = (),
    environment: str = "",
) -> tuple[Variable, ...]:
    """Every variable of `records`.

    None of a pinned resource is trainable, nor one that no pattern of `only` matches, nor one that is kept for another
    environment than the one in use (`environment` is its spec's id).
    """

    def trainable(record: Record, path: str) -> bool:
        name = f"{record.id}#{path}"
        wanted = not only or any(_fits(name, pattern) for pattern in only)
        parameter, _, key = path.partition(".")
        elsewhere = key not in ("", environment) and environment in _keys(record, parameter)
        return record.is_trainable(path) and record.id not in pinned and wanted and not elsewhere

    return tuple(
        Variable(f"{record.id}#{path}", value, trainable(record, path), record.description)
        for record in records.values()
        for path, value in record.values().items()
    )


def check_patterns(records: Mapping[str, Record], patterns: Sequence[str]) -> None:
    """Raises UnknownName for a pattern that fits no variable of `records`."""
    names = [variable.id for variable in lift(records)]
    for pattern in patterns:
        if not any(_fits(name, pattern) for name in names):
            raise unknown("variable for evolve=", pattern, names)


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or name.partition("#")[0] == pattern


def _keys(record: Record, parameter: str) -> Collection[str]:
    value = record.parameters.get(parameter)
    return value.keys() if isinstance(value, Mapping) else ()
