"""Use from outside: one resource of a store, read only, in any Python service.

Imports neither Hydra nor a plugin. What was loaded is kept until the store changes, so that a service may load at
every request: `load` looks whether somebody committed, which costs microseconds.
"""

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from attrs import define, field, frozen

from autogenesis_core.defaults import find_workdir
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
    file: tuple[int, int]
    process: int
    changes: tuple[int, int]
    loaded: dict[tuple[str, str], Loaded] = field(factory=dict)


_open: dict[Path, _Open] = {}
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


@lru_cache(maxsize=64)
def _path(workdir: str | None, folder: str) -> Path:
    return find_workdir(Path(folder), workdir) / "autogenesis.db"


def _current(path: Path) -> _Open:
    """The open store, opened again after a fork or if another file took its place; emptied if it changed."""
    known = _open.get(path)
    file = _identity(path)
    if known is not None and known.file == file and known.process == os.getpid():
        changes = known.reader.change_count
        if changes != known.changes:
            known.changes = changes
            known.loaded.clear()
        return known
    if known is not None and known.process == os.getpid():
        known.reader.close()  # one that a fork brought is the parent's to close
    _open.pop(path, None)
    reader = Reader.open(path)
    _open[path] = _Open(reader, file, os.getpid(), reader.change_count)
    return _open[path]


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except OSError:
        _path.cache_clear()  # the store that is nearest may be another one by now
        return 0, 0
    return found.st_dev, found.st_ino
