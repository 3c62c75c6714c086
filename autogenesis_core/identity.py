"""Identity: canonical JSON, the digests over it, and the seeds that are derived from it."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from autogenesis_core.errors import InvalidRecord

if TYPE_CHECKING:
    JSON: TypeAlias = "bool | int | float | str | list[JSON] | tuple[JSON, ...] | Mapping[str, JSON] | None"
else:
    # At run time converters must not descend into a recursive type; canonical() is what proves that a value is JSON.
    JSON = Any

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_SCALARS = frozenset((str, int, float, bool, type(None)))


def canonical(value: object) -> str:
    """`value` as canonical JSON: sorted keys, no spaces, UTF-8, no NaN or infinity.

    Raises InvalidRecord for what JSON cannot hold: other types, keys that are no strings, NaN, lone surrogates.
    """
    try:
        return encode(plain(value))
    except (TypeError, RecursionError) as error:
        raise InvalidRecord(f"this value is no JSON: {error}") from None


def encode(value: object) -> str:
    """The canonical JSON of data that is plain already: `canonical` without a copy."""
    try:
        text = _ENCODER.encode(value)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRecord(f"this value is no JSON: {error}") from None
    return text


def digest(value: object) -> str:
    """The SHA-256 of the canonical JSON of `value`, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def derive(*parts: object) -> int:
    """A seed of 63 bits that is a function of `parts` alone: (run seed, iteration, purpose, example id)."""
    text = _ENCODER.encode([part if type(part) is str else str(part) for part in parts])
    return int(hashlib.sha256(text.encode()).hexdigest()[:16], 16) >> 1


def derive_each(parts: Sequence[object], last: Iterable[str]) -> list[int]:
    """`derive(*parts, item)` for each of `last`: what they have in common is hashed once."""
    text = _ENCODER.encode([part if type(part) is str else str(part) for part in parts])
    begun = hashlib.sha256(text[:-1].encode())
    found = []
    for item in last:
        hashed = begun.copy()
        hashed.update(f",{_ENCODER.encode(item)}]".encode())
        found.append(int.from_bytes(hashed.digest()[:8], "big") >> 1)
    return found


def plain(value: object) -> object:
    """A copy of JSON data: mappings as dicts, sequences as lists; raises TypeError for a key that is no string."""
    kind = type(value)  # asked first: to ask for Mapping costs ten times as much
    if kind in _SCALARS:
        return value
    if kind is dict or kind is _Dict or isinstance(value, Mapping):
        copied = {}
        for key, item in value.items():  # type: ignore[attr-defined]  # mypy sees no Mapping in `kind is dict`
            if not isinstance(key, str):
                raise TypeError("a key is no string")
            copied[key] = plain(item)
        return copied
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def unchanging(value: object) -> object:
    """A copy of JSON data as `plain` makes it, whose dicts and lists refuse to be changed."""
    kind = type(value)
    if kind in _SCALARS or kind is _Dict or kind is _List:
        return value
    if kind is dict or isinstance(value, Mapping):
        copied = {}
        for key, item in value.items():  # type: ignore[attr-defined]  # mypy sees no Mapping in `kind is dict`
            if not isinstance(key, str):
                raise TypeError("a key is no string")
            copied[key] = unchanging(item)
        return _Dict(copied)
    if isinstance(value, list | tuple):
        return _List(map(unchanging, value))
    return value


def _refuse(*_: object, **__: object) -> NoReturn:
    raise TypeError("a record never changes; with_values and attrs.evolve make another")


class _Dict(dict[str, Any]):
    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return dict, (dict(self),)  # a copy may be changed


class _List(list[Any]):
    __setitem__ = __delitem__ = __iadd__ = __imul__ = append = extend = insert = pop = remove = clear = _refuse
    sort = reverse = _refuse

    def __reduce__(self) -> tuple[type, tuple[list[Any]]]:
        return list, (list(self),)  # a copy may be changed
