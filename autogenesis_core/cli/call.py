"""`autogenesis run`: one resource on an input, without an agent around it."""

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from autogenesis_core.catalog import Catalog
from autogenesis_core.cli.arguments import Arguments
from autogenesis_core.cli.resources import KINDS, known_kind
from autogenesis_core.cli.screen import say, say_json
from autogenesis_core.defaults import find_workdir
from autogenesis_core.errors import InputError, unknown

if TYPE_CHECKING:
    from autogenesis_core.registry import Registry

_EXAMPLE = """autogenesis run tool/calculator '{"expression": "2*3"}'"""


def run_(arguments: Arguments) -> int:
    """Prints what a resource makes of an input: text for people, JSON with --json."""
    if not 1 <= len(arguments.words) <= 2:
        raise InputError("run takes a resource and its input", _EXAMPLE)
    given = _input(arguments.words[1] if len(arguments.words) == 2 else "{}")
    return asyncio.run(_run(arguments, given))


async def _run(arguments: Arguments, given: Mapping[str, Any]) -> int:
    from autogenesis_core.runtime import Runtime

    name = arguments.words[0]
    id_, _, at = name.partition("@")
    kind, _, short = id_.partition("/")
    if not short or "#" in name:
        raise InputError(f"'{name}' names no resource", "a resource is named like tool/calculator")
    known_kind(kind)
    if kind == "agent":
        raise InputError("an agent is given a task", f'autogenesis "the task" +agent={short}')
    overrides = (*arguments.overrides, *_choice(kind, short, at, arguments.overrides))
    if branch := _branch(overrides):
        overrides = (*overrides, f"branch={branch}")
    async with Runtime.compose(*overrides) as ag:
        for note in ag.notes:
            say(f"  note: {note}", error=True)
        found = await getattr(ag, kind).run(short, given)
    if arguments.json:
        say_json(_plain(found))
    else:
        _say_found(found)
    return 1 if getattr(found, "is_error", False) else 0


def _choice(kind: str, short: str, at: str, overrides: Sequence[str]) -> list[str]:
    """The settings that bring a resource in: its option, or `use=` for a version or for what only the store has."""
    from autogenesis_core.compose import choices_of

    catalog, id_ = Catalog.read(), f"{kind}/{short}"
    chosen = choices_of(overrides, catalog)
    use = [f"use=[{id_}@{at}]"] if at else []
    if short in chosen.get(kind, ()):
        return use
    if short in catalog.names(kind) and kind not in chosen:
        return [f"{kind}={short}", *use]
    stored = _stored(overrides)
    if id_ not in stored and chosen:
        return use  # what is chosen may bring it: an agent its prompts
    if id_ not in stored:
        installed = [f"{group}/{name}" for group in KINDS for name in catalog.names(group)]
        raise unknown("resource", id_, {*installed, *stored}, f"autogenesis plugins {kind} · autogenesis list {kind}")
    return use or [f"use=[{id_}]"]


def _stored(overrides: Sequence[str]) -> Sequence[str]:
    """What the store has that the settings name; nothing if there is none, for to look makes none."""
    with _registry(overrides) as registry:
        return registry.store.resources() if registry else ()


def _branch(overrides: Sequence[str]) -> str:
    """The branch that the other verbs look at, unless the settings say which."""
    if any(override.lstrip("+").startswith(("branch=", "model=", "lock=")) for override in overrides):
        return ""
    with _registry(overrides) as registry:
        return registry.branch if registry else ""


@contextmanager
def _registry(overrides: Sequence[str]) -> Iterator["Registry | None"]:
    from autogenesis_core.registry import Registry

    settings = dict(override.lstrip("+").split("=", 1) for override in overrides if "=" in override)
    workdir = find_workdir(Path.cwd(), settings.get("workdir"))
    if not (workdir / "autogenesis.db").exists():
        yield None
        return
    with Registry.open(str(workdir)) as registry:
        yield registry


def _input(text: str) -> Mapping[str, Any]:
    try:
        given = json.loads(sys.stdin.read() if text == "-" else text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the input is no JSON: {error}", _EXAMPLE) from None
    if not isinstance(given, dict):
        raise InputError("the input is a JSON object", _EXAMPLE)
    return given


def _plain(found: Any) -> Any:  # a ToolResult, messages, events or steps, as JSON data
    if attrs.has(type(found)):
        return {field.name: _plain(getattr(found, field.name)) for field in attrs.fields(type(found))}
    if isinstance(found, Mapping):
        return {str(key): _plain(value) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return [_plain(value) for value in found]
    if hasattr(found, "tolist"):  # an array of an environment's
        return found.tolist()
    return found if isinstance(found, str | int | float | bool | None) else str(found)


def _say_found(found: Any) -> None:  # see _plain
    if hasattr(found, "text"):
        say(found.text, error=found.is_error)
        return
    if not found:
        say("  nothing", error=True)
    for item in found:
        if isinstance(item, Mapping) and item.keys() == {"role", "content"}:
            say(f"{item['role']}\n{item['content']}\n")
        else:
            say(json.dumps(_plain(item), ensure_ascii=False))
