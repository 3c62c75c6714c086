"""The document: resources with their lineage outside of a store, as one JSON text.

A document is whole in itself: every parent, record, commit and artifact that it names is in it, and nothing else is.
Its text is deterministic and has one line for each version, commit and record, so that a diff shows what came.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, cast, get_args

from attrs import evolve, frozen

from autogenesis_core.errors import InputError
from autogenesis_core.identity import JSON
from autogenesis_core.rspl.entity import KINDS
from autogenesis_core.rspl.lifecycle import VersionState
from autogenesis_core.rspl.record import Record

FORMAT = "autogenesis-export/1"
SIZE = 200_000_000  # characters of a document
_RESOURCES = 100_000
_DEPTH = 100
_BODY = 4_000_000  # bytes of what a commit says
_TEXT = 200  # characters of a name of a model or a run
_LATEST = 253_402_300_799  # seconds since 1970: the last of the year 9999

# What was parsed from JSON is plain already, so this is `canonical` without its copy.
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode

_STATES = get_args(VersionState)
_RESOURCE = re.compile(rf"({'|'.join(KINDS)})/[a-z][a-z0-9_]{{0,63}}")
_VERSION = re.compile(r"(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){2}")
_COMMIT = re.compile(r"[0-9a-f]{10}")
_LABEL = re.compile(r"[a-z][a-z0-9_\-]{0,63}")


@frozen
class Row:
    """One version: which record, from which parents (`1.0.0`, or `prompt/x@1.0.0` of another resource), by which commit."""  # noqa: E501  # one sentence

    version: str
    digest: str
    parents: tuple[str, ...]
    state: VersionState
    model: str
    commit: str


@frozen
class Move:
    """One move of an alias: to which version ("" is nowhere) and when, in seconds since 1970."""

    alias: str
    version: str
    time: float


@frozen
class Lineage:
    """One resource: its versions, oldest first, its heads by branch, and the moves of its aliases, oldest first."""

    versions: tuple[Row, ...]
    heads: Mapping[str, str]
    aliases: tuple[Move, ...] = ()


@frozen
class Commit:
    """What the log of the first store says of a commit; `body` is its whole entry.

    Arguments:
        time: in seconds since 1970
    """

    event: str
    run: str
    time: float
    branch: str
    body: Mapping[str, JSON]


@frozen
class Document:
    """Resources with their lineage. Raises InputError for one that does not hold together.

    Arguments:
        resources: by `kind/name`
        commits: by id
        records: by digest
        artifacts: bytes by SHA-256
    """

    resources: Mapping[str, Lineage]
    commits: Mapping[str, Commit]
    records: Mapping[str, Record]
    artifacts: Mapping[str, bytes]

    def __attrs_post_init__(self) -> None:
        _check(self)

    @classmethod
    def of(
        cls,
        resources: Mapping[str, Lineage],
        commits: Mapping[str, Commit],
        records: Mapping[str, Record],
        artifacts: Mapping[str, bytes],
    ) -> "Document":
        """The document of these resources, with what they name of the rest; parents outside it are left out."""
        known = {f"{id_}@{row.version}" for id_, lineage in resources.items() for row in lineage.versions}
        resources = {
            id_: evolve(
                lineage,
                versions=tuple(
                    evolve(row, parents=tuple(parent for parent in row.parents if full(id_, parent) in known))
                    for row in lineage.versions
                ),
            )
            for id_, lineage in resources.items()
        }
        rows = [row for lineage in resources.values() for row in lineage.versions]
        kept = {row.digest: records[row.digest] for row in rows}
        named = {key for record in kept.values() for key in record.artifacts}
        return cls(
            resources, {row.commit: commits[row.commit] for row in rows}, kept, {key: artifacts[key] for key in named}
        )

    def only(self, *names: str) -> "Document":
        """The document of some of its resources, by `kind/name`."""
        return Document.of({name: self.resources[name] for name in names}, self.commits, self.records, self.artifacts)

    def joined(self, other: "Document") -> "Document":
        """The document of the resources of both; raises InputError for a resource that is in both."""
        for name in sorted(self.resources.keys() & other.resources.keys()):
            raise InputError(f"{name} is there twice")
        commits = dict(self.commits)
        for id_, commit in other.commits.items():
            commits[id_] = first(commit, commits.get(id_))
        return Document(
            {**self.resources, **other.resources},
            commits,
            {**self.records, **other.records},
            {**self.artifacts, **other.artifacts},
        )

    def to_json(self) -> str:
        """The text; the same for the same document, and it ends in a newline."""
        artifacts = {key: _encode(base64.b64encode(body).decode()) for key, body in self.artifacts.items()}
        parts = {
            "artifacts": _lines(artifacts),
            "commits": _lines({id_: _encode(_commit_json(commit)) for id_, commit in self.commits.items()}),
            "format": _encode(FORMAT),
            "records": _lines({key: record.body for key, record in self.records.items()}),
            "resources": _lines({id_: _lineage_json(lineage) for id_, lineage in self.resources.items()}),
        }
        return _lines(parts) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Document":
        """The document of a text. Raises InputError, which says where, for a text that is none."""
        if len(text) > SIZE:
            raise InputError(f"an export document has at most {SIZE:,} characters; this has {len(text):,}")
        data = read_json(text)
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise InputError(f'this is no export document: it has no "format": "{FORMAT}"')
        _fields(data, "the document", format=str, resources=dict, commits=dict, records=dict, artifacts=dict)
        if len(data["resources"]) > _RESOURCES:
            raise InputError(f"an export document has at most {_RESOURCES:,} resources")
        return cls(
            {id_: _lineage(item, f"resources[{_shown(id_)}]") for id_, item in data["resources"].items()},
            {id_: _commit(item, f"commits[{_shown(id_)}]") for id_, item in data["commits"].items()},
            {key: _record(item, f"records[{_shown(key)}]") for key, item in data["records"].items()},
            {key: _artifact(item, f"artifacts[{_shown(key)}]") for key, item in data["artifacts"].items()},
        )


def full(id_: str, parent: str) -> str:
    """A parent's whole name: one without a resource is of `id_`."""
    return parent if "/" in parent else f"{id_}@{parent}"


def first(commit: Commit, other: Commit | None) -> Commit:
    """The earlier of two stories of one commit: two stores that do the same have the same commit."""
    if other is None:
        return commit
    return min(commit, other, key=lambda told: (told.time, _encode(told.body)))


def ordered(version: str) -> tuple[int, ...]:
    """What versions are compared by."""
    return tuple(map(int, version.split(".")))


# Writing


def _lines(items: Mapping[str, str]) -> str:
    """An object with one line for each item; the commas lead, so that a new last line is all that a diff shows."""
    return _block("{", [f"{_encode(key)}:{items[key]}" for key in sorted(items)], "}")


def _block(opening: str, lines: Sequence[str], closing: str) -> str:
    return f"{opening}\n " + "\n,".join(lines) + f"\n{closing}" if lines else opening + closing


def _lineage_json(lineage: Lineage) -> str:
    aliases = [_encode({"alias": m.alias, "version": m.version, "time": m.time}) for m in lineage.aliases]
    versions = [
        _encode(
            {
                "version": row.version,
                "digest": row.digest,
                "parents": row.parents,
                "state": row.state,
                "model": row.model,
                "commit": row.commit,
            }
        )
        for row in lineage.versions
    ]
    return (
        f'{{"aliases":{_block("[", aliases, "]")},"heads":{_encode(lineage.heads)},'
        f'"versions":{_block("[", versions, "]")}}}'
    )


def _commit_json(commit: Commit) -> dict[str, JSON]:
    return {
        "event": commit.event, "run": commit.run, "time": commit.time, "branch": commit.branch, "body": commit.body
    }  # fmt: skip


# Reading: each part has its types and nothing more; whether they fit together is checked of the whole


def read_json(text: str) -> object:
    """What a JSON text says. Raises InputError for keys that are there twice, NaN, too many levels, and what is no JSON."""  # noqa: E501  # one sentence
    try:
        data = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        reason = "it has too many levels" if isinstance(error, RecursionError) else error
        raise InputError(f"this is no JSON: {reason}") from None
    if _is_deep(data):
        raise InputError(f"this has more than {_DEPTH} levels")
    return data


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in made if keys.count(key) > 1)
        raise InputError(f"this has the key {_shown(twice)} twice in one place")
    return made


def _refuse_constant(name: str) -> None:
    raise InputError(f"this is no JSON: {name}")


def _fields(data: object, where: str, **types: type | tuple[type, ...]) -> dict[str, Any]:  # of the types asked for
    """`data`, if it is an object with exactly these fields of exactly these types: true is no number here."""
    if not isinstance(data, dict):
        raise InputError(f"{where} is no object")
    for key in sorted(types.keys() - data.keys()):
        raise InputError(f"{where} has no {key}")
    for key in sorted(data.keys() - types.keys()):
        raise InputError(f"{where} has an unknown key {_shown(key)}", f"known: {', '.join(sorted(types))}")
    for key, wanted in types.items():
        if type(data[key]) not in (wanted if isinstance(wanted, tuple) else (wanted,)):
            raise InputError(f"{where}.{key} has another type than it should")
    return data


def _texts(data: list[object], where: str) -> tuple[str, ...]:
    if not all(isinstance(item, str) for item in data):
        raise InputError(f"{where} is no list of texts")
    return tuple(cast("list[str]", data))


def _lineage(data: object, where: str) -> Lineage:
    found = _fields(data, where, versions=list, heads=dict, aliases=list)
    _texts([*found["heads"].values()], f"{where}.heads")
    return Lineage(
        tuple(_row(item, f"{where}.versions[{index}]") for index, item in enumerate(found["versions"])),
        found["heads"],
        tuple(_move(item, f"{where}.aliases[{index}]") for index, item in enumerate(found["aliases"])),
    )


def _row(data: object, where: str) -> Row:
    found = _fields(data, where, version=str, digest=str, parents=list, state=str, model=str, commit=str)
    return Row(**{**found, "parents": _texts(found["parents"], f"{where}.parents")})


def _move(data: object, where: str) -> Move:
    return Move(**_fields(data, where, alias=str, version=str, time=(float, int)))


def _commit(data: object, where: str) -> Commit:
    found = _fields(data, where, event=str, run=str, time=(float, int), branch=str, body=dict)
    return Commit(**found)


def _record(data: object, where: str) -> Record:
    return cast("Record", _in(where, lambda: Record.from_json(data)))


def _artifact(data: object, where: str) -> bytes:
    try:
        return base64.b64decode(cast("str", data), validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise InputError(f"{where} is no base64") from None


def _in(where: str, make: Any) -> object:  # a function without arguments
    try:
        return make()
    except InputError as error:
        raise type(error)(f"{where}: {error.reason}", error.hint) from None


def _is_deep(value: object) -> bool:
    level = [value]
    for _ in range(_DEPTH):
        level = [inner for outer in level for inner in _inner(outer)]
        if not level:
            return False
    return True


def _inner(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


# Checking the whole


def _check(document: Document) -> None:
    rows = [row for lineage in document.resources.values() for row in lineage.versions]
    _all_used("commit", document.commits, (row.commit for row in rows))
    _all_used("record", document.records, (row.digest for row in rows))
    named = [key for record in document.records.values() for key in record.artifacts]
    _all_used("artifact", document.artifacts, named)
    for key, record in document.records.items():
        if _in(f"records[{_shown(key)}]", lambda record=record: record.digest) != key:
            raise InputError(f"the record {_shown(key)} has other content than its digest says")
    for key, body in document.artifacts.items():
        if sha256(body).hexdigest() != key:
            raise InputError(f"the artifact {_shown(key)} has other content than its digest says")
    for id_, commit in document.commits.items():
        _check_commit(id_, commit)
    known = _Known(
        {f"{id_}@{row.version}" for id_, lineage in document.resources.items() for row in lineage.versions},
        {id_: set(_told(commit)) for id_, commit in document.commits.items()},
    )
    for id_, lineage in document.resources.items():
        _check_lineage(document, id_, lineage, known)
    _check_acyclic(document)


def _all_used(what: str, there: Mapping[str, object], named: Any) -> None:  # an iterable of keys
    wanted = set(named)
    for key in sorted(wanted - there.keys()):
        raise InputError(f"the {what} {_shown(key)} is named but not there")
    for key in sorted(there.keys() - wanted):
        raise InputError(f"nothing names the {what} {_shown(key)}")


def _check_commit(id_: str, commit: Commit) -> None:
    where = f"the commit {_shown(id_)}"
    if not _COMMIT.fullmatch(id_):
        raise InputError(f"{where} has no id of ten hexadecimal digits")
    if not _LABEL.fullmatch(commit.event) or commit.event == "import" or not _LABEL.fullmatch(commit.branch):
        raise InputError(f"{where} has an event or a branch that is none")
    _check_time(commit.time, where)
    _check_text(commit.run, f"{where}: its run")
    body = commit.body
    changes, hypotheses = body.get("changes"), body.get("hypotheses", [])
    if body.get("branch") != commit.branch or not isinstance(changes, list):
        raise InputError(f"{where} does not say what it changed")
    try:
        size = len(_encode(body).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{where} is no JSON: {error}") from None
    if size > _BODY:
        raise InputError(f"{where} has more than {_BODY:,} bytes")
    # The id is a digest over what was changed, so nobody can add to a commit that others know already.
    changed = _encode({"branch": commit.branch, "event": commit.event, "changes": changes})
    if sha256(changed.encode()).hexdigest()[:10] != id_:
        raise InputError(f"{where} changed something else than its id says")
    scores = [body.get("before"), body.get("after")]
    if not all(score is None or (isinstance(score, int | float) and not isinstance(score, bool)) for score in scores):
        raise InputError(f"{where} has a score that is no number")
    if not all(isinstance(body.get(key, ""), str) for key in ("author", "optimizer", "model")):
        raise InputError(f"{where} has an author, an optimizer or a model that is no text")
    if not isinstance(hypotheses, list) or not all(
        isinstance(item, Mapping) and isinstance(item.get("text"), str) for item in hypotheses
    ):
        raise InputError(f"{where} has hypotheses that are none")


@frozen
class _Known:
    """Every version of a document, and by commit the resources and digests that it tells of."""

    versions: set[str]
    told: Mapping[str, set[tuple[object, object]]]


def _told(commit: Commit) -> Iterator[tuple[object, object]]:
    for change in cast("list[object]", commit.body["changes"]):
        if isinstance(change, Mapping):
            resource, digest_ = change.get("resource"), change.get("digest")
            if isinstance(resource, str) and isinstance(digest_, str):
                yield resource, digest_


def _check_lineage(document: Document, id_: str, lineage: Lineage, known: _Known) -> None:
    if not _RESOURCE.fullmatch(id_):
        raise InputError(f"{_shown(id_)} names no resource", "a resource is named like prompt/tool_calling")
    if not lineage.versions:
        raise InputError(f"{id_} has no version")
    before: set[str] = set()
    last: tuple[int, ...] = ()
    for row in lineage.versions:
        if not _VERSION.fullmatch(row.version):
            raise InputError(f"{id_}: {_shown(row.version)} is no version", "a version is like 1.0.0")
        if (numbers := ordered(row.version)) <= last:
            raise InputError(f"{id_}@{row.version} does not come after {'.'.join(map(str, last))}")
        _check_row(document, id_, row, before, known)
        last = numbers
        before.add(row.version)
    if len({row.commit for row in lineage.versions}) < len(lineage.versions):
        raise InputError(f"{id_}: two versions are of one commit")
    for branch, version in lineage.heads.items():
        if not _LABEL.fullmatch(branch) or branch == "champion":
            raise InputError(f"{id_}: {_shown(branch)} names no branch")
        if version not in before:
            raise InputError(f"{id_}: the head on {branch} is no version of it")
    for move in lineage.aliases:
        if not _LABEL.fullmatch(move.alias) or move.alias in ("champion", "shipped"):
            raise InputError(f"{id_}: {_shown(move.alias)} names no alias")
        if move.version and move.version not in before:
            raise InputError(f"{id_}: the alias {move.alias} means no version of it")
        _check_time(move.time, f"{id_}: the alias {move.alias}")


def _check_row(document: Document, id_: str, row: Row, before: set[str], known: _Known) -> None:
    where = f"{id_}@{row.version}"
    if document.records[row.digest].id != id_:
        raise InputError(f"{where} has the record of {document.records[row.digest].id}")
    if row.state not in _STATES:
        raise InputError(f"{where}: {_shown(row.state)} is no state", f"known: {', '.join(_STATES)}")
    _check_text(row.model, f"{where}: its model")
    if (id_, row.digest) not in known.told[row.commit]:
        raise InputError(f"{where}: its commit {row.commit} says nothing of it")
    for parent in row.parents:
        of, _, version = full(id_, parent).partition("@")
        if version not in before if of == id_ else f"{of}@{version}" not in known.versions:
            raise InputError(f"{where}: its parent {_shown(parent)} is not there before it")


def _check_acyclic(document: Document) -> None:
    from graphlib import CycleError, TopologicalSorter

    rows = [(id_, row) for id_, lineage in document.resources.items() for row in lineage.versions]
    if not any("/" in parent for _, row in rows for parent in row.parents):
        return  # within one resource parents come before, which was checked
    graph = {f"{id_}@{row.version}": [full(id_, parent) for parent in row.parents] for id_, row in rows}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise InputError(f"{error.args[1][0]} is among its own ancestors") from None


def _check_time(time: float, where: str) -> None:
    if not 0 <= time <= _LATEST:
        raise InputError(f"{where} has a time that is none", "a time is in seconds since 1970")


def _check_text(text: str, where: str) -> None:
    if len(text) > _TEXT or not text.isprintable():
        raise InputError(f"{where} is longer than {_TEXT} characters or not printable")


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 80 else f"{text[:80]}…")


__all__ = ["FORMAT", "SIZE", "Commit", "Document", "Lineage", "Move", "Row", "read_json"]
