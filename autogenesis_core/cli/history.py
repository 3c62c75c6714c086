"""Verbs that look at versions: history, diff, blame."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autogenesis_core.cli import graph
from autogenesis_core.cli.arguments import Arguments
from autogenesis_core.cli.screen import say, say_diff, say_hint, say_json, say_table, when
from autogenesis_core.cli.story import entry_json, evidence, origin_of, story
from autogenesis_core.errors import InputError

if TYPE_CHECKING:
    from autogenesis_core.registry import LogEntry, Registry, Version

_LIMIT = 20
_NO_BRANCH = ("shipped", "champion")  # labels that make no head of ours
_WIDE = 2000  # characters of a line of a value that are shown


def history_(arguments: Arguments) -> int:
    """The versions as a graph, newest first, with what stands where and why each came."""
    name, limit = arguments.word(), arguments.limit(_LIMIT)
    with arguments.registry() as registry:
        rows = registry.history(name, limit=-1 if limit is None else limit + 1)
        id_ = rows[0][0].id if rows else registry.find(name).id
        labels = _labels(registry, id_)
    more, rows = limit is not None and len(rows) > limit, rows[:limit]
    if arguments.json:
        return say_json([_version_json(version, entry, labels.get(version.version, [])) for version, entry in rows])
    drawn = graph.draw([_node(version, entry, labels) for version, entry in rows])
    if not _prints(graph.HEAD + graph.SHIPPED + "│├╯─┼•"):
        drawn = [line.translate(graph.ASCII) for line in drawn]
    say_table(
        [
            (version.version, f"{line} {_beside(version, labels)}", when(entry.time), story(entry))
            for (version, entry), line in zip(rows, drawn, strict=True)
        ]
    )
    if more:
        say(f"  … the last {limit}; limit={10 * len(rows)} shows more")
    new, old = rows[0][0], rows[1][0] if len(rows) > 1 else None
    return say_hint(
        rows, f"autogenesis diff {old} {new} · autogenesis blame {id_}" if old else f"autogenesis show {id_}"
    )


def diff_(arguments: Arguments) -> int:
    """What changed between two versions; with one, against the head."""
    from autogenesis_core.registry import render, to_json

    if not 1 <= len(arguments.words) <= 2:
        raise InputError("diff takes one or two versions", "autogenesis diff prompt/x@1.0.0 prompt/x@1.0.1")
    with arguments.registry() as registry:
        found = registry.diff(*arguments.words)
        old = registry.find(arguments.words[0])
        new = registry.find(arguments.words[1] if len(arguments.words) == 2 else old.id)
    if arguments.json:
        return say_json({"old": str(old), "new": str(new), "differences": to_json(found)})
    if not found:
        say("the same")
        return 0
    say_diff([f"--- {old}", f"+++ {new}", *render(found, words="--words" in arguments.flags)])
    return 0


def blame_(arguments: Arguments) -> int:
    """Each line with the version that wrote it, and below it what that version was committed on."""
    name = arguments.word()
    with arguments.registry() as registry:
        found = registry.blame(name)
        version = registry.find(name)
    if arguments.json:
        return say_json(
            {
                path: [
                    {"text": line.text, "resource": by.id, "version": by.version, **_why(entry)}
                    for line, by, entry in lines
                ]
                for path, lines in found.items()
            }
        )
    told: set[str] = set()
    for path, lines in found.items():
        say(f"{version}#{path}")
        _say_blamed(lines, told)
    return say_hint(found, f"autogenesis log COMMIT · autogenesis history {version.id}")


def _say_blamed(lines: Sequence[tuple[Any, "Version", "LogEntry"]], told: set[str]) -> None:
    """Lines in groups of one version; its evidence stands below its first group on the screen."""
    names = {str(by): (by.version, origin_of(entry)) for _, by, entry in lines}
    widths = [max(len(name[column]) for name in names.values()) for column in (0, 1)]
    for at, (line, by, entry) in enumerate(lines):
        begins = at == 0 or str(lines[at - 1][1]) != str(by)
        ends = at + 1 == len(lines) or str(lines[at + 1][1]) != str(by)
        left = "   ".join(c.ljust(w) for c, w in zip(names[str(by)], widths, strict=True))
        text = line.text if len(line.text) <= _WIDE else f"{line.text[:_WIDE]}… ({len(line.text):,} characters)"
        say(f"  {left if begins else ' ' * len(left)}   {text}".rstrip())
        if ends and str(by) not in told:
            told.add(str(by))
            if entry.event != "install":
                say(f"  {'':<{len(left)}}   ↳ commit {by.commit} · {evidence(entry)}")


def _why(entry: "LogEntry") -> dict[str, Any]:
    body = entry.body
    found = {key: body.get(key) for key in ("round", "before", "after", "hypotheses", "verdict") if key in body}
    return {"commit": entry.id, "run": entry.run, "event": entry.event, "time": entry.time, **found}


def _labels(registry: "Registry", id_: str) -> dict[str, list[str]]:
    """What stands at each version: branches, aliases as `@name`, `champion`."""
    found: dict[str, list[str]] = {}
    for branch, version in registry.heads(id_).get(id_, {}).items():
        found.setdefault(version, []).append(branch)
    if found:  # an imported resource may have no head yet
        found.setdefault(registry.find(id_).version, []).append("champion")
    for alias, version in registry.aliases(id_).items():
        found.setdefault(version, []).append(f"@{alias}")
    return found


def _beside(version: "Version", labels: Mapping[str, Iterable[str]]) -> str:
    state = [version.state] if version.state != "active" else []
    return "  ".join([*labels.get(version.version, ()), *state])


def _node(version: "Version", entry: "LogEntry", labels: Mapping[str, Iterable[str]]) -> graph.Node:
    heads = [label for label in labels.get(version.version, ()) if label[0] != "@" and label not in _NO_BRANCH]
    mark = graph.HEAD if heads else graph.SHIPPED if origin_of(entry) == "shipped" else graph.PLAIN
    parent = version.parents[0] if version.parents and "/" not in version.parents[0] else ""
    return graph.Node(version.version, parent, mark)


def _version_json(version: "Version", entry: "LogEntry", labels: Iterable[str]) -> dict[str, Any]:
    found = {"version": version.version, "digest": version.digest, "parents": version.parents, "state": version.state}
    return {**found, "labels": list(labels), **entry_json(entry)}


def _prints(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
