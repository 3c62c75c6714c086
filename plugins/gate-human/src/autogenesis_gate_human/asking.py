"""Asking a person, and what counts as an answer."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from autogenesis_core import InputError, visible
from autogenesis_gate_human.request import Request

_POLL = 0.2  # seconds between two looks at the answer file
_ANSWER = 2000  # characters of an answer that are read
_ENOUGH = 200  # of a reason that are kept


async def ask_by_file(request: Request, file: str, wait: float) -> tuple[bool, str]:
    """Writes the request beside `file` and waits until that answers it: `yes ID`, or `no ID` and why.

    The request is there as long as it waits for an answer.
    """
    path = Path(file)
    beside = {kind: path.with_name(f"{path.name}.request.{kind}") for kind in ("json", "md")}
    how = f"Write `yes {request.id}`, or `no {request.id}` and why, to `{path.name}` within {wait:g} seconds."
    found = {**request.as_json(), "answer": {"file": path.name, "yes": f"yes {request.id}", "no": f"no {request.id}"}}
    try:
        _write(beside["json"], json.dumps(found, indent=2))
        _write(beside["md"], f"{request.as_markdown()}\n\n{how} No answer is no.\n")
    except OSError as error:
        raise InputError(f"the request of gate=human cannot be written: {error}", "gate.human.file=…") from None
    try:
        return await _awaited(path, request.id, beside["md"], wait)
    finally:
        for written in beside.values():
            written.unlink(missing_ok=True)


async def _awaited(path: Path, id_: str, shown: Path, wait: float) -> tuple[bool, str]:
    end = time.monotonic() + wait
    said = False
    while (answer := _answered(path, id_)) is None:
        if not said:
            text = f"  gate human waits: read {shown}, then write `yes {id_}`, or `no {id_}` and why, to {path}"
            sys.stderr.write(f"{visible(text)}\n")
            sys.stderr.flush()
            said = True
        if time.monotonic() >= end:
            return False, f"no answer within {wait:g} seconds"
        await asyncio.sleep(min(_POLL, wait))
    return answer


async def ask_terminal(request: Request, wait: float) -> tuple[bool, str]:
    """Shows the request and reads lines until one is yes or no; no answer is no."""
    _forget_typed()
    encoding = sys.stdout.encoding or "utf-8"
    text = f"\n{request.as_markdown()}\n\nCommit this? Type 'yes', or 'no' and why (Ctrl-D: no): "
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()
    try:
        async with asyncio.timeout(wait):
            while line := await _line():
                answer, _, why = line.strip().partition(" ")
                if answer.casefold() == "yes" and not why:
                    return True, "yes, at the terminal"
                if answer.casefold().rstrip(",.:;") in ("no", "n"):
                    return False, _no(why)
                sys.stdout.write("Neither yes nor no. Type 'yes', or 'no' and why: ")
                sys.stdout.flush()
    except TimeoutError:
        sys.stdout.write("\n")
        return False, f"no answer within {wait:g} seconds"
    sys.stdout.write("\n")
    return False, "no answer: the input ended"


def _no(why: str) -> str:
    said = " ".join(visible(why).split())[:_ENOUGH]
    return f"no: {said}" if said else "no"


def _answered(path: Path, id_: str) -> tuple[bool, str] | None:
    """What the file answers to this request; None while it answers none, or another."""
    try:
        if not path.is_file():
            return None
        with path.open(encoding="utf-8", errors="replace") as file:
            first = file.read(_ANSWER).partition("\n")[0]
    except OSError:
        return None
    word, _, rest = first.strip().partition(" ")
    asked, _, why = rest.strip().partition(" ")
    if asked != id_:
        return None
    if word.casefold() == "yes" and not why:
        return True, f"yes, in {path.name}"
    return (False, _no(why)) if word.casefold() == "no" else None


def _write(path: Path, text: str) -> None:
    """Whole or not at all: a person, or a program, may read it at any instant."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


async def _line() -> str:
    """The next line of the terminal, while everything else goes on, and Ctrl-C ends the run."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        if not found.done():
            found.set_result(sys.stdin.readline())

    try:
        loop.add_reader(sys.stdin.fileno(), read)
    except NotImplementedError:  # Windows
        return await asyncio.to_thread(sys.stdin.readline)
    try:
        return await found
    finally:
        loop.remove_reader(sys.stdin.fileno())


def _forget_typed() -> None:
    """What was typed before the question was asked is no answer to it."""
    try:
        import termios
    except ImportError:  # Windows
        return
    termios.tcflush(sys.stdin, termios.TCIFLUSH)
