"""What was typed: a verb, settings, flags, a task."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from autogenesis_core.errors import InputError, did_you_mean

_OVERRIDE = re.compile(r"[+~]*[A-Za-z_][\w./]*=.*|~[A-Za-z_][\w./]*", re.DOTALL)


class Verb(NamedTuple):
    """A verb: its module below `autogenesis_core.cli`, what it takes, what it does."""

    module: str
    usage: str
    summary: str


VERBS = {
    "plugins": Verb("plugins", "[KIND | KIND=NAME]", "what is installed, or one option's settings"),
    "list": Verb("resources", "[KIND]", "the resources in the store and where they stand"),
    "show": Verb("resources", "RESOURCE[@VERSION]", "one version of a resource"),
    "history": Verb("resources", "RESOURCE", "its versions, and why each came"),
    "diff": Verb("resources", "RESOURCE@OLD [RESOURCE@NEW]", "what changed between two versions"),
    "restore": Verb("resources", "RESOURCE@VERSION", "an old version again, as a new one"),
    "rollback": Verb("resources", "COMMIT | RUN | RESOURCE@VERSION", "undoes a commit, or all commits of a run"),
    "log": Verb("resources", "[RUN | COMMIT]", "what was decided, and why"),
    "runs": Verb("resources", "", "the runs in this store"),
    "doctor": Verb("doctor", "", "is everything there? Python, plugins, keys, store"),
    "new": Verb("new", "KIND NAME [FOLDER]", "a plugin of your own that passes its contract"),
}
_FLAGS = ("--json", "--help", "--version", "--check")


class Arguments(NamedTuple):
    """The command line, taken apart.

    Arguments:
        words: what follows a verb, without settings
        overrides: settings such as `agent=tool_calling`
        task: free text; it never passes through the configuration
    """

    verb: str
    words: tuple[str, ...]
    overrides: tuple[str, ...]
    flags: frozenset[str]
    task: str

    @property
    def json(self) -> bool:
        """Whether one JSON object is wanted."""
        return "--json" in self.flags

    def settings(self) -> dict[str, str]:
        """The settings of a verb that composes nothing: only workdir= and branch= mean something there."""
        found = dict(override.split("=", 1) for override in self.overrides if "=" in override)
        if extra := found.keys() - {"workdir", "branch"}:
            raise InputError(f"'{sorted(extra)[0]}' means nothing here", f"{self.verb} takes workdir= and branch=")
        return found


def split(argv: Sequence[str]) -> Arguments:
    """What `argv` says; raises InputError for flags that nobody knows and for text beside a task file."""
    words: list[str] = []
    overrides: list[str] = []
    flags: set[str] = set()
    task = ""
    rest = list(argv)
    verb = rest.pop(0) if rest and rest[0] in VERBS else ""
    while rest:
        word = rest.pop(0)
        if word == "--":
            words += rest
            break
        if word == "--task-file":
            task = _read(rest.pop(0) if rest else "")
        elif word == "-" and not verb:
            task = sys.stdin.read()
        elif word in ("-h", *_FLAGS):
            flags.add("--help" if word == "-h" else word)
        elif word.startswith("--"):
            raise _unknown_flag(word)
        elif _OVERRIDE.fullmatch(word) and not (verb == "plugins" and not words):
            overrides.append(word)
        else:
            words.append(word)
    if "--check" in flags and verb != "plugins":
        raise InputError("--check means nothing here", "autogenesis plugins --check imports every plugin")
    if not verb and words:
        if task:
            raise InputError("a task is given twice", "as text, or with --task-file, or on standard input as -")
        task = _task(words, overrides, "--" in argv)
    return Arguments(verb, tuple(words), tuple(overrides), frozenset(flags), task)


def _task(words: list[str], overrides: list[str], marked: bool) -> str:
    word = words[0]
    near = did_you_mean(word, VERBS) if len(words) <= 2 and not marked and not overrides else None
    if near:
        raise InputError(
            f"no verb '{word}'; did you mean autogenesis {near}?",
            f"a task of one word: autogenesis -- {word}",
        )
    return " ".join(words)


def _unknown_flag(word: str) -> InputError:
    near = did_you_mean(word, ("--task-file", *_FLAGS))
    return InputError(
        f"no flag '{word}'" + (f"; did you mean {near}?" if near else ""),
        "text that begins with -- goes after --",
    )


def _read(path: str) -> str:
    if not path:
        raise InputError("--task-file needs a path")
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the task file cannot be read: {error}") from None
