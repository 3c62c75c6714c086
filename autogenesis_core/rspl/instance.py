"""From a record to an instance: what may be stored, and what is built of it."""

from collections.abc import Callable
from functools import cache
from typing import Any, get_type_hints

import attrs

from autogenesis_core.errors import ConfigurationError, PluginError
from autogenesis_core.rspl.prompt import Prompt, check_prompt
from autogenesis_core.rspl.record import Record, Source
from autogenesis_core.rspl.skill import Skill, check_skill
from autogenesis_core.services.secrets import check_no_secret, resolve_secrets, structure_with_secrets
from autogenesis_core.structuring import Problems, structure


def check_content(record: Record, before: Record | None = None) -> None:
    """Raises InvalidRecord for content that may not be stored, or that may not come from `before` by an edit."""
    if record.kind == "prompt":
        check_prompt(record, before)
    elif record.form == "skill":
        check_skill(record)


def construct(
    record: Record, cls: type[Any] | None, given: Any, artifact: Callable[[str], bytes]
) -> Any:  # an instance of the resource's own class
    """An instance of a record, its secrets resolved.

    Arguments:
        cls: the class that implements it; prompts and skills need none
        given: the instance that a program gave in place of a class, if any
        artifact: the bytes of a SHA-256 that a skill names

    Raises ConfigurationError for parameters that its class does not take, PluginError for what cannot be built here.
    """
    if record.kind == "prompt":
        return Prompt(record)
    check_no_secret(record)
    if record.form == "skill":
        return Skill(record, artifact)
    if isinstance(record.implementation, Source):
        raise PluginError(f"{record.id} is source text, and no sandbox is installed to run it")
    if given is not None:
        return attrs.evolve(given, **_typed(type(given), record))
    if cls is None:
        raise PluginError(f"{record.id} has no class to be built from")
    required = {field.name for field in attrs.fields(cls) if field.default is attrs.NOTHING}
    values = {key: value for key, value in record.parameters.items() if value is not None or key not in required}
    return structure_with_secrets(values, cls, record.id)


@cache
def _hints(cls: Any) -> dict[str, Any]:  # a class, which the cache must know to be hashable
    return get_type_hints(cls)


def _typed(cls: type[Any], record: Record) -> dict[str, Any]:
    """The parameters of an instance that a program gave, of the types that its class says."""
    hints = _hints(cls)  # type: ignore[arg-type]  # a class whose own class is not known to be hashable
    values = resolve_secrets(record.parameters, record.id)
    problems: Problems = []
    for name, value in values.items():
        try:
            structure(value, hints.get(name, Any), f"{record.id}.{name}")
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(problems)
    return dict(values)
