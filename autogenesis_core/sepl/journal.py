"""The journal of a run: a file of decisions before they act and of results on arrival, from which a run goes on.

A line is a checksum and a JSON array [event, key, body, time]; an event and its key occur once. A line is with the
operating system as soon as it is written, so that it outlives a killed process, and on the disk with its group: one
fsync for many results, one before each decision acts. A run that goes on executes all its decisions again and is told
from here what was paid for already.
"""

import json
import os
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from attrs import define, field

from autogenesis_core.errors import BudgetExceeded, InputError, StoreError
from autogenesis_core.identity import JSON, plain
from autogenesis_core.services.lines import line_encoder
from autogenesis_core.services.secrets import encoded, redact

NAME = "journal.jsonl"
_GROUP = 256  # lines with one fsync: a power loss costs at most so many

_encode = line_encoder((",", ":"))
_fsync = getattr(os, "fdatasync", os.fsync)  # the size that is needed to read the file is written by both

Body = Any  # JSON data, which is validated where it is read


@define(eq=False)
class Journal:
    """Writes one run's journal, and knows what is in it. Use `Journal.open`; without a path it remembers only.

    Arguments:
        replay: nothing is written; what is not in the journal is an error
        ends: why the run may have come to its end here, in a replay of one that was broken off
        lost: what was paid for and came to nothing, as (event, body)
        until: when an earlier process wrote its last line, in seconds since the epoch
    """

    path: Path | None = None
    replay: bool = False
    ends: str = ""
    lost: list[tuple[str, Body]] = field(factory=list)
    until: float = 0.0
    _known: dict[str, dict[str, Body]] = field(factory=dict)
    _file: int | None = None
    _size: int = 0  # bytes of it that this process has read or written
    _unsynced: int = 0
    _fault: str = ""

    @classmethod
    def open(cls, path: Path, *, replay: bool = False) -> Self:
        """The journal at `path`, made if it is not there; a line that was cut off at the end is dropped.

        Raises InputError while another process writes it, StoreError for one that is damaged or cannot be written.
        """
        journal = cls(path, replay)
        try:
            if not replay:
                journal._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
                _lock(journal._file, path)
            whole = journal._read(path.read_bytes())
            if journal._file is not None:
                os.ftruncate(journal._file, whole)
                journal._size = whole
        except OSError as error:
            journal.close()
            raise StoreError(f"the journal {path} cannot be opened: {error}") from None
        except BaseException:
            journal.close()
            raise
        return journal

    def recall(self, event: str, key: str) -> Body | None:
        """What the journal holds for an event and its key; None if that has not happened yet."""
        return self._known.get(event, {}).get(key)

    def all(self, event: str) -> Iterator[tuple[str, Body]]:
        """Everything of one event, in the order in which it happened: (key, body)."""
        yield from self._known.get(event, {}).items()

    def keep(self, event: str, key: str, body: JSON) -> None:
        """Writes a result on its arrival; who made it remembers it, so this does not."""
        self.check_writable(event, key)
        self._write(event, key, body)

    def decide(self, event: str, key: str, body: JSON, *, acts: bool = True) -> None:
        """Writes a decision before it acts; what the journal holds already must be the same decision.

        One that `acts` on the world outside the run is on the disk before this returns.

        Raises InputError if it is another, so that a run never goes on as if it were itself.
        """
        known = self.recall(event, key)
        if known is None:
            self._remember(event, key, plain(body))
            if acts:
                self.sync()
        elif known not in (plain(body), plain(redact(body))):
            raise InputError(
                f"this run does not repeat: its {event} {key} was decided otherwise",
                "an optimizer or gate of it is not a function of what it is given, or its code has changed",
            )

    def once(self, event: str, key: str, make: Callable[[], JSON]) -> Body:
        """What was found out at the first time; `make` is asked only then."""
        known = self.recall(event, key)
        if known is None:
            self.check_writable(event, key)
            known = plain(make())
            self._remember(event, key, known)
        return known

    def _remember(self, event: str, key: str, body: Body) -> None:
        self.keep(event, key, body)
        self._known.setdefault(event, {})[key] = body

    def check_writable(self, event: str, key: str) -> None:
        """Raises InputError in a replay, which only repeats what happened; BudgetExceeded where the run broke off."""
        if self.replay and self.ends:
            raise BudgetExceeded(self.ends)
        if self.replay:
            raise InputError(
                f"this run made no {event} {key}, and now it would", "its code or its configuration changed"
            )

    def forget(self, event: str, key: str) -> None:
        """Leaves a key of an event, and those that begin with it and a space, out of what is known."""
        _drop(self._known.get(event, {}), key)
        self._write("forget", event, key)
        self.sync()

    def lose(self, event: str, body: JSON) -> None:
        """Writes what was used in vain, if it still can; the error that ended it matters more."""
        if self._file is not None and not self._fault:
            with suppress(StoreError):
                self._write("lost", event, body)

    def sync(self) -> None:
        """What was written is on the disk."""
        if self._unsynced and self._file is not None:
            try:
                _fsync(self._file)
            except OSError as error:
                raise self._failed(error) from None
            self._unsynced = 0

    def close(self) -> None:
        """Writes what is left, and lets others write."""
        if self._file is not None:
            try:
                if not self._fault:
                    self.sync()
            finally:
                os.close(self._file)
                self._file = None

    def _write(self, event: str, key: str, body: JSON) -> None:
        if self._file is None:
            return
        if self._fault:
            raise StoreError(self._fault)
        # Escaped throughout: what models and tools answer may hold what is no Unicode.
        line = encoded([event, key, body, round(time.time(), 3)], _encode).encode()
        data = b"%08x %b\n" % (zlib.crc32(line), line)
        try:
            if os.fstat(self._file).st_size != self._size:  # where no lock reaches: Windows, some shared folders
                raise OSError("another process has taken over the run")
            if os.write(self._file, data) != len(data):
                raise OSError("the disk is full")
            self._size += len(data)
        except OSError as error:
            raise self._failed(error) from None
        self._unsynced += 1
        if self._unsynced >= _GROUP:
            self.sync()

    def _failed(self, error: OSError) -> StoreError:
        """The system's error as ours; after one nothing more is written behind a torn line."""
        self._fault = f"the journal {self.path} cannot be written: {error}"
        return StoreError(self._fault, "what it holds stays; mend it, then: autogenesis resume RUN")

    def _read(self, data: bytes) -> int:
        """Takes in all lines; returns how many bytes of them are whole."""
        at = 0
        lines = data.split(b"\n")
        for number, line in enumerate(lines[:-1], 1):
            found = _parsed(line)
            if found is None:
                if number < len(lines) - 1 or self.replay:
                    raise StoreError(f"{self.path}, line {number}, is damaged", "the run cannot go on from it")
                break
            event, key, body, self.until = found
            if event == "forget":
                self.lost += [(key, dropped) for dropped in _drop(self._known.get(key, {}), str(body))]
            elif event == "lost":
                self.lost.append((key, body))
            else:
                self._known.setdefault(event, {})[key] = body
            at += len(line) + 1
        return at


def _drop(known: dict[str, Body], key: str) -> list[Body]:
    """Leaves a key, and those that begin with it and a space, out of what is known; what was known of them."""
    return [known.pop(old) for old in list(known) if old == key or old.startswith(f"{key} ")]


def _parsed(line: bytes) -> tuple[str, str, Body, float] | None:
    checksum, _, text = line.partition(b" ")
    try:
        if int(checksum, 16) != zlib.crc32(text):
            return None
        event, key, body, at = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    return (event, key, body, at) if isinstance(event, str) and isinstance(key, str) else None


def _lock(file: int, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: the store's fence alone keeps a second writer out
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(f"the run {path.parent.name} is going on in another process") from None
