"""The database of a store: its tables, its migrations, and how its file is looked at and opened.

Plain SQL over the standard library's sqlite3: a service that only loads a prompt imports nothing else, and a commit
costs what SQLite costs.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from autogenesis_core.errors import InputError, StoreError, on_one_line

SCHEMA = 3
APPLICATION = 0x41475350  # "AGSP": tells our files from other SQLite files

_VERSIONS = """
CREATE TABLE versions (
    kind TEXT NOT NULL, name TEXT NOT NULL, number INTEGER NOT NULL, version TEXT NOT NULL,
    digest TEXT NOT NULL REFERENCES records (digest), parents TEXT NOT NULL, state TEXT NOT NULL,
    model TEXT NOT NULL, "commit" TEXT NOT NULL, branch TEXT NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (kind, name, number), UNIQUE (kind, name, version)
) WITHOUT ROWID
"""
_ADDED_2 = (
    "CREATE TABLE artifacts (digest TEXT PRIMARY KEY, body BLOB NOT NULL)",
    """
    CREATE TABLE aliases (
        kind TEXT NOT NULL, name TEXT NOT NULL, alias TEXT NOT NULL, seq INTEGER NOT NULL, version TEXT NOT NULL,
        PRIMARY KEY (kind, name, alias, seq)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE proposals (
        id TEXT PRIMARY KEY, time REAL NOT NULL, run TEXT NOT NULL, variable TEXT NOT NULL, value TEXT NOT NULL,
        reason TEXT NOT NULL, state TEXT NOT NULL
    )
    """,
)
_ADDED_3 = (
    """
    CREATE TABLE ledger (
        lineage TEXT NOT NULL, holdout TEXT NOT NULL, number INTEGER NOT NULL, run TEXT NOT NULL,
        decision TEXT NOT NULL, alpha REAL NOT NULL, reused INTEGER NOT NULL, committed INTEGER NOT NULL,
        time REAL NOT NULL, PRIMARY KEY (lineage, holdout, number), UNIQUE (run, decision)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE holdouts (
        lineage TEXT NOT NULL, holdout TEXT NOT NULL, example TEXT NOT NULL, PRIMARY KEY (lineage, example, holdout)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE runs (run TEXT PRIMARY KEY, token INTEGER NOT NULL) WITHOUT ROWID",
)
_INDEXES = (
    "CREATE INDEX log_id ON log (id)",
    "CREATE INDEX log_run ON log (run) WHERE run <> ''",
    "CREATE INDEX log_mark ON log (json_extract(body, '$.resource')) WHERE event = 'mark'",
)
_TABLES = (
    "CREATE TABLE records (digest TEXT PRIMARY KEY, body TEXT NOT NULL)",
    _VERSIONS,
    """
    CREATE TABLE heads (
        branch TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
        PRIMARY KEY (branch, kind, name)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE log (
        seq INTEGER PRIMARY KEY, time REAL NOT NULL, event TEXT NOT NULL, id TEXT NOT NULL, run TEXT NOT NULL,
        body TEXT NOT NULL, hash TEXT NOT NULL
    )
    """,
    *_INDEXES,
    *_ADDED_2,
    *_ADDED_3,
)


def _to_2(connection: sqlite3.Connection) -> None:
    """Versions learn their branch and log entry; aliases, artifacts and proposals get tables."""
    connection.execute("ALTER TABLE versions RENAME TO versions_1")
    connection.execute(_VERSIONS)
    connection.execute(
        """
        INSERT INTO versions SELECT kind, name, number, version, digest, parents, state, model, "commit",
            (SELECT json_extract(body, '$.branch') FROM log WHERE id = "commit" AND event <> 'reject'),
            (SELECT seq FROM log WHERE id = "commit" AND event <> 'reject')
        FROM versions_1
        """
    )
    connection.execute("DROP TABLE versions_1")
    for index in ("ix_log_id", "ix_log_run", "ix_journal_run"):
        connection.execute(f"DROP INDEX {index}")
    for index in _INDEXES:
        connection.execute(index)
    for statement in _ADDED_2:
        connection.execute(statement)
    _log_states(connection)


def _to_3(connection: sqlite3.Connection) -> None:
    """Runs get a fence and lineages a ledger; no run could go on from the journal, which is now a file of its own."""
    connection.execute("DROP TABLE journal")
    for statement in _ADDED_3:
        connection.execute(statement)


def _log_states(connection: sqlite3.Connection) -> None:
    """States moved without a log entry before schema 2; the audit wants one for each."""
    from autogenesis_core.identity import canonical, digest
    from autogenesis_core.rspl.audit import chain

    query = "SELECT kind || '/' || name, version, state FROM versions WHERE state <> 'active'"
    for name, version, state in connection.execute(query).fetchall():
        body = {"resource": name, "version": version, "from": "active", "to": state, "author": "schema 2"}
        seq, now, before = connection.execute("SELECT seq, time, hash FROM log ORDER BY seq DESC LIMIT 1").fetchone()
        id_, text = digest(body)[:10], canonical(body)
        row = (seq + 1, now, "mark", id_, "", text, chain(before, now, "mark", id_, "", text))
        connection.execute("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?)", row)


_MIGRATIONS: dict[int, Callable[[sqlite3.Connection], None]] = {1: _to_2, 2: _to_3}


def connect(path: Path) -> sqlite3.Connection:
    """A connection without implicit transactions: they are begun explicitly, so that no writer upgrades a read lock."""
    return sqlite3.connect(path, isolation_level=None, timeout=30.0, check_same_thread=False)


def connect_readonly(path: Path) -> tuple[sqlite3.Connection, bool]:
    """A connection that cannot write, and whether it sees the file only as it is now.

    It does where nobody has the store open and we may not write it: then no WAL may be made beside it, which its owner
    could not write either.
    """
    address = path.resolve().as_uri()
    if may_write(path) or path.with_name(f"{path.name}-wal").exists():
        connection = sqlite3.connect(
            f"{address}?mode=ro", uri=True, isolation_level=None, timeout=30.0, check_same_thread=False
        )
        return _looked_at(connection), False
    connection = sqlite3.connect(f"{address}?immutable=1", uri=True, isolation_level=None, check_same_thread=False)
    return _looked_at(connection), True


def may_write(path: Path) -> bool:
    """Whether this process may write a store's file, and the files that a writer has beside it."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _looked_at(connection: sqlite3.Connection) -> sqlite3.Connection:
    """The connection, if it can read its file; closed if it cannot."""
    try:
        _schema(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(connection: sqlite3.Connection) -> None:
    """Makes or migrates the tables, whole or not at all, and sets what every writer needs."""
    _use_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA cache_size=-16000")
    if _schema(connection) == SCHEMA:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        _make(connection, _schema(connection))  # asked again: another may have been first
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _make(connection: sqlite3.Connection, schema: int) -> None:
    if schema == 0:
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={APPLICATION}")
    else:
        for old in range(schema, SCHEMA):
            _MIGRATIONS[old](connection)
    connection.execute(f"PRAGMA user_version={SCHEMA}")


def _schema(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _use_wal(connection: sqlite3.Connection) -> None:
    """Changing the journal's mode does not wait for other processes as everything else does, so this waits."""
    for attempt in range(500):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or attempt == 499:
                raise
            time.sleep(0.02)


def make_folder(folder: Path) -> None:
    """Makes the folder of a store; raises StoreError if it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {folder} of the store cannot be made: {error}") from None


def is_there(path: Path) -> bool:
    """Whether there is a file; raises StoreError where that cannot be seen."""
    try:
        return path.exists()
    except OSError as error:
        raise StoreError(f"the store at {path} cannot be read: {error}") from None


def is_empty(path: Path) -> bool:
    """Whether a file holds nothing, and nobody is about to write it."""
    return path.is_file() and path.stat().st_size == 0 and not path.with_name(f"{path.name}-wal").exists()


def check_pages(connection: sqlite3.Connection, path: Path) -> None:
    """Raises StoreError if a copy of the store at `path` is damaged."""
    found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    if found != "ok":
        raise StoreError(f"the store at {path} is damaged: {on_one_line(found)}", _hint("malformed"))


def check_file(path: Path) -> int:
    """Looks at a file's header without opening it as a database, which would leave files beside it.

    Returns its schema, 0 of a file that is still empty.
    """
    if path.is_dir():
        raise StoreError(f"{path} is a folder, not a store")
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise StoreError(f"the store at {path} cannot be read: {error}") from None
    if not header:
        return 0
    if not header.startswith(b"SQLite format 3\x00") or len(header) < 100:
        raise StoreError(f"{path} is not a database", "name another with workdir=")
    schema, application = int.from_bytes(header[60:64]), int.from_bytes(header[68:72])
    pages = int.from_bytes(header[28:32])
    # A writer killed while it made the store leaves a first page that says nothing yet; the rest may be in its WAL.
    if application != APPLICATION and not (application == schema == 0 and pages <= 1 and _is_ours_or_empty(path)):
        raise StoreError(f"{path} is an SQLite file, but no store of Autogenesis", "name another with workdir=")
    if schema > SCHEMA:
        raise StoreError(
            f"the store at {path} has schema {schema}; this program knows {SCHEMA}", "upgrade autogenesis-core"
        )
    return schema


def _is_ours_or_empty(path: Path) -> bool:
    """Whether a file without tables, or with a WAL beside it, is a store of ours or one about to become it."""
    if not path.with_name(f"{path.name}-wal").exists():
        return True
    with errors_of(path):
        connection = connect(path)
        try:
            ours = connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION
            return bool(ours or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0)
        finally:
            connection.close()


@contextmanager
def errors_of(path: Path) -> Iterator[None]:
    """Turns the database's errors into StoreErrors that name the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"the store at {path}: {error}", _hint(str(error))) from error
    except UnicodeEncodeError:
        raise InputError("a name or text holds what is no Unicode") from None


def _hint(said: str) -> str:
    """What helps with an error of the database; empty if nothing certainly does."""
    if "malformed" in said:
        return "put a backup in its place, and keep this file to compare"
    if "readonly" in said:
        return "file and folder may only be read here; what only looks works: list, show, log, history, audit"
    return ""
