"""The store: records by digest, versions, heads and the log, in one SQLite file.

Accept, new versions, heads and their log entry are one transaction. The log is append-only and hash-chained; an entry
of kind `commit` is the commit, its id a digest over what it changed. The journal keeps a run's decisions and results
for as long as somebody may resume it.
"""

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, cast

import sqlalchemy as sa
from attrs import field, frozen

from autogenesis_core.errors import Conflict, InputError, StoreError, unknown
from autogenesis_core.identity import JSON, canonical, digest
from autogenesis_core.rspl import database as db
from autogenesis_core.rspl.entity import Kind
from autogenesis_core.rspl.lifecycle import VersionState, move_version
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.reference import Reference

FIRST = "1.0.0"
SHIPPED = "shipped"


@frozen
class Version:
    """One immutable version of a resource: which record, from which parents, by which commit."""

    kind: Kind
    name: str
    version: str
    digest: str
    parents: tuple[str, ...]
    state: VersionState
    commit: str
    model: str = ""


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
class Change:
    """One resource's part of a commit: its new record, the head's version that it was made from, if any, its model."""

    record: Record
    expected: str | None
    model: str = ""


@frozen
class LogEntry:
    """One entry of the log."""

    seq: int
    time: float
    event: Literal["commit", "reject", "rollback", "restore", "install"]
    id: str
    run: str
    body: Mapping[str, Any]  # each event has fields of its own
    hash: str


@frozen(slots=False, eq=False)
class Store:
    """An open store. Use `Store.open`, and close it."""

    path: Path
    _engine: sa.Engine = field(repr=False)
    _connection: sqlite3.Connection = field(repr=False)

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> "Store":
        """The store in the file at `path`, made if it is not there.

        Raises StoreError for a file that is no store of ours, is newer than this program, or is damaged; such a file
        is not touched.
        """
        if not path.exists():
            if not create:
                raise InputError(
                    f"there is no store at {path}", "run an evolution first, or name another with workdir="
                )
            db.make_folder(path.parent)
        else:
            db.check_file(path)
        with db.errors_of(path):
            connection = db.connect(path)
        engine = sa.create_engine("sqlite://", creator=lambda: connection, poolclass=sa.pool.StaticPool)
        store = cls(path, engine, connection)
        try:
            store._prepare()
        except BaseException:
            store.close()
            raise
        return store

    def _prepare(self) -> None:
        with db.errors_of(self.path), self._engine.connect() as connection:
            db.use_wal(connection)
            for pragma in ("synchronous=FULL", "foreign_keys=ON"):
                connection.exec_driver_sql(f"PRAGMA {pragma}")
            self._make(connection)

    def close(self) -> None:
        """Closes the file."""
        self._engine.dispose()
        self._connection.close()  # SQLAlchemy forgets it where its very first look at the file failed

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def heads(self, branch: str) -> dict[str, Head]:
        """The heads of a branch by `kind/name`."""
        query = self._head_query().where(db.heads.c.branch == branch).order_by(db.heads.c.kind, db.heads.c.name)
        return {f"{row.kind}/{row.name}": _head(row) for row in self._read(query)}

    def head(self, branch: str, kind: str, name: str) -> Head | None:
        """The head of one resource on a branch, or None."""
        query = self._head_query().where(db.heads.c.branch == branch, db.heads.c.kind == kind, db.heads.c.name == name)
        return next((_head(row) for row in self._read(query)), None)

    def branches(self) -> tuple[str, ...]:
        """The names of all branches that have a head."""
        return tuple(
            row.branch for row in self._read(sa.select(db.heads.c.branch).distinct().order_by(db.heads.c.branch))
        )

    def record(self, digest_: str) -> Record:
        """The record of a digest; raises StoreError if its content is not that of the digest."""
        row = next(iter(self._read(sa.select(db.records.c.body).where(db.records.c.digest == digest_))), None)
        if row is None:
            raise StoreError(f"the store at {self.path} has no record {digest_[:12]}")
        if hashlib.sha256(row.body.encode()).hexdigest() != digest_:
            raise StoreError(f"the record {digest_[:12]} in {self.path} was altered: its content has another digest")
        return Record.from_body(row.body)

    def history(self, kind: str, name: str) -> list[Version]:
        """All versions of a resource, newest first."""
        query = sa.select(db.versions).where(db.versions.c.kind == kind, db.versions.c.name == name)
        return [_version(row) for row in self._read(query.order_by(db.versions.c.number.desc()))]

    def find(self, reference: Reference, branch: str) -> Version:
        """The version that a reference means: `@1.0.2`, `@champion` or nothing for the head of `branch`, `@branch`.

        Raises UnknownName with the nearest name if there is none.
        """
        versions = {version.version: version for version in self.history(reference.kind, reference.name)}
        if not versions:
            known = {
                f"{row.kind}/{row.name}"
                for row in self._read(sa.select(db.versions.c.kind, db.versions.c.name).distinct())
            }
            raise unknown("resource", reference.id, known)
        if reference.at in versions:
            return versions[reference.at]
        at = branch if reference.at in ("", "champion") else reference.at
        head = self.head(at, reference.kind, reference.name)
        if head is None and at == branch:
            head = self.head(SHIPPED, reference.kind, reference.name)
        if head is None:
            raise unknown("version", str(reference), (f"{reference.id}@{v}" for v in versions))
        return versions[head.version]

    def commit(
        self,
        branch: str,
        changes: Sequence[Change],
        *,
        event: str = "commit",
        run: str = "",
        model: str = "",
        body: Mapping[str, JSON] | None = None,
        heads: Mapping[str, str] | None = None,
    ) -> tuple[str, dict[str, str]]:
        """Writes new versions of several resources, moves their heads and logs it, whole or not at all.

        `heads` names further heads, by `kind/name`, against which the changes were assessed.
        Returns the commit's id and the new version by `kind/name`.
        Raises Conflict if a head is not where it is expected; nothing is written then.
        """  # fmt: skip
        with self._write() as connection:
            for name, expected in (heads or {}).items():
                kind, _, short = name.partition("/")
                self._expect(connection, branch, kind, short, expected)
            rows = [self._number(connection, branch, change) for change in changes]
            summary: list[JSON] = [
                {
                    "resource": change.record.id,
                    "version": version,
                    "digest": change.record.digest,
                    "from": change.expected,
                }
                for change, (_, version) in zip(changes, rows, strict=True)
            ]
            commit = digest({"branch": branch, "event": event, "changes": summary})[:10]
            for change, (number, version) in zip(changes, rows, strict=True):
                self._insert(connection, branch, change, number, version, commit, change.model or model)
            self._append(connection, event, commit, run, {"branch": branch, "changes": summary, **(body or {})})
        return commit, {change.record.id: version for change, (_, version) in zip(changes, rows, strict=True)}

    def log(self, event: str, id_: str, run: str, body: Mapping[str, JSON]) -> None:
        """Appends an entry that moves no head: a rejection."""
        with self._write() as connection:
            self._append(connection, event, id_, run, body)

    def entries(self, *, run: str = "", id_: str = "") -> list[LogEntry]:
        """The log, oldest first; of one run, or with ids that begin with `id_`."""
        query = sa.select(db.log).order_by(db.log.c.seq)
        if run:
            query = query.where(db.log.c.run == run)
        if id_:
            query = query.where(db.log.c.id.startswith(id_, autoescape=True))
        return [_entry(row) for row in self._read(query)]

    def verify(self) -> str | None:
        """What is wrong with the log's chain, a digest, a version or a head, the first of it; None if nothing is."""
        before, told = "", dict[str, Any]()
        for row in self._read(sa.select(db.log).order_by(db.log.c.seq)):
            before = _chain(before, row.time, row.event, row.id, row.run, row.body)
            if before != row.hash:
                return f"log entry {row.seq} ({row.event} {row.id}) does not follow from the one before"
            told |= _told(row.id, json.loads(row.body))
        for row in self._read(sa.select(db.records)):
            if hashlib.sha256(row.body.encode()).hexdigest() != row.digest:
                return f"record {row.digest[:12]} has other content than its digest says"
        return self._verify_versions(told) or self._verify_heads(told)

    def _verify_versions(self, told: Mapping[str, Any]) -> str | None:
        """Versions against what the log tells of them; the log is what nobody can alter unseen."""
        known = {row.digest for row in self._read(sa.select(db.records.c.digest))}
        found: dict[str, Any] = {}
        for row in self._read(sa.select(db.versions)):
            parents = json.loads(row.parents)
            found[f"{row.kind}/{row.name}@{row.version}"] = (row.commit, row.digest, parents[0] if parents else None)
            if row.digest not in known:
                return f"the record {row.digest[:12]} of {row.kind}/{row.name}@{row.version} is gone"
        for name in sorted(found.keys() ^ told.keys()):
            return f"the log {'says nothing of' if name in found else 'tells of'} {name}"
        for name, version in found.items():
            if version != told[name][:3]:
                return f"{name} is not what its commit wrote"
        return None

    def _verify_heads(self, told: Mapping[str, Any]) -> str | None:
        expected = {(entry[3], name.partition("@")[0]): name for name, entry in told.items()}
        found = {
            (row.branch, f"{row.kind}/{row.name}"): f"{row.kind}/{row.name}@{row.version}"
            for row in self._read(sa.select(db.heads))
        }
        for branch, name in sorted(expected.keys() | found.keys()):
            if expected.get((branch, name)) != found.get((branch, name)):
                return f"the head of {name} on {branch} is not where the log says"
        return None

    def journal(self, run: str, events: Sequence[tuple[str, JSON]]) -> None:
        """Appends to a run's journal, all events with one fsync."""
        if events:
            with self._write() as connection:
                rows = [{"run": run, "event": event, "body": canonical(body)} for event, body in events]
                connection.execute(db.journal.insert(), rows)

    def read_journal(self, run: str) -> list[tuple[str, Any]]:
        """A run's journal, oldest first, as (event, JSON)."""
        query = sa.select(db.journal).where(db.journal.c.run == run).order_by(db.journal.c.seq)
        return [(row.event, json.loads(row.body)) for row in self._read(query)]

    def set_state(self, kind: str, name: str, version: str, state: VersionState) -> None:
        """Moves a version along its lifecycle; raises LifecycleError for an illegal move."""
        where = (db.versions.c.kind == kind, db.versions.c.name == name, db.versions.c.version == version)
        known = [found.version for found in self.history(kind, name)]
        if version not in known:
            raise unknown("version", f"{kind}/{name}@{version}", known)
        with self._write() as connection:
            row = connection.execute(sa.select(db.versions.c.state).where(*where)).one()
            moved = move_version(f"{kind}/{name}@{version}", row.state, state)
            connection.execute(db.versions.update().where(*where).values(state=moved))

    def _make(self, connection: sa.Connection) -> None:
        if connection.exec_driver_sql("PRAGMA user_version").scalar() == db.SCHEMA:
            return
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        if connection.exec_driver_sql("PRAGMA user_version").scalar() == db.SCHEMA:  # another was first
            connection.exec_driver_sql("ROLLBACK")
            return
        db.tables.create_all(connection)
        connection.exec_driver_sql(f"PRAGMA application_id={db.APPLICATION}")
        connection.exec_driver_sql(f"PRAGMA user_version={db.SCHEMA}")
        connection.exec_driver_sql("COMMIT")

    def _read(self, query: Any) -> list[Any]:  # SQLAlchemy's rows have the columns of their query
        with db.errors_of(self.path), self._engine.connect() as connection:
            return list(connection.execute(query))

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        with db.errors_of(self.path), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")

    def _head_query(self) -> Any:
        same = sa.and_(
            db.heads.c.kind == db.versions.c.kind,
            db.heads.c.name == db.versions.c.name,
            db.heads.c.version == db.versions.c.version,
        )
        return sa.select(db.heads, db.versions.c.digest, db.versions.c.model).join(db.versions, same)

    def _expect(self, connection: sa.Connection, branch: str, kind: str, name: str, expected: str | None) -> None:
        found = None
        for place in (
            branch,
            SHIPPED,
        ):  # a resource that a branch never changed stands where the shipped one does
            where = (db.heads.c.branch == place, db.heads.c.kind == kind, db.heads.c.name == name)
            found = found or connection.execute(sa.select(db.heads.c.version).where(*where)).scalar()
        if found != expected:
            raise Conflict(f"{kind}/{name} moved from {expected} to {found} on branch {branch} in the meantime")

    def _number(self, connection: sa.Connection, branch: str, change: Change) -> tuple[int, str]:
        kind, name = change.record.kind, change.record.name
        self._expect(connection, branch, kind, name, change.expected)
        where = (db.versions.c.kind == kind, db.versions.c.name == name)
        last = connection.execute(sa.select(sa.func.max(db.versions.c.number)).where(*where)).scalar()
        number = 0 if last is None else last + 1
        return number, FIRST[:-1] + str(number)

    def _insert(
        self,
        connection: sa.Connection,
        branch: str,
        change: Change,
        number: int,
        version: str,
        commit: str,
        model: str,
    ) -> None:
        record = change.record
        key = {"digest": record.digest, "body": record.body}
        connection.execute(sa.insert(db.records).prefix_with("OR IGNORE"), key)
        row = {
            "kind": record.kind, "name": record.name, "number": number, "version": version, "digest": record.digest,
            "parents": canonical([change.expected] if change.expected else []), "state": "active", "commit": commit,
            "model": model,
        }  # fmt: skip
        connection.execute(db.versions.insert(), row)
        head = {"branch": branch, "kind": record.kind, "name": record.name, "version": version}
        connection.execute(sa.insert(db.heads).prefix_with("OR REPLACE"), head)

    def _append(self, connection: sa.Connection, event: str, id_: str, run: str, body: Mapping[str, JSON]) -> None:
        before = connection.execute(sa.select(db.log.c.hash).order_by(db.log.c.seq.desc()).limit(1)).scalar() or ""
        now, text = time.time(), canonical(body)
        row = {"time": now, "event": event, "id": id_, "run": run, "body": text}
        connection.execute(db.log.insert(), {**row, "hash": _chain(before, now, event, id_, run, text)})


def _chain(before: str, now: float, event: str, id_: str, run: str, body: str) -> str:
    return digest([before, repr(now), event, id_, run, body])


def _told(commit: str, body: Mapping[str, Any]) -> dict[str, tuple[str, str, str | None, str]]:
    """What a log entry tells of versions: commit, digest, parent and branch by `kind/name@version`."""
    return {
        f"{change['resource']}@{change['version']}": (commit, change["digest"], change["from"], body["branch"])
        for change in body.get("changes", ())
    }


def _head(row: Any) -> Head:
    return Head(row.branch, cast("Kind", row.kind), row.name, row.version, row.digest, row.model)


def _version(row: Any) -> Version:
    return Version(
        cast("Kind", row.kind),
        row.name,
        row.version,
        row.digest,
        tuple(json.loads(row.parents)),
        row.state,
        row.commit,
        row.model,
    )


def _entry(row: Any) -> LogEntry:
    return LogEntry(row.seq, row.time, row.event, row.id, row.run, json.loads(row.body), row.hash)
