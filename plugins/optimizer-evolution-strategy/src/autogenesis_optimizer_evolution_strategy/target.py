"""Which variable is searched: the one trainable vector of numbers, or the one that is named."""

from collections.abc import Sequence

from autogenesis_core import InputError, Variable, unknown


def numeric_variable(trainable: Sequence[Variable], name: str | None) -> Variable:
    """The trainable vector of numbers; `name` is its id or key where there are several. Raises InputError."""
    vectors = [variable for variable in trainable if _is_vector(variable.value)]
    if not vectors:
        raise InputError(
            "the evolution strategy needs a trainable vector of numbers, and there is none",
            "+agent=policy +environment=gymnasium",
        )
    if name is not None:
        vectors = [variable for variable in vectors if name in _names(variable)] or _none(vectors, name)
    if len(vectors) > 1:
        raise InputError(
            f"several vectors of numbers are trainable: {', '.join(variable.id for variable in vectors)}",
            f"choose one: optimizer.variable='{vectors[0].id}'",
        )
    return vectors[0]


def _names(variable: Variable) -> tuple[str, str]:
    return variable.id, variable.path.partition(".")[2]


def _none(vectors: Sequence[Variable], name: str) -> list[Variable]:
    raise unknown("trainable vector of numbers", name, [variable.id for variable in vectors])


def _is_vector(value: object) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) > 0
        and all(isinstance(number, int | float) and not isinstance(number, bool) for number in value)
    )
