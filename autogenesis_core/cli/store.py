"""Verbs on the store as a whole: audit, backup, gc."""

from pathlib import Path

from autogenesis_core.cli.arguments import Arguments
from autogenesis_core.cli.screen import counted, say, say_hint, say_json
from autogenesis_core.errors import InputError


def audit_(arguments: Arguments) -> int:
    """Verifies the log's chain and everything against it; exit code 1 and what to do if something is wrong."""
    _no_words(arguments)
    with arguments.registry() as registry:
        problem = registry.audit()
        last = registry.log(limit=1)
        entries = last[-1].seq if last else 0
        versions = sum(registry.history(name, limit=1)[0][0].number + 1 for name in registry.store.resources())
        path = registry.store.path
    code = 0 if problem is None else 1
    if arguments.json:
        say_json({"store": str(path), "whole": not code, "problem": problem, "entries": entries, "versions": versions})
        return code
    if problem is not None:
        say(f"  {path}\n  broken: {problem}")
        say("\n  it was changed from outside, or damaged; put a backup in its place, and keep this file to compare")
        return code
    say(f"  {path}\n  whole: {entries:,} log entries and {versions:,} versions, each as it was written")
    return say_hint(path, "autogenesis backup FILE")


def backup_(arguments: Arguments) -> int:
    """A copy of the whole store in a new file."""
    path = Path(arguments.word())
    with arguments.registry() as registry:
        registry.backup(path)
    if arguments.json:
        return say_json({"file": str(path), "bytes": path.stat().st_size})
    say(f"  {path}: {path.stat().st_size:,} bytes")
    return say_hint(path, "to use it, put it in the place of the store's workdir/autogenesis.db")


def gc_(arguments: Arguments) -> int:
    """Removes what nothing refers to."""
    _no_words(arguments)
    dry = "--dry-run" in arguments.flags
    with arguments.registry() as registry:
        before = _size(registry.store.path)
        found = registry.gc(dry_run=dry)
        after = _size(registry.store.path)
    if arguments.json:
        counts = {"records": found.records, "artifacts": found.artifacts, "journals": found.journals}
        return say_json({**counts, "removed": not dry, "bytes": before - after})
    things = [counted(found.records, "record"), counted(found.artifacts, "artifact")]
    count = f"{', '.join(things)}, {counted(found.journals, 'journal')} of ended runs"
    say(f"  {'would remove' if dry else 'removed'} {count}" + ("" if dry else f": {before - after:,} bytes"))
    return say_hint(dry, "autogenesis gc") if dry else 0


def _size(path: Path) -> int:
    """Bytes of a store's file and of the journals of its runs."""
    return sum(file.stat().st_size for file in (path, *path.parent.glob("runs/*/journal.jsonl")))


def _no_words(arguments: Arguments) -> None:
    if arguments.words:
        raise InputError(f"{arguments.verb} takes no name", arguments.usage)
