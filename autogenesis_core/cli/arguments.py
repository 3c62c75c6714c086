"""What was typed: a verb, settings, flags, a task."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from autogenesis_core.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from autogenesis_core.registry import Registry

_OVERRIDE = re.compile(r"[+~]*[A-Za-z_][\w./]*=.*|~[A-Za-z_][\w./]*", re.DOTALL)


class Verb(NamedTuple):
    """A verb: its module below `autogenesis_core.cli`, what it takes, what it does, settings besides the store's."""

    module: str
    usage: str
    summary: str
    settings: tuple[str, ...] = ()


LOOK = {
    "list": Verb("resources", "[KIND]", "the resources in the store and where they stand"),
    "show": Verb("resources", "RESOURCE[@VERSION] [at=TIME]", "one version of a resource, or of a time", ("at",)),
    "history": Verb("history", "RESOURCE [limit=N]", "its versions as a graph, and why each came", ("limit",)),
    "diff": Verb("history", "RESOURCE@OLD [RESOURCE@NEW] [--words]", "what changed between two versions"),
    "blame": Verb("history", "RESOURCE[@VERSION][#SECTION]", "which version wrote each line, and on what evidence"),
    "log": Verb("log", "[RUN | COMMIT | RESOURCE] [limit=N]", "what was decided, and why", ("limit",)),
    "runs": Verb("log", "", "the runs in this store"),
    "proposals": Verb("log", "[STATE]", "what agents proposed while they ran"),
    "retrieve": Verb("resources", "QUERY… [k=4] [kind=KIND]", "the resources that fit a query best", ("k", "kind")),
    "contract": Verb("resources", "[KIND | RESOURCE …] [to=FILE] [--force]", "what resources can do", ("to",)),
    "run": Verb("call", "RESOURCE [JSON] [+KIND=NAME …]", "runs a tool, prompt, memory or environment on an input"),
}  # fmt: skip
EVOLVE = {
    "measure": Verb("run", "+KIND=NAME … [--baseline NAME]", "scores; worse than the baseline for sure is exit code 1"),
    "propose": Verb(
        "propose", "RESOURCE --file PATH [reason=TEXT] [with=PROPOSAL]", "your own edit, for the gates to judge",
        ("reason", "with"),
    ),
    "assess": Verb("propose", "[PROPOSAL …] +KIND=NAME …", "holds open proposals against the gates, commits nothing"),
    "commit": Verb("propose", "[PROPOSAL …] +KIND=NAME …", "the same, and commits what passes"),
    "resume": Verb("rerun", "RUN [KEY=VALUE …]", "goes on with a run; what was paid for is not paid for again"),
    "replay": Verb("rerun", "RUN", "decides everything again from what a run recorded, without a call"),
    "verify": Verb("rerun", "RUN [--fresh] [KEY=VALUE …]", "scores a run's claim again: does it stand?"),
}  # fmt: skip
CHANGE = {
    "edit": Verb("edit", "RESOURCE [--file PATH] [--yes]", "changes a resource in your editor, or to what a file says"),
    "restore": Verb("changes", "RESOURCE@VERSION", "an old version again, as a new one"),
    "rollback": Verb("changes", "COMMIT | RUN | RESOURCE@VERSION", "undoes a commit, or all commits of a run"),
    "copy": Verb("changes", "RESOURCE[@VERSION] NAME", "a resource of its own with the same content"),
    "alias": Verb("changes", "RESOURCE[@VERSION] [NAME] [--remove]", "names a version, or lists a resource's names"),
    "branch": Verb("changes", "[NAME] [branch=SOURCE]", "the branches, or a new one"),
    "mark": Verb("changes", "RESOURCE@VERSION STATE", "makes a version deprecated, archived or active again"),
}
SHARE = {
    "export": Verb("sharing", "[RESOURCE …] [to=PATH] [--head] [--force]", "resources as JSON, or as files", ("to",)),
    "import": Verb("sharing", "PATH [--dry-run]", "brings in what was exported, a skill or a prompt file"),
    "push": Verb("sharing", "WORKDIR [RESOURCE …]", "brings resources into another store"),
    "pull": Verb("sharing", "WORKDIR [RESOURCE …]", "brings resources from another store"),
    "freeze": Verb("sharing", "+KIND=NAME …", "a composed system as a lock file, which runs without a store"),
}  # fmt: skip
STORE = {
    "audit": Verb("store", "", "is the store whole? every entry and digest is verified"),
    "backup": Verb("store", "FILE", "a copy of the whole store in one file"),
    "gc": Verb("store", "[--dry-run]", "removes what nothing refers to, never a version"),
    "doctor": Verb("doctor", "", "is everything there? Python, plugins, keys, store"),
}
PLUGINS = {
    "plugins": Verb("plugins", "[KIND | KIND=NAME]", "what is installed, or one option's settings"),
    "new": Verb("new", "KIND NAME [FOLDER]", "a plugin of your own that passes its contract"),
}
VERBS = {**EVOLVE, **LOOK, **CHANGE, **SHARE, **STORE, **PLUGINS}

_FLAGS: dict[str, tuple[str, ...]] = {  # and the verbs that they mean something to; none is all
    "--json": (),
    "--help": (),
    "--version": (),
    "--check": ("plugins",),
    "--words": ("diff",),
    "--yes": ("edit",),
    "--remove": ("alias",),
    "--dry-run": ("", "measure", "assess", "commit", "import", "gc"),
    "--estimate": ("", "assess", "commit"),
    "--fresh": ("verify",),
    "--baseline": ("measure",),
    "--head": ("export",),
    "--force": ("export", "contract"),
    "--file": ("edit", "propose"),
}
_VALUES = {"--file": ("a path", "- is standard input"), "--baseline": ("a name", "--baseline champion")}


class Arguments(NamedTuple):
    """The command line, taken apart.

    Arguments:
        words: what follows a verb, without settings
        overrides: settings such as `agent=tool_calling`
        task: free text; it never passes through the configuration
        file: the path after `--file`; `-` is standard input
        baseline: the name after `--baseline`
    """

    verb: str
    words: tuple[str, ...]
    overrides: tuple[str, ...]
    flags: frozenset[str]
    task: str
    file: str = ""
    baseline: str = ""

    @property
    def json(self) -> bool:
        """Whether one JSON object is wanted."""
        return "--json" in self.flags

    def settings(self) -> dict[str, str]:
        """The settings of a verb that composes nothing: workdir=, branch= and its own."""
        found = dict(override.split("=", 1) for override in self.overrides if "=" in override)
        known = ("workdir", "branch", *(VERBS[self.verb].settings if self.verb else ()))
        for name in [*(found.keys() - set(known)), *(word for word in self.overrides if "=" not in word)]:
            near = did_you_mean(name, known)
            raise InputError(
                f"'{name}' means nothing here" + (f"; did you mean {near}=?" if near else ""),
                f"{self.verb} takes {', '.join(f'{key}=' for key in known[:-1])} and {known[-1]}=",
            )
        return found

    def number(self, name: str, default: int) -> int:
        """A setting that is a positive whole number."""
        text = self.settings().get(name, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) == 0:
            raise InputError(f"{name}={text} is no number from 1 on", f"{name}={default}")
        return int(text)

    def limit(self, default: int) -> int | None:
        """How many are shown; None is all, which a program gets unless it asks for fewer."""
        return None if self.json and "limit" not in self.settings() else self.number("limit", default)

    def word(self) -> str:
        """The only word after the verb."""
        if len(self.words) != 1:
            raise InputError(f"{self.verb} takes one name", self.usage)
        return self.words[0]

    def optional(self) -> str:
        """The only word after the verb, or nothing."""
        return self.word() if self.words else ""

    @property
    def usage(self) -> str:
        """How the verb is written."""
        return f"autogenesis {self.verb} {VERBS[self.verb].usage}".rstrip()

    def registry(self, *, create: bool = False) -> "Registry":
        """The registry of the store that is meant."""
        from autogenesis_core.registry import Registry

        settings = self.settings()
        return Registry.open(settings.get("workdir"), settings.get("branch"), create=create)


def split(argv: Sequence[str]) -> Arguments:
    """What `argv` says; raises InputError for flags that nobody knows and for text beside a task file."""
    words: list[str] = []
    overrides: list[str] = []
    flags: set[str] = set()
    task = ""
    values: dict[str, str] = {}
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
            if word in _VALUES:
                values[word] = _value(word, rest)
        elif word.startswith("--"):
            raise _unknown_flag(word)
        elif _OVERRIDE.fullmatch(word) and not (verb == "plugins" and not words):
            overrides.append(word)
        else:
            words.append(word)
    for flag in sorted(flags):
        if _FLAGS[flag] and verb not in _FLAGS[flag]:
            known = [found for found in _FLAGS[flag] if found] or ["+optimizer=…"]
            raise InputError(f"{flag} means nothing here", f"it belongs to autogenesis {' and '.join(known)}")
    if not verb and words:
        if task:
            raise InputError("a task is given twice", "as text, or with --task-file, or on standard input as -")
        task = _task(words, overrides, "--" in argv)
    given = values.get("--file", ""), values.get("--baseline", "")
    return Arguments(verb, tuple(words), tuple(overrides), frozenset(flags), task, *given)


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


def _value(flag: str, rest: list[str]) -> str:
    what, hint = _VALUES[flag]
    if not rest or not rest[0]:
        raise InputError(f"{flag} needs {what}", hint)
    return rest.pop(0)


def _read(path: str) -> str:
    if not path:
        raise InputError("--task-file needs a path")
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the task file cannot be read: {error}") from None
