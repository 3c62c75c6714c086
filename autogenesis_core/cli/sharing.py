"""Verbs that share: export, import, push, pull, freeze."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from autogenesis_core.cli.arguments import Arguments
from autogenesis_core.cli.resources import KINDS
from autogenesis_core.cli.screen import counted, say, say_hint, say_json
from autogenesis_core.errors import InputError

if TYPE_CHECKING:
    from autogenesis_core.registry import Registry
    from autogenesis_core.sharing import Imported

_SHOWN = 4  # versions of a resource that are named one by one


def export_(arguments: Arguments) -> int:
    """Resources as JSON on standard output or in a file, or as a folder of files that people review."""
    from autogenesis_core.sharing import write

    to = arguments.settings().get("to")
    if to == "":
        raise InputError("to= names no place", "to=evolved.json, or to=evolved/")
    if "--force" in arguments.flags and not to:
        raise InputError("--force means nothing without to=", arguments.usage)
    with arguments.registry() as registry:
        document = registry.export(arguments.words, history="--head" not in arguments.flags)
        branch = registry.branch
    if not to:
        return _pour(document.to_json())
    write(document, Path(to), branch=branch, force="--force" in arguments.flags)
    counts = {
        "resources": len(document.resources),
        "versions": sum(len(r.versions) for r in document.resources.values()),
    }
    if arguments.json:
        return say_json({"to": to, **counts})
    say(f"  {to}: {counted(counts['resources'], 'resource')}, {counted(counts['versions'], 'version')}")
    return say_hint(to, f"autogenesis import {to}   in another project")


def import_(arguments: Arguments) -> int:
    """Brings in what was exported, a skill's folder or a prompt file; with --dry-run, into a copy that is dropped."""
    from autogenesis_core.sharing import read

    path = Path(arguments.word())
    if not path.exists():
        raise InputError(f"there is no file or folder {path}", arguments.usage)
    dry, store = "--dry-run" in arguments.flags, _store(arguments)
    if dry or not store.exists():  # where there is no store, none is made for what cannot be read
        with (
            TemporaryDirectory(prefix="autogenesis-") as folder,
            _rehearsal(arguments, store, Path(folder)) as registry,
        ):
            done = registry.import_(*read(registry, path), source=str(path))
    if dry:
        return _say_imported(arguments, done, "would be ")
    with arguments.registry(create=True) as registry:
        done = registry.import_(*read(registry, path), source=str(path))
    return _say_imported(arguments, done)


def push_(arguments: Arguments) -> int:
    """Brings resources with their history from this store into another."""
    from autogenesis_core.sharing import open_other

    place, names = _other(arguments)
    with arguments.registry() as here:
        document = here.export(names)
        with open_other(place, create=True) as there:
            _different(here, there)
            done = there.import_(document, source=str(here.store.path))
    return _say_imported(arguments, done)


def pull_(arguments: Arguments) -> int:
    """Brings resources with their history from another store into this one."""
    from autogenesis_core.sharing import open_other

    place, names = _other(arguments)
    with open_other(place) as there:
        document = there.export(names)
        with arguments.registry(create=True) as here:
            _different(here, there)
            done = here.import_(document, source=str(there.store.path))
    return _say_imported(arguments, done)


def freeze_(arguments: Arguments) -> int:
    """A composed system as a lock file, on standard output."""
    if arguments.words:
        raise InputError(f"'{arguments.words[0]}' is no setting", "autogenesis freeze +agent=tool_calling > FILE")
    return _pour(asyncio.run(_lock(arguments.overrides)))


async def _lock(overrides: Sequence[str]) -> str:
    from autogenesis_core.runtime import Runtime

    runtime = Runtime.compose(*overrides)
    runtime.check()  # what could not run is not worth keeping
    async with runtime as ag:
        for note in ag.notes:
            say(f"  note: {note}", error=True)
        return ag.freeze()


def _store(arguments: Arguments) -> Path:
    from autogenesis_core.defaults import find_workdir

    return find_workdir(Path.cwd(), arguments.settings().get("workdir")) / "autogenesis.db"


def _rehearsal(arguments: Arguments, store: Path, folder: Path) -> "Registry":
    """A registry of a copy of the store, or of an empty one where there is none."""
    from autogenesis_core.registry import Registry

    branch = arguments.settings().get("branch")
    if store.exists():
        with arguments.registry() as registry:
            registry.backup(folder / store.name)
            branch = registry.branch
    return Registry.open(str(folder), branch, create=True)


def _other(arguments: Arguments) -> tuple[Path, tuple[str, ...]]:
    if not arguments.words:
        raise InputError(f"{arguments.verb} takes the folder of another store", arguments.usage)
    if "/" in (word := arguments.words[0]) and not Path(word).exists() and word.partition("/")[0] in KINDS:
        raise InputError(f"{word} comes second, after the other store's folder", arguments.usage)
    return Path(word), arguments.words[1:]


def _different(here: "Registry", there: "Registry") -> None:
    if here.store.path.resolve() == there.store.path.resolve():
        raise InputError(f"{there.store.path} is this store itself", "name another one's folder")


def _say_imported(arguments: Arguments, done: "Imported", would: str = "") -> int:
    if arguments.json:
        from attrs import asdict

        return say_json(asdict(done))
    for id_, versions in done.added.items():
        named = ", ".join(versions) if len(versions) <= _SHOWN else f"{versions[0]} … {versions[-1]}"
        say(f"  {would}added      {id_}   {counted(len(versions), 'version')}: {named}")
    for old, new in done.renumbered.items():
        say(f"  {would}renumbered {old} → {new}")
    for branch, heads in done.moved.items():
        for id_, version in heads.items():
            say(f"  {would}moved      {id_} on {branch} → {version}")
    for id_, version in done.edited.items():
        say(f"  {would}committed  {id_}@{version}, as it was edited")
    for line in done.kept:
        say(f"  kept       {line}")
    for name, secrets in done.asks.items():
        say(f"  asks       {name} asks for {', '.join(secrets)} of your environment")
    if not (done.added or done.moved or done.edited or done.kept):
        say("  nothing new: all of it is here")
        return 0
    ids = [*done.added, *done.edited]
    return say_hint(True, f"autogenesis history {ids[0]}" if ids else "autogenesis list")


def _pour(text: str) -> int:
    """Writes text that a program reads, byte for byte; only on a terminal are its control characters made visible."""
    if sys.stdout.isatty():
        say(text.removesuffix("\n"))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
    return 0
