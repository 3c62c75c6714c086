"""The database of a store: its tables, and how its file is looked at and opened."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from autogenesis_core.errors import StoreError

SCHEMA = 1
APPLICATION = 0x41475350  # "AGSP": tells our files from other SQLite files

tables = sa.MetaData()
records = sa.Table(
    "records", tables,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)  # fmt: skip
versions = sa.Table(
    "versions", tables,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, sa.ForeignKey("records.digest"), nullable=False),
    sa.Column("parents", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("commit", sa.Text, nullable=False),
    sa.UniqueConstraint("kind", "name", "version"),
)  # fmt: skip
heads = sa.Table(
    "heads", tables,
    sa.Column("branch", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, nullable=False),
)  # fmt: skip
log = sa.Table(
    "log", tables,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("time", sa.Float, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("id", sa.Text, nullable=False, index=True),
    sa.Column("run", sa.Text, nullable=False, index=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)  # fmt: skip
journal = sa.Table(
    "journal", tables,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("run", sa.Text, nullable=False, index=True),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)  # fmt: skip


def connect(path: Path) -> sqlite3.Connection:
    """A connection without implicit transactions: they are begun explicitly, so that no writer upgrades a read lock."""
    return sqlite3.connect(path, isolation_level=None, timeout=30.0, check_same_thread=False)


def use_wal(connection: sa.Connection) -> None:
    """Changing the journal's mode does not wait for other processes as everything else does, so this waits."""
    for attempt in range(500):
        try:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            return
        except sa.exc.OperationalError as error:
            if "locked" not in str(error) or attempt == 499:
                raise
            time.sleep(0.02)


def make_folder(folder: Path) -> None:
    """Makes the folder of a store; raises StoreError if it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {folder} of the store cannot be made: {error}") from None


def check_file(path: Path) -> None:
    """Looks at a file's header without opening it as a database, which would leave files beside it."""
    if path.is_dir():
        raise StoreError(f"{path} is a folder, not a store")
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise StoreError(f"the store at {path} cannot be read: {error}") from None
    if not header:
        return
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
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        cause = getattr(error, "orig", None) or error
        raise StoreError(f"the store at {path}: {cause}") from error
