"""Plain data → typed objects, strictly, with every error at once and each with its path."""

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin

from autogenesis_core.errors import ConfigurationError, InputError, did_you_mean

_T = TypeVar("_T")
Problems = list[tuple[str, str]]


def structure(data: object, target: type[_T], path: str) -> _T:
    """`data` as a `target`: an attrs class, or any type of the standard library's that cattrs knows.

    Nothing is converted but an int to a float. Raises ConfigurationError with all problems, their paths below `path`.
    """
    try:
        return cast("_T", converter().structure(data, target))
    except Exception as error:  # noqa: BLE001  # cattrs groups whatever validators and hooks raise
        raise ConfigurationError(list(_problems(error, path, target))) from None


def structure_arguments(signature: inspect.Signature, data: Mapping[str, object]) -> dict[str, Any]:
    """The arguments of a call, of the types that `signature` says; raises ConfigurationError with all problems."""
    problems: Problems = [
        (name, f"unknown{_near(name, signature.parameters)}") for name in data if name not in signature.parameters
    ]
    arguments: dict[str, Any] = {}
    for name, parameter in signature.parameters.items():
        if name in data:
            try:
                arguments[name] = structure(data[name], parameter.annotation, name)
            except ConfigurationError as error:
                problems += error.problems
        elif parameter.default is parameter.empty:
            problems.append((name, "missing"))
    if problems:
        raise ConfigurationError(problems)
    return arguments


@cache
def converter() -> Any:  # cattrs' type would import cattrs where nothing is structured
    """The strict converter: unknown keys are errors and scalars must be what they say."""
    from attrs import has
    from cattrs import Converter
    from cattrs.cols import is_mapping, is_sequence, list_structure_factory, mapping_structure_factory

    strict = Converter(forbid_extra_keys=True)
    for kind in (str, bool, int, float):
        strict.register_structure_hook(kind, _strict)
    strict.register_structure_hook_factory(has, lambda kind: _mapping(strict.gen_structure_attrs_fromdict(kind)))
    strict.register_structure_hook_factory(is_sequence, lambda kind: _no_text(list_structure_factory(kind, strict)))
    strict.register_structure_hook_factory(is_mapping, lambda kind: _mapping(mapping_structure_factory(kind, strict)))
    strict.register_structure_hook_func(_is_union, lambda value, kind: _any_of(value, kind, strict))
    return strict


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType)


def _any_of(value: object, kind: Any, strict: Any) -> object:
    """The first member of a union that takes `value` as it is; the error of the last that does not."""
    members = [member for member in get_args(kind) if member is not NoneType]
    if value is None and len(members) < len(get_args(kind)):
        return None
    for member in members[:-1]:
        try:
            return strict.structure(value, member)
        except Exception:  # noqa: BLE001, S112  # cattrs groups whatever validators and hooks raise
            continue
    return strict.structure(value, members[-1])


def _mapping(hook: Any) -> Any:  # a hook of cattrs
    def structured(value: object, kind: Any) -> object:
        if not isinstance(value, Mapping):
            names = [field.name for field in getattr(kind, "__attrs_attrs__", ()) if field.init]
            raise TypeError(f"{_shown(value)} is no mapping" + (f" of {', '.join(names)}" if names else ""))
        return hook(value, kind)

    return structured


def _no_text(hook: Any) -> Any:  # a hook of cattrs
    def structured(value: object, kind: Any) -> object:
        if isinstance(value, str | bytes | Mapping) or not isinstance(value, Sequence):
            raise TypeError(f"{_shown(value)} is no list")
        found = hook(value, kind)
        return tuple(found) if get_origin(kind) is tuple else found  # a frozen class is to hold nothing that changes

    return structured


def _strict(value: object, kind: type) -> object:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    raise TypeError(f"{_shown(value)} is no {_WORDS[kind]}")


_WORDS = {str: "text", bool: "true or false", int: "whole number", float: "number"}


def _problems(error: BaseException, path: str, target: Any) -> Iterator[tuple[str, str]]:
    from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError

    if isinstance(error, BaseValidationError):
        for inner in error.exceptions:
            yield from _problems(inner, path + _place(inner), _class_of(error, target))
    elif isinstance(error, ForbiddenExtraKeysError):
        known = [field.name for field in getattr(error.cl, "__attrs_attrs__", ())]
        for key in sorted(error.extra_fields):
            near = did_you_mean(key, known)
            yield f"{path}.{key}", "unknown" + (f"; did you mean {f'{path}.{near}'.lstrip('.')}?" if near else "")
    elif isinstance(error, KeyError):
        yield path if path.endswith(str(error.args[0])) else f"{path}.{error.args[0]}", "missing"
    elif isinstance(error, ConfigurationError):
        yield from ((f"{path}.{inner}", text) for inner, text in error.problems)
    elif isinstance(error, InputError):
        yield path, "; ".join(filter(None, (error.reason, error.hint)))
    else:
        said = str(error.args[0]) if error.args else str(error)
        field = re.match(r"'(\w+)' (must .*)", said)  # attrs' validators name the field in their text only
        yield (f"{path}.{field[1]}", field[2]) if field else (path, _plain(error))


def _place(error: BaseException) -> str:
    """Where in its parent the error is: cattrs notes it as an attribute or an index."""
    from cattrs import AttributeValidationNote, IterableValidationNote

    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            return f".{note.name}"
        if isinstance(note, IterableValidationNote):
            return f"[{note.index!r}]" if isinstance(note.index, int) else f".{note.index}"
    return ""


def _class_of(error: Any, target: Any) -> Any:
    return getattr(error, "cl", target)


def _plain(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    literal = re.match(r"(.*) not in literal typing\.Literal\[(.*)\]", text)
    if literal:
        return f"{literal[1]} is none of {literal[2]}"
    return text


def _near(name: str, known: Sequence[str] | Mapping[str, object]) -> str:
    near = did_you_mean(name, known)
    return f"; did you mean {near}?" if near else ""


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
