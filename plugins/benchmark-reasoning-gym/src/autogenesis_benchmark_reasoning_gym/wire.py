"""A dataset entry's metadata as JSON and back, exactly: verifiers tell tuples from lists and 1 from "1"."""

from typing import Any

from autogenesis_core import JSON, PluginError

_TUPLE, _ITEMS, _SET = "()", "{}", "set"  # the only key of an object that stands for another type


def encode(value: object) -> JSON:
    """Plain JSON that `decode` turns back into an equal value; raises PluginError for a type that is not known."""
    if value is None or isinstance(value, bool):
        return value
    for plain in (str, int, float):  # the plain type, where a value is an enum's member or numpy's
        if isinstance(value, plain):
            return plain(value)
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, tuple):
        return {_TUPLE: [encode(item) for item in value]}
    if isinstance(value, set | frozenset):
        return {_SET: [encode(item) for item in sorted(value, key=repr)]}
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value) and not value.keys() & {_TUPLE, _ITEMS, _SET}:
            return {str(key): encode(item) for key, item in value.items()}
        return {_ITEMS: [[encode(key), encode(item)] for key, item in value.items()]}
    if hasattr(value, "tolist"):
        return encode(value.tolist())
    raise PluginError(f"reasoning-gym's metadata holds a {type(value).__name__}, which cannot be kept as JSON")


def decode(value: Any) -> Any:  # whatever `encode` was given
    """The value that `encode` was given."""
    match value:
        case list():
            return [decode(item) for item in value]
        case {"()": list(items)} if len(value) == 1:
            return tuple(decode(item) for item in items)
        case {"set": list(items)} if len(value) == 1:
            return {decode(item) for item in items}
        case {"{}": list(items)} if len(value) == 1:
            return {decode(key): decode(item) for key, item in items}
        case dict():
            return {key: decode(item) for key, item in value.items()}
    return value
