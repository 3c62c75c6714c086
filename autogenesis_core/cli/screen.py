"""How verbs print: short aligned lines for people, one JSON value for programs.

What a record or the log says is untrusted: no control character of it reaches the terminal.
"""

import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autogenesis_core import redact
from autogenesis_core.terminal import visible


def say(text: str = "", *, colour: str = "", error: bool = False) -> None:
    """Prints lines, also where the output cannot show every character of them; in an ANSI colour on a terminal."""
    stream = sys.stderr if error else sys.stdout
    encoding = stream.encoding or "utf-8"
    shown = redact(visible(text)).encode(encoding, "replace").decode(encoding)
    print(f"\x1b[{colour}m{shown}\x1b[0m" if colour and stream.isatty() else shown, file=stream)


def say_diff(lines: Iterable[str]) -> None:
    """Prints the lines of a difference: what came green, what went red."""
    for line in lines:
        say(line, colour={"+": "32", "-": "31", "@": "36"}.get(line[:1], ""))


def say_json(data: object) -> int:
    """Prints one JSON value on one line, in ASCII: it holds no character that a terminal could act on."""
    print(json.dumps(redact(data), default=dict))
    return 0


def say_table(rows: Sequence[Sequence[str]], indent: str = "  ") -> None:
    """Prints rows with their columns aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        say(indent + "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def say_hint(rows: object, text: str) -> int:
    """Ends a screen in the next useful command."""
    say(f"\n  {text}" if rows else "  nothing yet")
    return 0


def say_commit(json_: bool, commit: str, versions: Mapping[str, str], **more: object) -> int:
    """Says which new versions there are, and how to take them back."""
    if json_:
        return say_json({"commit": commit, "versions": versions, **more})
    for name, version in versions.items():
        say(f"  {name}@{version}")
    say(f"  commit {commit} · undo it: autogenesis rollback {commit}")
    return 0


def one_line(value: Any, width: int = 100) -> str:  # what a log body or a record has there
    """A text on one line of at most `width` characters; nothing for what is no text."""
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return text if len(text) <= width else text[: width - 1] + "…"


def when(seconds: float) -> str:
    """A time as people here write it."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def counted(count: int, noun: str) -> str:
    """A number of things: `1 head`, `2 heads`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
