"""The audit: the log's chain, and everything else in a store against what the log tells of it.

The log is what nobody can alter unseen: each entry's hash covers the one before. So versions, heads, aliases and
states are followed through it from the beginning, and compared.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import define, field

from autogenesis_core.identity import digest


@define
class _Told:
    """What the log tells: versions, heads, aliases and states by name."""

    versions: dict[str, tuple[str, str, tuple[str, ...], str, int]] = field(factory=dict)
    heads: dict[tuple[str, str], str] = field(factory=dict)
    aliases: dict[tuple[str, str, int], str] = field(factory=dict)
    states: dict[str, str] = field(factory=dict)


def audit(connection: sqlite3.Connection) -> str | None:
    """The first thing that is wrong with a store, or None. Read in one transaction, so that writers do not disturb."""
    connection.execute("BEGIN")
    try:
        return next(_faults(connection), None)
    finally:
        connection.execute("ROLLBACK")


def chain(before: str, now: float, event: str, id_: str, run: str, body: str) -> str:
    """The hash of a log entry; `before` is the hash of the one before it, "" for the first."""
    return digest([before, repr(now), event, id_, run, body])


def _faults(connection: sqlite3.Connection) -> Iterator[str]:
    told = _Told()
    yield from _log(connection, told)
    yield from _contents(connection, "records")
    yield from _contents(connection, "artifacts")
    yield from _files(connection)
    yield from _versions(connection, told)
    yield from _heads(connection, told)
    yield from _aliases(connection, told)


def _log(connection: sqlite3.Connection, told: _Told) -> Iterator[str]:
    before, last = "", 0
    for seq, time, event, id_, run, body, hash_ in connection.execute("SELECT * FROM log ORDER BY seq"):
        if chain(before, time, event, id_, run, body) != hash_ or seq != last + 1:
            yield f"log entry {seq} ({event} {id_}) does not follow from the one before"
        before, last = hash_, seq
        _tell(told, seq, event, id_, json.loads(body))


def _tell(told: _Told, seq: int, event: str, id_: str, body: Mapping[str, Any]) -> None:
    branch = str(body.get("branch", ""))
    for change in body.get("changes", ()):
        name, version = change["resource"], change["version"]
        made_on = str(body["origin"]["branch"]) if event == "import" else branch
        parents = (*([change["from"]] if change["from"] else []), *change.get("parents", ()))
        told.versions[f"{name}@{version}"] = (id_, change["digest"], parents, made_on, seq)
        told.states[f"{name}@{version}"] = change.get("state", "active")
        if event != "import":
            told.heads[branch, name] = version
    for name, version in body.get("heads", {}).items():
        told.heads[branch, name] = version
    if event == "alias":
        told.aliases[body["resource"], body["alias"], seq] = body["to"] or ""
    if event == "mark":
        told.states[f"{body['resource']}@{body['version']}"] = body["to"]


def _contents(connection: sqlite3.Connection, table: str) -> Iterator[str]:
    for key, body in connection.execute(f"SELECT digest, body FROM {table}"):  # noqa: S608  # one of two literals
        if hashlib.sha256(body if isinstance(body, bytes) else body.encode()).hexdigest() != key:
            yield f"{table[:-1]} {key[:12]} has other content than its digest says"


def _files(connection: sqlite3.Connection) -> Iterator[str]:
    """Artifacts that a skill names and nobody has."""
    query = """
        SELECT r.digest, f.key, json_extract(f.value, '$.sha256') AS wanted
        FROM records r, json_each(r.body, '$.parameters.files') f
        WHERE json_extract(r.body, '$.exports.form') = 'skill'
        AND wanted NOT IN (SELECT digest FROM artifacts)
    """
    for key, path, _ in connection.execute(query):
        yield f"the file {path} of record {key[:12]} is gone"


def _versions(connection: sqlite3.Connection, told: _Told) -> Iterator[str]:
    known = {row[0] for row in connection.execute("SELECT digest FROM records")}
    query = 'SELECT kind, name, version, "commit", digest, parents, branch, seq, state FROM versions'
    found = {}
    for kind, name, version, commit, digest_, parents, branch, seq, state in connection.execute(query):
        id_ = f"{kind}/{name}@{version}"
        found[id_] = ((commit, digest_, tuple(json.loads(parents)), branch, seq), state)
        if digest_ not in known:
            yield f"the record {digest_[:12]} of {id_} is gone"
    for id_ in sorted(found.keys() ^ told.versions.keys()):
        yield f"the log {'says nothing of' if id_ in found else 'tells of'} {id_}"
    for id_, (version, state) in found.items():
        if version != told.versions[id_]:
            yield f"{id_} is not what its commit wrote"
        if state != told.states[id_]:
            yield f"{id_} is {state}, but the log says {told.states[id_]}"


def _heads(connection: sqlite3.Connection, told: _Told) -> Iterator[str]:
    rows = connection.execute("SELECT branch, kind || '/' || name, version FROM heads")
    found = {(branch, name): version for branch, name, version in rows}
    for branch, name in sorted(told.heads.keys() | found.keys()):
        if told.heads.get((branch, name)) != found.get((branch, name)):
            yield f"the head of {name} on {branch} is not where the log says"


def _aliases(connection: sqlite3.Connection, told: _Told) -> Iterator[str]:
    rows = connection.execute("SELECT kind || '/' || name, alias, seq, version FROM aliases")
    found = {(name, alias, seq): version for name, alias, seq, version in rows}
    for name, alias, seq in sorted(told.aliases.keys() | found.keys()):
        if told.aliases.get((name, alias, seq)) != found.get((name, alias, seq)):
            yield f"the alias {alias} of {name} is not where log entry {seq} put it"
