"""The registration record: what is stored of a resource, immutable and content-addressed."""

import hashlib
import inspect
import json
import re
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any, cast

from attrs import evolve, field, frozen

from autogenesis_core.errors import InvalidRecord, unknown
from autogenesis_core.identity import JSON, digest, encode, plain, unchanging
from autogenesis_core.rspl.entity import KINDS, Kind

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SIZE = 4_000_000  # characters of one record; larger data belongs into files


@frozen
class Installed:
    """An implementation that an installed plugin provides: its distribution, its option, and its module's hash."""

    distribution: str
    entry: str
    hash: str


@frozen
class Source:
    """An implementation that is text: evolved or generated, only ever run in the sandbox."""

    language: str
    text: str


Implementation = Installed | Source


def _frozen(value: Any) -> Any:  # JSON data
    """A copy that nobody can change, since a digest is taken of it."""
    try:
        return unchanging(value)
    except (TypeError, RecursionError) as error:
        raise InvalidRecord(f"this value is no JSON: {error}") from None


@frozen(slots=False)
class Record:
    """One state of one resource.

    Arguments:
        trainable: which parameters optimizers may change; its keys are parameters
        parameters: the constructor's arguments; of a prompt, its sections' texts
        exports: what a model sees of it: a tool's argument schema and hints; a prompt's order of sections and roles
    """

    kind: Kind
    name: str
    description: str
    implementation: Implementation
    parameters: Mapping[str, JSON] = field(factory=dict, converter=_frozen)
    exports: Mapping[str, JSON] = field(factory=dict, converter=_frozen)
    trainable: Mapping[str, bool] = field(factory=dict, converter=_frozen)

    def __attrs_post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidRecord(f"a record has an unknown kind '{self.kind}'", f"known: {', '.join(KINDS)}")
        if not _NAME.fullmatch(self.name):
            raise InvalidRecord(
                f"'{self.name}' is no name for a resource",
                "names are lower-case letters, digits and _, at most 64",
            )

    @property
    def id(self) -> str:
        """`kind/name`."""
        return f"{self.kind}/{self.name}"

    @property
    def form(self) -> str:
        """A tool's form, `native` or `skill`; "" of other kinds."""
        return str(self.exports.get("form", "native")) if self.kind == "tool" else ""

    @property
    def artifacts(self) -> tuple[str, ...]:
        """The SHA-256 of each file that a skill has beside its text."""
        files = self.parameters.get("files") if self.form == "skill" else None
        entries = files.values() if isinstance(files, Mapping) else ()
        return tuple(str(entry["sha256"]) for entry in entries if isinstance(entry, Mapping) and "sha256" in entry)

    @cached_property
    def body(self) -> str:
        """The canonical JSON that is stored and digested."""
        text = encode(self._json())
        if len(text) > _SIZE:
            raise InvalidRecord(f"{self.id} has {len(text):,} characters; at most {_SIZE:,} may be stored")
        return text

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the canonical JSON; version, status and time are no part of it."""
        return hashlib.sha256(self.body.encode()).hexdigest()

    def to_json(self) -> dict[str, JSON]:
        """As plain JSON data, the caller's own."""
        return cast("dict[str, JSON]", plain(self._json()))

    def _json(self) -> dict[str, JSON]:
        if isinstance(self.implementation, Source):
            implementation: dict[str, JSON] = {
                "language": self.implementation.language,
                "source": self.implementation.text,
            }
        else:
            implementation = {
                "distribution": self.implementation.distribution,
                "entry": self.implementation.entry,
                "hash": self.implementation.hash,
            }
        return {
            "kind": self.kind,
            "name": self.name,
            "description": self.description,
            "implementation": implementation,
            "parameters": self.parameters,
            "exports": self.exports,
            "trainable": self.trainable,
        }

    @classmethod
    def from_json(cls, data: object) -> "Record":
        """A record from plain JSON data; raises InvalidRecord for anything that is none."""
        made = cls._of(data)
        encode(made._json())
        return made

    @classmethod
    def _of(cls, data: object) -> "Record":
        match data:
            case {
                "kind": str(kind),
                "name": str(name),
                "description": str(description),
                "implementation": dict(implementation),
                "parameters": dict(parameters),
                "exports": dict(exports),
                "trainable": dict(trainable),
            } if len(cast("Mapping[str, object]", data)) == 7 and all(
                isinstance(mark, bool) for mark in trainable.values()
            ):
                return cls(
                    cast("Kind", kind),
                    name,
                    description,
                    _implementation(implementation),
                    parameters,
                    exports,
                    trainable,
                )
        raise InvalidRecord(
            "this is no record", "a record has exactly the seven fields that docs/reference/record.md names"
        )

    @classmethod
    def from_body(cls, body: str) -> "Record":
        """A record from its canonical JSON."""
        try:
            made = cls._of(_DECODER.decode(body))
            made.__dict__["body"] = body  # to write it again would cost more than to read it did
            return made
        except (ValueError, RecursionError) as error:
            if isinstance(error, InvalidRecord):
                raise
            raise InvalidRecord(f"this is no record: {error}") from None

    def with_values(self, values: Mapping[str, JSON]) -> "Record":
        """This record with other values of variables, by path.

        A path is a parameter, `source` of a text implementation, or `parameter.key` within a mapping.
        Raises UnknownName for a path that is no variable.
        """
        parameters: dict[str, JSON] = dict(self.parameters)
        implementation = self.implementation
        for path, value in values.items():
            name, _, key = path.partition(".")
            if path == "source" and isinstance(implementation, Source):
                if not isinstance(value, str):
                    raise InvalidRecord(f"{self.id}#source is text, not {type(value).__name__}")
                implementation = evolve(implementation, text=value)
            elif path in parameters:
                parameters[path] = value
            elif key and isinstance(inner := parameters.get(name), Mapping) and key in inner:
                parameters[name] = {**inner, key: value}
            else:
                raise unknown("variable", f"{self.id}#{path}", (f"{self.id}#{known}" for known in self.values()))
        return evolve(self, parameters=parameters, implementation=implementation)

    def values(self) -> dict[str, JSON]:
        """Every variable's value by path; a trainable mapping is one variable for each of its keys."""
        values: dict[str, JSON] = {}
        for name, value in self.parameters.items():
            if self.trainable.get(name) and isinstance(value, Mapping):
                values |= {f"{name}.{key}": item for key, item in value.items()}
            else:
                values[name] = value
        if isinstance(self.implementation, Source):
            values["source"] = self.implementation.text
        return values

    def is_trainable(self, path: str) -> bool:
        """Whether the variable at `path` is in the trainable subspace."""
        return self.trainable.get(path, self.trainable.get(path.partition(".")[0], False))


@cache
def source_hash(thing: Any) -> str:  # a class or a function: mypy finds some of them not hashable
    """The SHA-256 of the module file that defines a class or function; of what has no file, of its qualified name."""
    try:
        text = Path(inspect.getfile(thing)).read_bytes()
    except (TypeError, OSError):
        text = f"{thing.__module__}.{thing.__qualname__}".encode()
    return hashlib.sha256(text).hexdigest()


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_number)


def _implementation(data: Mapping[str, object]) -> Implementation:
    match data:
        case {"distribution": str(distribution), "entry": str(entry), "hash": str(hash_)} if len(data) == 3:
            return Installed(distribution, entry, hash_)
        case {"language": str(language), "source": str(source)} if len(data) == 2:
            return Source(language, source)
    raise InvalidRecord("a record's implementation is neither installed nor source")


def system_id(records: Mapping[str, Record], settings: Mapping[str, JSON]) -> str:
    """The digest of a composed system: kind/name → digest, and the model settings it runs with."""
    return digest({"records": {name: record.digest for name, record in records.items()}, "settings": dict(settings)})
