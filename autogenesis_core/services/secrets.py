"""Secrets: what is stored and shown is a reference, `{secret: NAME}`; its value is in built instances only.

A value is read from the environment where an instance is built. What was read is known from then on, so that nothing
which writes shows it: `redact` takes it out of texts, `check_no_secret` keeps it out of records.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from autogenesis_core.errors import ConfigurationError, InvalidRecord, did_you_mean
from autogenesis_core.structuring import Problems, structure

if TYPE_CHECKING:
    from autogenesis_core.rspl.record import Record

# Capitals only: a key that was pasted where its name belongs is then refused unseen, not looked up and shown.
_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
_PARAMETER = re.compile(r"(^|[_-])(api[_-]?key|token|password|passwd|secret|credentials?)$", re.IGNORECASE)
_VARIABLE = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL)", re.IGNORECASE)
_ENV = re.compile(r"env:[A-Za-z_]\w*")  # a plugin's own way to name a variable, which it reads by itself
_REDACTED_FROM, _REFUSED_FROM = 4, 8  # characters; shorter values stand in ordinary text too often

_T = TypeVar("_T")
_known: dict[str, str] = {}  # every value that was read in this process, and its name; none is ever forgotten


class SecretText(str):
    """The value of a secret: a text like any other, but its repr shows only the secret's name."""

    name: str = "NAME"

    def __repr__(self) -> str:
        return f"<secret {self.name}>"


def structure_with_secrets(data: object, target: type[_T], path: str) -> _T:
    """`data` as a `target`, as `structure` makes it, with the values of secrets in place of their references.

    Raises ConfigurationError with all problems, among them secrets that are not set; no text of it shows a value.
    """
    problems = written_out(data, path)
    resolved, unset = _resolve(data, path)
    problems += unset
    try:
        made = structure(resolved, target, path)
    except ConfigurationError as error:
        # What stands in for a value that is not there may break the rules of its field, or of the whole.
        told = {place for place, _ in problems} | ({path} if problems else set())
        problems += [(place, _described(text)) for place, text in error.problems if place not in told]
    if problems:
        raise ConfigurationError(problems)
    return made


def resolve_secrets(data: _T, path: str) -> _T:
    """Parameters with the values of secrets in place of their references; raises ConfigurationError for unset ones."""
    resolved, unset = _resolve(data, path)
    if unset:
        raise ConfigurationError(unset)
    return resolved  # type: ignore[no-any-return]  # of the same shape


def written_out(data: object, path: str) -> Problems:
    """Where `data` holds a secret itself: text under a name such as `api_key`, or no name where one belongs."""
    problems: Problems = []
    for place, key, found in _texts(data, path):
        if isinstance(found, Mapping):
            if not _NAME.fullmatch(found["secret"]):
                problems.append((place, "secret: takes the name of an environment variable, in capitals"))
        elif found and _PARAMETER.search(key) and not _ENV.fullmatch(found):
            problems.append((place, "is stored and shown; write {secret: NAME}, which names an environment variable"))
    return problems


def check_no_secret(record: "Record") -> None:
    """Raises InvalidRecord for a record that holds a secret, or a reference to one where a model may write.

    To be called wherever a record is made or edited, before anything is built of it, and before it is stored.
    """
    if record.kind != "prompt":  # a prompt's parameters are texts under any heading, in which nothing is resolved
        for place, problem in written_out(record.parameters, ""):
            raise InvalidRecord(f"{record.id}#{place[1:]} {problem}")
        for name, value in record.parameters.items():
            # Else an optimizer could name any variable of the environment, and have an agent say what it holds.
            if record.trainable.get(name) and any(
                isinstance(found, Mapping) for _, _, found in _texts(value, "", name)
            ):
                raise InvalidRecord(
                    f"{record.id}#{name} may hold no secret: it is trainable, so models read and rewrite it"
                )
    for place, _, text in _texts(record.to_json(), "") if _known else ():
        if isinstance(text, str) and (secret := _secret_in(text)):
            raise InvalidRecord(f"{record.id} holds the value of the secret {secret} in {place[1:]}")


def secrets_asked(record: "Record") -> list[str]:
    """The variables of the environment that a record asks for: worth a look where it comes from somebody else."""
    if record.kind == "prompt":
        return []
    return sorted({found["secret"] for _, _, found in _texts(record.parameters, "") if isinstance(found, Mapping)})


def redact(data: Any, more: tuple[str, ...] = ()) -> Any:  # JSON data, or what str() makes of it
    """JSON data without any secret that was read in this process, and without the values `more`.

    They are found as they are, and as JSON, Python or an address writes them; in no other encoding, such as base64.
    """
    pattern = _pattern((*more, *(value for value in _known if len(value) >= _REDACTED_FROM)))
    return data if pattern is None else _redacted(data, pattern)


def encoded(data: Any, encode: Callable[[object], str], more: tuple[str, ...] = ()) -> str:  # data as redact's
    """The JSON of what `redact` makes of data; data without a secret, which is nearly all, is only searched.

    Arguments:
        encode: makes JSON of data
    """
    values = (*more, *(value for value in _known if len(value) >= _REDACTED_FROM)) if _known else more
    if not values:
        return encode(data)
    try:
        text = encode(data)
    except TypeError:  # a key that is no text
        return encode(redact(data, more))
    found = any(spelling in text for spelling in _encoded_spellings(values))
    return encode(redact(data, more)) if found else text


def environment_secrets() -> tuple[str, ...]:
    """The values of environment variables that are named like secrets, as far as they are long enough to be some."""
    return tuple(v for k, v in os.environ.items() if is_secret_variable(k) and len(v) >= _REFUSED_FROM)


def is_secret_variable(name: str) -> bool:
    """Whether an environment variable is named like a secret."""
    return bool(_VARIABLE.search(name))


def _texts(data: object, path: str, key: str = "") -> Iterator[tuple[str, str, Any]]:  # a text, or a reference
    """Every text, key and reference in `data`, each with its path and the last name of that; of a key, its mapping's.

    The whole is no reference: a class may have one parameter only, and that may be called `secret`.
    """
    if isinstance(data, str) or (key and _is_reference(data)):
        yield path, key, data
    elif isinstance(data, Mapping):
        for name, item in data.items():
            yield path, "", name
            yield from _texts(item, f"{path}.{name}", name)
    elif isinstance(data, list | tuple):
        for index, item in enumerate(data):
            if type(item) is not float:  # a policy has many weights
                yield from _texts(item, f"{path}[{index}]", key)


def _is_reference(data: object) -> bool:
    return isinstance(data, Mapping) and len(data) == 1 and isinstance(data.get("secret"), str)


def _resolve(data: Any, path: str) -> tuple[Any, Problems]:  # JSON data
    unset: Problems = []

    def resolved(item: Any, place: str) -> Any:
        if _is_reference(item):
            return _value(item["secret"], place, unset)
        return inside(item, place)

    def inside(item: Any, place: str) -> Any:
        if isinstance(item, Mapping):
            return {name: resolved(value, f"{place}.{name}") for name, value in item.items()}
        if isinstance(item, list | tuple):
            return [resolved(value, f"{place}[{index}]") for index, value in enumerate(item)]
        return item

    return inside(data, path), unset


def _value(name: str, place: str, unset: Problems) -> SecretText:
    if not _NAME.fullmatch(name):
        return SecretText()  # written_out() tells of it, and not what the name is: it may be the value
    value = SecretText(os.environ.get(name, ""))
    value.name = name
    if value.strip():
        _known[str(value)] = name
    else:
        near = did_you_mean(name, filter(is_secret_variable, os.environ))
        hint = f"did you mean {near}?" if near else f"export {name}=… or write it into .env"
        unset.append((place, f"the secret {name} is not set; {hint}"))
    return value


def _described(text: str) -> str:
    """The text of an error, with references in place of what shows in it of secrets."""
    return str(redact(re.sub(r"<secret (\w+)>", r"{secret: \1}", text)))


def _secret_in(text: str) -> str | None:
    """The name of a secret whose value `text` is or holds."""
    if isinstance(text, SecretText):
        return text.name
    long = ((value, name) for value, name in _known.items() if len(value) >= _REFUSED_FROM)
    return next((name for value, name in long if any(spelling in text for spelling in _spellings(value))), None)


@cache
def _spellings(value: str) -> frozenset[str]:
    quoted = {quote(value, safe=safe, errors="replace") for safe in ("/", "")}
    return frozenset(
        {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1], *quoted}
    )


@lru_cache(maxsize=8)
def _encoded_spellings(values: tuple[str, ...]) -> tuple[str, ...]:
    """What is in a JSON text if `values` are in its strings, however they are spelled there."""
    spellings = {spelling for value in values for spelling in _spellings(value)}
    return tuple({json.dumps(s, ensure_ascii=ascii_)[1:-1] for s in spellings for ascii_ in (True, False)})


@lru_cache(maxsize=8)
def _pattern(values: tuple[str, ...]) -> re.Pattern[str] | None:
    spellings = {spelling for value in values for spelling in _spellings(value)}
    # The longest first, so that of a secret which begins another nothing is left.
    return re.compile("|".join(map(re.escape, sorted(spellings, key=len, reverse=True)))) if spellings else None


def _redacted(data: Any, pattern: re.Pattern[str]) -> Any:  # JSON data, or what str() makes of it
    if isinstance(data, str):
        return pattern.sub("[redacted]", data)
    if isinstance(data, Mapping):
        return {_redacted(str(key), pattern): _redacted(value, pattern) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_redacted(item, pattern) for item in data]
    return data if isinstance(data, int | float | None) else _redacted(str(data), pattern)
