"""The reader: everything that a store tells, over a connection that need not be able to write."""

import hashlib
import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from threading import RLock
from typing import Any, Self

from attrs import define, field, frozen

from autogenesis_core.errors import InputError, StoreError, UnknownName, unknown
from autogenesis_core.identity import JSON
from autogenesis_core.rspl import database as db
from autogenesis_core.rspl.entity import Kind
from autogenesis_core.rspl.lifecycle import VersionState
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.reference import Reference

SHIPPED = "shipped"
CHAMPION = "champion"
_RECORDS = 1024  # of the latest records read; they are immutable, so they need reading and checking once

_VERSION = """
SELECT v.kind, v.name, v.version, v.digest, v.parents, v.state, v."commit", v.model, v.number, v.branch, v.seq
FROM versions v
"""
_HEAD = """
SELECT h.branch, h.kind, h.name, h.version, v.digest, v.model
FROM heads h JOIN versions v ON v.kind = h.kind AND v.name = h.name AND v.version = h.version
"""
BY_HAND = "user-"  # how the origin of a person's proposals begins, where an agent's is its run
_GRANT = "SELECT number, alpha, reused, committed, run, decision FROM ledger"
_ENTRY = "SELECT seq, time, event, id, run, body, hash FROM log"


@frozen
class Version:
    """One immutable version of a resource: which record, from which parents, by which commit, first on which branch.

    Arguments:
        number: counts a resource's versions across branches, from 0
        seq: the log entry that made it
    """

    kind: Kind
    name: str
    version: str
    digest: str
    parents: tuple[str, ...]
    state: VersionState
    commit: str
    model: str = ""
    number: int = 0
    branch: str = ""
    seq: int = 0

    @property
    def id(self) -> str:
        """`kind/name`."""
        return f"{self.kind}/{self.name}"

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}@{self.version}"


@frozen
class Head:
    """Where a branch stands for one resource, and with which model it was evolved."""

    branch: str
    kind: Kind
    name: str
    version: str
    digest: str
    model: str = ""


@frozen
class LogEntry:
    """One entry of the log: a commit, reject, rollback, restore, install, copy, alias, branch, mark or import."""

    seq: int
    time: float
    event: str
    id: str
    run: str
    body: Mapping[str, Any]  # each event has fields of its own
    hash: str


@frozen
class AliasMove:
    """One move of an alias: to which version ("" is nowhere) and when, in seconds since 1970."""

    alias: str
    version: str
    time: float
    seq: int


@frozen
class Proposal:
    """A new value that an agent proposed for a variable (`kind/name#path`) while it ran; no version, no head."""

    id: str
    time: float
    run: str
    variable: str
    value: JSON
    reason: str
    state: str

    @property
    def group(self) -> str:
        """What is to be judged together: a person's edit as a whole, an agent's proposals each alone."""
        return self.run if self.run.startswith(BY_HAND) else self.id


@frozen
class Grant:
    """One decision's share of the error that a lineage may make on a hold-out set.

    Arguments:
        number: counts the decisions on this lineage and hold-out set, over all runs, from 1
        alpha: the one-sided level that was spent on it, whatever came of it
        reused: whether it was made on cells that earlier decisions had seen
        committed: whether a commit came of it
    """

    number: int
    alpha: float
    reused: bool
    committed: bool
    run: str
    decision: str


@define(eq=False, slots=False)
class Reader:
    """An open store that is only read. Use `Reader.open`, and close it."""

    path: Path
    _connection: sqlite3.Connection = field(repr=False)
    _lock: RLock = field(factory=RLock, repr=False)
    _known: dict[str, Record] = field(factory=dict, repr=False)
    immutable: bool = False  # read as it was when it was opened: no change is noticed

    @classmethod
    def open(cls, path: Path) -> Self:
        """The store in the file at `path`; never makes, migrates or changes one.

        Raises InputError if there is none, StoreError for a file that is no store of this program's schema.
        """
        if not db.is_there(path):
            raise InputError(f"there is no store at {path}", "run an evolution first, or name another with workdir=")
        schema = db.check_file(path)
        with db.errors_of(path):
            connection, immutable = db.connect_readonly(path)
            schema = schema or int(connection.execute("PRAGMA user_version").fetchone()[0])
        if schema != db.SCHEMA:
            connection.close()
            raise StoreError(
                f"the store at {path} has schema {schema} and is only read here",
                "autogenesis list brings it up to date",
            )
        return cls(path, connection, immutable=immutable)

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def change_count(self) -> tuple[int, int]:
        """What differs after anybody has committed to the store: another connection, or this one."""
        return int(self._one("PRAGMA data_version")[0]), self._connection.total_changes

    def heads(self, branch: str) -> dict[str, Head]:
        """The heads of a branch by `kind/name`."""
        rows = self._read(f"{_HEAD} WHERE h.branch = ? ORDER BY h.kind, h.name", branch)
        return {f"{row[1]}/{row[2]}": Head(*row) for row in rows}

    def head(self, branch: str, kind: str, name: str) -> Head | None:
        """The head of one resource on a branch, or None."""
        row = self._one(f"{_HEAD} WHERE h.branch = ? AND h.kind = ? AND h.name = ?", branch, kind, name)
        return Head(*row) if row else None

    def branches(self) -> tuple[str, ...]:
        """The names of all branches that have a head."""
        return tuple(row[0] for row in self._read("SELECT DISTINCT branch FROM heads ORDER BY branch"))

    def resources(self) -> tuple[str, ...]:
        """Every resource that has a version, as `kind/name`."""
        return tuple(row[0] for row in self._read("SELECT DISTINCT kind || '/' || name FROM versions ORDER BY 1"))

    def record(self, digest: str) -> Record:
        """The record of a digest; raises StoreError if its content is not that of the digest."""
        return self._known.get(digest) or self.records((digest,))[digest]

    def records(self, digests: Iterable[str]) -> dict[str, Record]:
        """Records by digest, read at once; raises StoreError if one is not there or its content is not its digest's."""
        wanted = dict.fromkeys(digests)
        found = {digest: self._known[digest] for digest in wanted if digest in self._known}
        missing = json.dumps([digest for digest in wanted if digest not in found])
        query = "SELECT digest, body FROM records WHERE digest IN (SELECT value FROM json_each(?))"
        for digest, body in self._read(query, missing) if len(found) < len(wanted) else ():
            if hashlib.sha256(body.encode()).hexdigest() != digest:
                raise StoreError(f"the record {digest[:12]} in {self.path} was altered: its content has another digest")
            found[digest] = Record.from_body(body)
        if lost := [digest for digest in wanted if digest not in found]:
            raise StoreError(f"the store at {self.path} has no record {lost[0][:12]}")
        if len(self._known) + len(found) > _RECORDS:
            self._known.clear()
        if len(found) <= _RECORDS:
            self._known.update(found)
        return found

    def artifact(self, digest: str) -> bytes:
        """The bytes of an artifact; raises StoreError if they are gone or not those of the digest."""
        row = self._one("SELECT body FROM artifacts WHERE digest = ?", digest)
        if row is None:
            raise StoreError(f"the store at {self.path} has no artifact {digest[:12]}")
        if hashlib.sha256(row[0]).hexdigest() != digest:
            raise StoreError(f"the artifact {digest[:12]} in {self.path} was altered: its content has another digest")
        return bytes(row[0])

    def history(self, kind: str, name: str, *, limit: int = -1, before: int | None = None) -> list[Version]:
        """The versions of a resource, newest first: `limit` at most, with numbers below `before`."""
        query = f"{_VERSION} WHERE v.kind = ? AND v.name = ? AND v.number < ? ORDER BY v.number DESC LIMIT ?"
        rows = self._read(query, kind, name, 2**62 if before is None else before, limit)
        return [_version(row) for row in rows]

    def version(self, kind: str, name: str, version: str) -> Version | None:
        """One version, or None."""
        row = self._one(f"{_VERSION} WHERE v.kind = ? AND v.name = ? AND v.version = ?", kind, name, version)
        return _version(row) if row else None

    def aliases(self, kind: str, name: str) -> dict[str, str]:
        """The version that each alias of a resource means now."""
        query = "SELECT alias, version, max(seq) FROM aliases WHERE kind = ? AND name = ? GROUP BY alias"
        return {row[0]: row[1] for row in self._read(query, kind, name) if row[1]}

    def alias_moves(self, kind: str, name: str) -> list[AliasMove]:
        """Every move of every alias of a resource, oldest first."""
        query = """
            SELECT a.alias, a.version, l.time, a.seq FROM aliases a JOIN log l ON l.seq = a.seq
            WHERE a.kind = ? AND a.name = ? ORDER BY a.seq
        """
        return [AliasMove(*row) for row in self._read(query, kind, name)]

    def find(self, reference: Reference, branch: str, when: float | None = None) -> Version:
        """The version that a reference means: `@1.0.2`, an alias, `@champion` or nothing for the head of `branch`, `@branch`.

        With `when` (seconds since 1970), what an alias or a head meant at that time.
        Raises UnknownName with the nearest name if there is none.
        """  # noqa: E501  # the forms of a reference belong on one line
        kind, name = reference.kind, reference.name
        version = self._meant(reference, branch) if when is None else self._meant_then(reference, branch, when)
        found = self.version(kind, name, version) if version else None
        if found is not None:
            return found
        versions = [known.version for known in self.history(kind, name, limit=1000)]
        if not versions:
            raise unknown("resource", reference.id, self.resources())
        if when is None and reference.at in ("", CHAMPION):
            branches = [place for place in self.branches() if self.head(place, kind, name)]
            where = f"; it is on {', '.join(branches)}" if branches else ""
            raise UnknownName(f"{reference.id} has no head on branch {branch}{where}", f"{reference.id}@{versions[0]}")
        if when is not None:
            raise UnknownName(f"{reference} meant nothing at that time", f"autogenesis history {reference.id}")
        names = (*versions, *self.aliases(kind, name), *self.branches(), CHAMPION)
        raise unknown("version", str(reference), [f"{reference.id}@{known}" for known in names])

    def _meant(self, reference: Reference, branch: str) -> str | None:
        kind, name, at = reference.kind, reference.name, reference.at
        if at[:1].isdigit():
            return at
        if at not in ("", CHAMPION):
            row = self._one(
                "SELECT version FROM aliases WHERE kind = ? AND name = ? AND alias = ? ORDER BY seq DESC LIMIT 1",
                kind, name, at,
            )  # fmt: skip
            if row and row[0]:
                return str(row[0])
        if at not in ("", CHAMPION) and at not in self.branches():
            return None
        return self._head_version(branch if at in ("", CHAMPION) else at, kind, name)

    def _head_version(self, branch: str, kind: str, name: str) -> str | None:
        """The head's version; a resource that a branch never changed stands where the shipped one does."""
        for place in (branch, SHIPPED):
            row = self._one("SELECT version FROM heads WHERE branch = ? AND kind = ? AND name = ?", place, kind, name)
            if row:
                return str(row[0])
        return None

    def _meant_then(self, reference: Reference, branch: str, when: float) -> str | None:
        kind, name, at = reference.kind, reference.name, reference.at
        last = self._one("SELECT max(seq) FROM log WHERE time <= ?", when)[0] or 0
        if at[:1].isdigit():
            row = self._one(
                "SELECT version FROM versions WHERE kind = ? AND name = ? AND version = ? AND seq <= ?",
                kind, name, at, last,
            )  # fmt: skip
            return str(row[0]) if row else None
        if at not in ("", CHAMPION):
            row = self._one(
                "SELECT version FROM aliases WHERE kind = ? AND name = ? AND alias = ? AND seq <= ? "
                "ORDER BY seq DESC LIMIT 1",
                kind, name, at, last,
            )  # fmt: skip
            if row and row[0]:
                return str(row[0])
        if at not in ("", CHAMPION) and at not in self.branches():
            return None
        for place in (branch if at in ("", CHAMPION) else at, SHIPPED):
            if version := self._head_then(place, kind, name, last):
                return version
        return None

    def _head_then(self, branch: str, kind: str, name: str, last: int) -> str | None:
        """Where a head stood after log entry `last`: a version made there, or a move without a new version."""
        made = self._one(
            "SELECT v.version, v.seq FROM versions v JOIN log l ON l.seq = v.seq AND l.event <> 'import' "
            "WHERE v.kind = ? AND v.name = ? AND v.branch = ? AND v.seq <= ? ORDER BY v.number DESC LIMIT 1",
            kind, name, branch, last,
        )  # fmt: skip
        moves = self._read(
            "SELECT seq, json_extract(body, '$.heads') FROM log WHERE id = ? AND event = 'branch' "
            "AND seq <= ? AND seq > ? ORDER BY seq DESC",
            branch, last, made[1] if made else 0,
        )  # fmt: skip
        for _, heads in moves:
            if heads and (version := json.loads(heads).get(f"{kind}/{name}")):
                return str(version)
        return str(made[0]) if made else None

    def entries(self, *, run: str = "", id_: str = "", limit: int = -1) -> list[LogEntry]:
        """The log, oldest first; of one run, or with ids that begin with `id_`; of many, the last `limit`."""
        where, given = ["1"], []
        if run:
            where.append("run = ? AND run <> ''")
            given.append(run)
        if id_:
            where.append("id >= ? AND id < ?")
            given += [id_, id_ + "\U0010ffff"]
        rows = self._read(f"{_ENTRY} WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?", *given, limit)
        return [_entry(row) for row in reversed(rows)]

    def seqs(self, kind: str, name: str) -> list[int]:
        """The numbers of the log entries about a resource: its versions, its aliases' moves, its states."""
        query = """
            SELECT seq FROM versions WHERE kind = ? AND name = ?
            UNION SELECT seq FROM aliases WHERE kind = ? AND name = ?
            UNION SELECT seq FROM log WHERE event = 'mark' AND json_extract(body, '$.resource') = ?
            ORDER BY 1
        """
        return [row[0] for row in self._read(query, kind, name, kind, name, f"{kind}/{name}")]

    def entries_at(self, seqs: Iterable[int]) -> dict[int, LogEntry]:
        """Log entries by their numbers."""
        wanted = json.dumps(sorted(set(seqs)))
        rows = self._read(f"{_ENTRY} WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq", wanted)  # noqa: S608  # literals
        return {row[0]: _entry(row) for row in rows}

    def proposals(self, state: str = "open") -> list[Proposal]:
        """The proposals in a state (open, committed, rejected), oldest first."""
        query = "SELECT id, time, run, variable, value, reason, state FROM proposals WHERE state = ? ORDER BY time, id"
        return [
            Proposal(id_, time, run, variable, json.loads(value), reason, found)
            for id_, time, run, variable, value, reason, found in self._read(query, state)
        ]

    def ledger(self, lineage: str | None = None, holdout: str | None = None) -> list[Grant]:
        """What was spent, in order: of one lineage, on one hold-out set, or all."""
        given = {"lineage": lineage, "holdout": holdout}
        where = [column for column, value in given.items() if value is not None]
        query = f"{_GRANT} WHERE {' AND '.join(['1', *(f'{column} = ?' for column in where)])}"
        rows = self._read(f"{query} ORDER BY lineage, holdout, number", *(given[column] for column in where))
        return [_grant(row) for row in rows]

    def holdout(self, lineage: str, examples: Collection[str]) -> str | None:
        """The hold-out set of a lineage that `examples`, by digest, mostly come from; None if half or more are new.

        One that was spent on does not become fresh by being added to, or dealt anew.
        """
        query = """
            SELECT holdout, count(*) FROM holdouts
            WHERE lineage = ? AND example IN (SELECT value FROM json_each(?))
            GROUP BY holdout ORDER BY count(*) DESC, holdout LIMIT 1
        """
        rows = self._read(query, lineage, json.dumps(sorted(set(examples))))
        return str(rows[0][0]) if rows and 2 * rows[0][1] > len(set(examples)) else None

    def verify(self) -> str | None:
        """What is wrong first with the log's chain, a digest, a version, an alias or a head; None if nothing is."""
        from autogenesis_core.rspl.audit import audit

        with db.errors_of(self.path), self._lock:
            return audit(self._connection)

    def _one(self, query: str, *given: object) -> Any:  # a row has the columns of its query
        with self._lock, db.errors_of(self.path):
            return self._connection.execute(query, given).fetchone()

    def _read(self, query: str, *given: object) -> list[Any]:  # rows have the columns of their query
        with self._lock, db.errors_of(self.path):
            return self._connection.execute(query, given).fetchall()


def _version(row: Any) -> Version:
    kind, name, version, digest, parents, *rest = row
    return Version(kind, name, version, digest, tuple(json.loads(parents)), *rest)


def _grant(row: Any) -> Grant:
    number, alpha, reused, committed, run, decision = row
    return Grant(number, alpha, bool(reused), bool(committed), run, decision)


def _entry(row: Any) -> LogEntry:
    seq, time, event, id_, run, body, hash_ = row
    return LogEntry(seq, time, event, id_, run, json.loads(body), hash_)
