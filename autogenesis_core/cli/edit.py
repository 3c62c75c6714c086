"""`autogenesis edit`: a resource in a person's editor. What they wrote is never lost."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from autogenesis_core.cli.arguments import Arguments
from autogenesis_core.cli.screen import say, say_commit, say_diff, say_json
from autogenesis_core.errors import AutogenesisError, Conflict, InputError

if TYPE_CHECKING:
    from autogenesis_core.registry import Record, Registry, Version

_EDITORS = ("nano", "vim", "vi")
_SHOWN = re.compile(r"\A[a-z]+/\S+@\S+  .*\n  [0-9a-f]{12} · .*\n(?:  as .*\n)?\n")


def edit_(arguments: Arguments) -> int:
    """Commits what a person makes of a resource's head, after showing what changed."""
    name = whole_resource(arguments)
    with arguments.registry() as registry:
        head = registry.find(name)
        if "@" in name:
            raise InputError("edit changes the head, not a version", f"autogenesis edit {head.id}")
        if arguments.file:
            return _commit(arguments, registry, head, given_text(arguments.file))
        before = registry.text(head.id)
        with _kept(head.id, before, ".json" if _is_json(before) else ".md") as path:
            return _edited(arguments, registry, head, path)


def _edited(arguments: Arguments, registry: "Registry", head: "Version", path: Path) -> int:
    while True:
        _open_editor(path)
        try:
            return _commit(arguments, registry, head, given_text(str(path)))
        except InputError as error:
            if not _asks(arguments):
                raise
            say(f"  {error}", error=True)
            if not _agreed("edit again?", default=True):
                raise


def _commit(arguments: Arguments, registry: "Registry", head: "Version", text: str) -> int:
    from autogenesis_core.registry import difference, render

    made: Record = registry.edited(head.id, text)[0]
    found = difference(registry.record(str(head)), made)
    if not found:
        if arguments.json:
            return say_json({"commit": "", "versions": {}})
        say("  nothing changed")
        return 0
    if not arguments.json:
        say_diff(render(found, words=False))
    if _asks(arguments) and not _agreed(f"commit this to {head.id}?", default=False):
        raise AutogenesisError("nothing was committed")
    if registry.find(head.id).version != head.version:
        raise Conflict(f"{head.id} moved from {head.version} in the meantime", f"autogenesis diff {head}")
    return say_commit(arguments.json, *registry.update(head.id, text, expected=head.version))


@contextmanager
def _kept(id_: str, text: str, suffix: str) -> Iterator[Path]:
    """A file to edit. It is removed once what it says is committed, or if it says nothing new, and is kept else."""
    folder = Path(tempfile.mkdtemp(prefix="autogenesis-"))
    path = folder / f"{id_.replace('/', '-')}{suffix}"
    path.write_text(text, encoding="utf-8")
    try:
        yield path
    except BaseException:
        if path.exists() and path.read_bytes() != text.encode():
            say(f"  what you wrote is kept: {path}", error=True)
            say(f"  commit it later: autogenesis edit {id_} --file {shlex.quote(str(path))}", error=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _open_editor(path: Path) -> None:
    words = _editor()
    try:
        code = subprocess.run([*words, str(path)], check=False).returncode  # noqa: S603  # the person's own editor
    except OSError as error:
        raise InputError(f"the editor '{words[0]}' cannot be started: {error}", "EDITOR=nano, or --file PATH") from None
    if code:
        raise AutogenesisError(f"the editor '{words[0]}' ended with {code}; nothing was committed")


def _editor() -> list[str]:
    for variable in ("VISUAL", "EDITOR"):
        try:
            if words := shlex.split(os.environ.get(variable, "")):
                return words
        except ValueError as error:
            raise InputError(f"{variable} cannot be read: {error}", f"{variable}=nano") from None
    for name in _EDITORS:
        if found := shutil.which(name):
            return [found]
    raise InputError("no editor is set", "EDITOR=nano, or --file PATH")


def given_text(path: str) -> str:
    """What a file holds, or standard input where the path is `-`, without what `show` says above; raises InputError."""
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None
    return _SHOWN.sub("", text)


def whole_resource(arguments: Arguments) -> str:
    """The name that was given; raises InputError for that of a variable: a resource is edited as a whole."""
    name, _, path = arguments.word().partition("#")
    if path:
        verb = arguments.verb
        raise InputError(
            f"{verb} takes a whole resource, not #{path} alone", f"autogenesis {verb} {name} --file new.md"
        )
    return name


def _asks(arguments: Arguments) -> bool:
    """Whether there is somebody to ask."""
    there = sys.stdin.isatty() and sys.stdout.isatty() and arguments.file != "-"
    return there and not arguments.json and "--yes" not in arguments.flags


def _agreed(question: str, *, default: bool) -> bool:
    try:
        answer = input(f"  {question} [{'Y/n' if default else 'y/N'}] ").strip().lower()
    except EOFError:
        return False
    return answer in ("y", "yes") if answer else default


def _is_json(text: str) -> bool:
    return text.startswith("{")
