"""Use from outside: one resource of a store, read only, in any Python service.

Imports neither Hydra nor a plugin. What was loaded is kept until the store changes, so that a service may load at
every request: `load` looks whether somebody committed, which costs microseconds.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from attrs import define, field, frozen

from autogenesis_core.errors import InputError, unknown
from autogenesis_core.identity import JSON
from autogenesis_core.rspl.prompt import Prompt
from autogenesis_core.rspl.reader import Reader, Version
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.reference import Reference


@frozen
class Loaded:
    """One version of a resource, as it was when it was loaded."""

    version: Version
    record: Record

    @property
    def values(self) -> Mapping[str, JSON]:
        """The variables by path: a prompt's sections, a tool's or agent's parameters."""
        return self.record.values()

    def render(self, /, **inputs: Any) -> list[dict[str, str]]:
        """A prompt's messages in OpenAI's chat shape; `inputs` fill its placeholders.

        Raises InputError for another kind, TemplateError if an input is missing.
        """
        if self.record.kind != "prompt":
            raise InputError(f"{self.version.id} is no prompt and renders nothing", "its .values are what it holds")
        return Prompt(self.record).render(**inputs)

    def __str__(self) -> str:
        return str(self.version)


@define
class _Open:
    """A store that stays open for this process, and what was loaded from it since it last changed."""

    reader: Reader
    file: tuple[int, ...]
    changes: tuple[int, int]
    loaded: dict[tuple[str, str], Loaded] = field(factory=dict)


_open: dict[str, _Open] = {}
_inherited: list[_Open] = []  # a parent's, after a fork: never closed here
_lock = Lock()
_KEPT = 1024  # loaded resources of one store


def load(name: str, *, workdir: str | Path | None = None, branch: str | None = None) -> Loaded:
    """One version of a resource: `prompt/x`, `prompt/x@champion`, `prompt/x@1.0.3`, `prompt/x@production`.

    ::

        messages = load("prompt/support@champion").render(customer="Ada")

    Arguments:
        workdir: the folder of the store; the nearest `workdir` upwards from the current folder if not given
        branch: what `champion` is the head of; `main`, or `demo` in a store that has only that

    Never writes. Safe in threads and after a fork. Raises InputError if there is no store or `name` names nothing
    that can be, UnknownName with the nearest name, StoreError for a file that is no store.
    """
    path = _path(os.fspath(workdir) if workdir else None, os.getcwd())
    with _lock:
        store = _current(path)
        key = (name, branch or "")
        if key not in store.loaded:
            if len(store.loaded) >= _KEPT:
                store.loaded.clear()
            store.loaded[key] = _find(store.reader, name, branch)
        return store.loaded[key]


def default_branch(reader: Reader, branch: str | None) -> str:
    """`branch` if the store has it, else `main`, or `demo` in a store that has only that; raises UnknownName."""
    branches = reader.branches()
    if branch and branch not in branches:
        raise unknown("branch", branch, branches)
    return branch or ("demo" if "demo" in branches and "main" not in branches else "main")


def _find(reader: Reader, name: str, branch: str | None) -> Loaded:
    version = reader.find(Reference.parse(name), default_branch(reader, branch))
    return Loaded(version, reader.record(version.digest))


def _path(workdir: str | None, folder: str) -> str:
    """The file of the store, found as `find_workdir` finds it but looked for at each load, so in microseconds.

    Links are not followed here: one that is set to another store is noticed by the file that it leads to.
    """
    if workdir is not None:
        return os.path.abspath(os.path.join(folder, os.path.expanduser(workdir), "autogenesis.db"))
    place = folder
    while not os.path.isfile(found := os.path.join(place, "workdir", "autogenesis.db")):
        if place == os.path.dirname(place):
            return os.path.join(folder, "workdir", "autogenesis.db")
        place = os.path.dirname(place)
    return found


def _current(path: str) -> _Open:
    """The open store, opened again if another file took its place; emptied if it changed."""
    known = _open.get(path)
    if known is not None and known.file == _identity(path, known.reader.immutable):
        changes = known.reader.change_count
        if changes != known.changes:
            known.changes = changes
            known.loaded.clear()
        return known
    if known is not None:
        known.reader.close()
        del _open[path]
    reader = Reader.open(Path(path))
    _open[path] = _Open(reader, _identity(path, reader.immutable), reader.change_count)
    return _open[path]


def _identity(path: str, immutable: bool) -> tuple[int, ...]:
    """Which file it is; of one that is read as it was, also when it changed and whether somebody has it open."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    if not immutable:
        return found.st_dev, found.st_ino
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size, os.path.exists(f"{path}-wal")


def _after_fork() -> None:
    """SQLite's connections may not be used on in a child."""
    global _lock
    _lock = Lock()
    _inherited.extend(_open.values())
    _open.clear()


if hasattr(os, "register_at_fork"):  # not on Windows
    # No thread may be within SQLite while another forks: the child would wait for SQLite's own locks for ever.
    os.register_at_fork(
        before=lambda: _lock.acquire(), after_in_parent=lambda: _lock.release(), after_in_child=_after_fork
    )
