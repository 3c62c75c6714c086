"""The store: records by digest, versions, heads, aliases, the log and the ledger, in one SQLite file.

Accept, new versions, heads, their log entry and the ledger's mark are one transaction. The log is append-only and
hash-chained; an entry of kind `commit` is the commit, its id a digest over what it changed. The ledger holds what each
decision on a hold-out set was allowed to err, over all runs, because a hold-out set wears out. A run's fence lets only
the process that took it up last write for it.
"""

import os
import re
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Literal, Self

from attrs import define, frozen

from autogenesis_core.errors import Conflict, InputError, StoreError, unknown
from autogenesis_core.identity import JSON, canonical, digest
from autogenesis_core.rspl import database as db
from autogenesis_core.rspl.audit import chain
from autogenesis_core.rspl.lifecycle import VersionState, move_version
from autogenesis_core.rspl.reader import CHAMPION, SHIPPED, AliasMove, Grant, Head, LogEntry, Reader, Version
from autogenesis_core.rspl.record import Record
from autogenesis_core.services.secrets import check_no_secret, redact

FIRST = "1.0.0"
Bump = Literal["patch", "minor", "major"]
_LABEL = re.compile(r"[a-z][a-z0-9_\-]{0,63}")


@frozen
class Change:
    """One resource's part of a commit.

    Arguments:
        record: its new record
        expected: the head's version that it was made from, if any
        model: with which it was evolved
        parents: versions besides `expected` that it comes from, e.g. `prompt/x@1.0.3` of a copy
        bump: which part of the version counts up
    """

    record: Record
    expected: str | None
    model: str = ""
    parents: tuple[str, ...] = ()
    bump: Bump = "patch"


@frozen
class Removed:
    """What `gc` removed, or would: records and artifacts of the store, journals of ended runs."""

    records: int = 0
    artifacts: int = 0
    journals: int = 0


_GARBAGE = (
    "FROM records WHERE digest NOT IN (SELECT digest FROM versions)",
    """FROM artifacts WHERE digest NOT IN (
        SELECT json_extract(f.value, '$.sha256')
        FROM records r JOIN versions v ON v.digest = r.digest, json_each(r.body, '$.parameters.files') f
        WHERE json_extract(r.body, '$.exports.form') = 'skill'
    )""",
)


@define(eq=False, slots=False)
class Store(Reader):
    """An open store. Use `Store.open`, and close it."""

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> Self:
        """The store in the file at `path`, made if it is not there, brought to this program's schema if it is older.

        Raises StoreError for a file that is no store of ours, is newer than this program, or is damaged; such a file
        is not touched. One that may only be read here is opened all the same: to write to it is a StoreError then.
        """
        if not path.exists():
            if not create:
                raise InputError(
                    f"there is no store at {path}", "run an evolution first, or name another with workdir="
                )
            db.make_folder(path.parent)
        elif not create and db.is_empty(path):
            raise StoreError(
                f"the store at {path} is an empty file", "put a backup in its place, or remove it to begin anew"
            )
        elif db.check_file(path) == db.SCHEMA and not db.may_write(path):
            with db.errors_of(path):
                connection, immutable = db.connect_readonly(path)
            return cls(path, connection, immutable=immutable)
        with db.errors_of(path):
            connection = db.connect(path)
            try:
                db.prepare(connection)
            except BaseException:
                connection.close()
                raise
        return cls(path, connection)

    @classmethod
    def memory(cls) -> Self:
        """A store that is gone when it is closed."""
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        db.prepare(connection)
        return cls(Path(":memory:"), connection)

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
        artifacts: Mapping[str, bytes] | None = None,
        token: int | None = None,
        grant: tuple[str, str] | None = None,
    ) -> tuple[str, dict[str, str]]:
        """Writes new versions of several resources, moves their heads and logs it, whole or not at all.

        `heads` names further heads, by `kind/name`, against which the changes were assessed; `artifacts` are bytes by
        SHA-256 that the records name; `token` is the run's fence; `grant` is the (run, decision) of the ledger that
        this commit comes of.
        Returns the commit's id and the new version by `kind/name`.
        Raises Conflict if a head is not where it is expected, StoreError if another process has taken over the run or
        the grant is none that is open; nothing is written then.
        """  # fmt: skip
        for change in changes:
            check_no_secret(change.record)
            change.record.digest  # noqa: B018  # made before the write lock is taken
        with self._write():
            self._check_fence(run, token)
            for name, expected in (heads or {}).items():
                self._expect(branch, *_apart(name), expected)
            rows = [self._number(branch, change) for change in changes]
            summary: list[JSON] = [
                _summary(change, version) for change, (_, version) in zip(changes, rows, strict=True)
            ]
            commit = digest({"branch": branch, "event": event, "changes": summary})[:10]
            seq = self._append(event, commit, run, {"branch": branch, "changes": summary, **redact(body or {})})
            self._keep(artifacts or {})
            for change, (number, version) in zip(changes, rows, strict=True):
                self._insert(branch, change, number, version, commit, change.model or model, seq)
            if grant is not None:
                self._settle_grant(*grant)
        return commit, {change.record.id: version for change, (_, version) in zip(changes, rows, strict=True)}

    def log(self, event: str, id_: str, run: str, body: Mapping[str, JSON], *, token: int | None = None) -> None:
        """Appends an entry that moves no head: a rejection; `token` is the run's fence, as in `commit`."""
        with self._write():
            self._check_fence(run, token)
            self._append(event, id_, run, redact(body))

    def set_alias(self, name: str, alias: str, version: str | None, author: str = "user") -> None:
        """Lets an alias of a resource (`kind/name`) mean a version, or nothing; the move is logged.

        Raises UnknownName for a version or, with None, an alias that is not there; InputError for a name that means
        something else: a version, a branch, `champion`.
        """
        kind, _, short = name.partition("/")
        self._check_label("alias", alias, taken=self.branches())
        with self._write():
            now = self.aliases(kind, short)
            if version is None and alias not in now:
                raise unknown("alias", f"{name}@{alias}", (f"{name}@{known}" for known in now))
            if version is not None and self.version(kind, short, version) is None:
                known = [f"{name}@{found.version}" for found in self.history(kind, short, limit=1000)]
                raise (
                    unknown("version", f"{name}@{version}", known)
                    if known
                    else unknown("resource", name, self.resources())
                )
            if now.get(alias) != version:
                self._move_alias(name, alias, version, author)

    def create_branch(self, name: str, source: str, author: str = "user") -> dict[str, str]:
        """A new branch with the heads of `source`; returns them, version by `kind/name`. It is logged.

        Raises UnknownName for a source without heads, InputError for a name that is taken or means something else.
        """
        with self._write():
            self._check_label("branch", name, taken=(*self.branches(), *self._all_aliases()))
            heads = {id_: head.version for id_, head in self.heads(source).items()}
            if not heads:
                raise unknown("branch", source, self.branches())
            self._move(name, heads, {"source": source, "author": author})
        return heads

    def stand(self, branch: str, heads: Mapping[str, str], body: Mapping[str, JSON]) -> None:
        """Lets a branch stand at versions that are there already, by `kind/name`; logged under the branch's name."""
        with self._write():
            self._move(branch, heads, body)

    def set_state(self, kind: str, name: str, version: str, state: VersionState, author: str = "user") -> None:
        """Moves a version along its lifecycle; logged. Raises LifecycleError for an illegal move."""
        with self._write() as execute:
            found = self.version(kind, name, version)
            if found is None:
                known = [f"{kind}/{name}@{known.version}" for known in self.history(kind, name, limit=1000)]
                raise unknown("version", f"{kind}/{name}@{version}", known)
            moved = move_version(str(found), found.state, state)
            body: dict[str, JSON] = {
                "resource": found.id, "version": version, "from": found.state, "to": moved, "author": author
            }  # fmt: skip
            self._append("mark", digest(body)[:10], "", body)
            where = "WHERE kind = ? AND name = ? AND version = ?"
            execute(f"UPDATE versions SET state = ? {where}", (moved, kind, name, version))  # noqa: S608  # literals

    def put(self, artifacts: Mapping[str, bytes]) -> None:
        """Keeps artifacts, by SHA-256, before anything names them; `gc` removes those that nothing came to name."""
        with self._write():
            self._keep(artifacts)

    def propose(self, run: str, variable: str, value: JSON, reason: str) -> str:
        """Keeps a proposal for a variable; returns its id, which is the same for the same value. It changes nothing."""
        id_ = proposal_id(variable, value)
        row = (id_, time.time(), run, variable, _redacted(value), redact(reason[:2000]), "open")
        query = """
            INSERT INTO proposals VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE
            SET state = 'open', time = excluded.time, run = excluded.run, reason = excluded.reason
            WHERE state <> 'open'
        """
        with self._write() as execute:
            execute(query, row)
        return id_

    def settle(self, ids: Iterable[str], state: Literal["committed", "rejected"]) -> None:
        """Closes proposals that a gate has decided on."""
        with self._write():
            rows = [(state, id_) for id_ in ids]
            self._connection.executemany("UPDATE proposals SET state = ? WHERE id = ? AND state = 'open'", rows)

    def fence(self, run: str) -> int:
        """Takes a run over: a new token, from 1, with which alone `commit` and `log` write for it from now on."""
        with self._write() as execute:
            query = "INSERT INTO runs VALUES (?, 1) ON CONFLICT (run) DO UPDATE SET token = token + 1"
            execute(query, (run,))
            return int(execute("SELECT token FROM runs WHERE run = ?", (run,)).fetchone()[0])

    def spend(
        self,
        lineage: str,
        holdout: str,
        run: str,
        decision: str,
        rule: Callable[[Sequence[Grant]], float],
        reused: bool,
        *,
        token: int | None = None,
        examples: Collection[str] = (),
    ) -> Grant:
        """Spends on a decision what `rule` gives after the earlier ones; a decision that was granted gets that again.

        It is spent for good: by a rejection, by a run that dies, and by a commit that is rolled back. Backups hold the
        ledger; `export` and `import` of resources do not carry it. `token` is the run's fence, as in `commit`;
        `examples` are the digests of the hold-out set's, by which `holdout` knows it again.
        Raises StoreError for a decision that was granted on another lineage or hold-out set.
        """
        with self._write() as execute:
            self._check_fence(run, token)
            earlier = self.ledger(lineage, holdout)
            if known := [grant for grant in earlier if (grant.run, grant.decision) == (run, decision)]:
                return known[0]
            grant = Grant(len(earlier) + 1, rule(earlier), reused, False, run, decision)
            row = (lineage, holdout, grant.number, run, decision, grant.alpha, reused, False, time.time())
            execute("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            rows = [(lineage, holdout, example) for example in sorted(set(examples))]
            self._connection.executemany("INSERT OR IGNORE INTO holdouts VALUES (?, ?, ?)", rows)
        return grant

    def backup(self, path: Path) -> None:
        """A copy of the whole store in one file, taken while others write.

        Raises InputError if `path` is there, StoreError if the store is damaged: a copy of that would be no backup.
        """
        if path.exists():
            raise InputError(f"{path} is there already", "a backup goes to a new file")
        db.make_folder(path.parent)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with db.errors_of(path), closing(sqlite3.connect(beside, isolation_level=None)) as target:
                self._connection.backup(target, pages=1000, sleep=0.0)
                target.execute("PRAGMA journal_mode=DELETE")
                db.check_pages(target, self.path)
            os.link(beside, path)  # unlike a rename, it never replaces what came there in the meantime
        except FileExistsError:
            raise InputError(f"{path} is there already", "a backup goes to a new file") from None
        except OSError as error:
            raise StoreError(f"the backup {path} cannot be written: {error}") from None
        finally:
            beside.unlink(missing_ok=True)

    def gc(self, *, dry_run: bool = False) -> Removed:
        """Removes what nothing refers to, never a version: records and artifacts without one.

        With `dry_run` it only counts.
        """
        with self._lock, db.errors_of(self.path):
            self._connection.execute("PRAGMA foreign_keys=OFF")  # or each removed record would search all versions
            try:
                with self._write() as execute:
                    found = Removed(*(_removed(execute, what, dry_run) for what in _GARBAGE))
                if found != Removed() and not dry_run:
                    self._connection.execute("VACUUM")
                    self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                self._connection.execute("PRAGMA foreign_keys=ON")
        return found

    @contextmanager
    def _write(self) -> Iterator[Callable[..., sqlite3.Cursor]]:
        """A transaction that nothing else writes in; all of it is durable when it ends, or none of it is there."""
        with self._lock, db.errors_of(self.path):
            execute = self._connection.execute
            if self._connection.in_transaction:  # a part of a larger one
                yield execute
                return
            execute("BEGIN IMMEDIATE")
            try:
                yield execute
            except BaseException:
                if self._connection.in_transaction:  # a full disk ends it by itself
                    execute("ROLLBACK")
                raise
            execute("COMMIT")

    def _check_fence(self, run: str, token: int | None) -> None:
        if token is not None and self._one("SELECT token FROM runs WHERE run = ?", run) != (token,):
            raise StoreError(f"another process has taken over run {run}", f"what it does: autogenesis log {run}")

    def _settle_grant(self, run: str, decision: str) -> None:
        query = "UPDATE ledger SET committed = 1 WHERE run = ? AND decision = ? AND committed = 0"
        if self._connection.execute(query, (run, decision)).rowcount != 1:
            raise StoreError(f"the ledger has no open grant for decision {decision} of run {run}")

    def _expect(self, branch: str, kind: str, name: str, expected: str | None) -> None:
        found = self._head_version(branch, kind, name)
        if found != expected:
            raise Conflict(f"{kind}/{name} moved from {expected} to {found} on branch {branch} in the meantime")

    def _number(self, branch: str, change: Change) -> tuple[int, str]:
        kind, name = change.record.kind, change.record.name
        self._expect(branch, kind, name, change.expected)
        return self._next(kind, name, change.bump)

    def _next(self, kind: str, name: str, bump: Bump = "patch") -> tuple[int, str]:
        """The number and version that comes next, from one counter across branches."""
        query = "SELECT number, version FROM versions WHERE kind = ? AND name = ? ORDER BY number DESC LIMIT 1"
        last = self._connection.execute(query, (kind, name)).fetchone()
        if last is None:
            return 0, FIRST
        major, minor, patch = map(int, last[1].split("."))
        following = {
            "patch": (major, minor, patch + 1), "minor": (major, minor + 1, 0), "major": (major + 1, 0, 0)
        }[bump]  # fmt: skip
        return last[0] + 1, ".".join(map(str, following))

    def _insert(
        self, branch: str, change: Change, number: int, version: str, commit: str, model: str, seq: int
    ) -> None:
        record = change.record
        for key in record.artifacts:
            if not self._one("SELECT 1 FROM artifacts WHERE digest = ?", key):
                raise StoreError(f"{record.id} names the artifact {key[:12]}, which is not there")
        self._connection.execute("INSERT OR IGNORE INTO records VALUES (?, ?)", (record.digest, record.body))
        parents = canonical([*([change.expected] if change.expected else []), *change.parents])
        row = (record.kind, record.name, number, version, record.digest, parents, "active", model, commit, branch, seq)
        self._connection.execute("INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        self._set_head(branch, record.kind, record.name, version)

    def _set_head(self, branch: str, kind: str, name: str, version: str) -> None:
        self._connection.execute("INSERT OR REPLACE INTO heads VALUES (?, ?, ?, ?)", (branch, kind, name, version))

    def _move(self, branch: str, heads: Mapping[str, str], body: Mapping[str, JSON]) -> None:
        """Lets a branch stand at versions that are there already; logged under the branch's name."""
        self._append("branch", branch, "", {"branch": branch, "heads": dict(heads), **body})
        for id_, version in heads.items():
            self._set_head(branch, *_apart(id_), version)

    def _keep(self, artifacts: Mapping[str, bytes]) -> None:
        for key, body in artifacts.items():
            if sha256(body).hexdigest() != key:
                raise StoreError(f"the artifact {key[:12]} has other content than its digest says")
            self._connection.execute("INSERT OR IGNORE INTO artifacts VALUES (?, ?)", (key, body))

    def _append(self, event: str, id_: str, run: str, body: Mapping[str, JSON]) -> int:
        last = self._connection.execute("SELECT seq, time, hash FROM log ORDER BY seq DESC LIMIT 1").fetchone()
        seq, before, hash_ = last or (0, 0.0, "")
        now, text = max(time.time(), before), canonical(body)  # a clock set back does not reorder the story
        row = (seq + 1, now, event, id_, run, text, chain(hash_, now, event, id_, run, text))
        self._connection.execute("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        return int(seq) + 1

    def _all_aliases(self) -> list[str]:
        return [row[0] for row in self._read("SELECT DISTINCT alias FROM aliases")]

    def _check_label(self, what: str, label: str, taken: Sequence[str]) -> None:
        if not _LABEL.fullmatch(label):
            raise InputError(
                f"'{label}' names no {what}", "its name is lower-case letters, digits, _ and -, at most 64"
            )
        if label in (CHAMPION, SHIPPED) or label in taken:
            raise InputError(f"the name '{label}' is taken", "aliases and branches have names of their own")

    def _adopt(
        self,
        commit: str,
        run: str,
        body: Mapping[str, JSON],
        versions: Sequence[Version],
        records: Mapping[str, Record],
    ) -> None:
        """Takes in what one commit of another store made; no head moves."""
        seq = self._append("import", commit, run, body)
        rows = [
            (
                v.kind,
                v.name,
                v.number,
                v.version,
                v.digest,
                canonical(v.parents),
                v.state,
                v.model,
                commit,
                v.branch,
                seq,
            )
            for v in versions
        ]
        bodies = [(digest_, record.body) for digest_, record in records.items()]
        self._connection.executemany("INSERT OR IGNORE INTO records VALUES (?, ?)", bodies)
        self._connection.executemany("INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def _move_alias(
        self, name: str, alias: str, version: str | None, author: str, origin: Mapping[str, JSON] | None = None
    ) -> None:
        """Lets an alias mean a version or nothing; `origin` says when and where another store did so."""
        kind, short = _apart(name)
        body: dict[str, JSON] = {
            "resource": name, "alias": alias, "from": self.aliases(kind, short).get(alias), "to": version,
            "author": author, **({"origin": origin} if origin else {}),
        }  # fmt: skip
        seq = self._append("alias", digest(body)[:10], "", body)
        self._connection.execute("INSERT INTO aliases VALUES (?, ?, ?, ?, ?)", (kind, short, alias, seq, version or ""))


def _removed(execute: Callable[..., sqlite3.Cursor], what: str, dry_run: bool) -> int:
    if dry_run:
        return int(execute(f"SELECT count(*) {what}").fetchone()[0])  # one of our own
    return execute(f"DELETE {what}").rowcount  # one of our own


def proposal_id(variable: str, value: JSON) -> str:
    """What a proposal, or an edit that takes it up, is known by."""
    return digest([variable, value])[:10]


def _redacted(body: JSON) -> str:
    return canonical(redact(body))


def _apart(id_: str) -> tuple[str, str]:
    kind, _, name = id_.partition("/")
    return kind, name


def _summary(change: Change, version: str) -> dict[str, JSON]:
    record = change.record
    found: dict[str, JSON] = {
        "resource": record.id, "version": version, "digest": record.digest, "from": change.expected
    }  # fmt: skip
    return {**found, "parents": change.parents} if change.parents else found


__all__ = ["FIRST", "SHIPPED", "AliasMove", "Bump", "Change", "Grant", "Head", "LogEntry", "Reader", "Store", "Version"]
