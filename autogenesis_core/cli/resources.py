"""Verbs on the store: list, show, history, diff, restore, rollback, log, runs."""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autogenesis_core.cli.arguments import VERBS, Arguments
from autogenesis_core.defaults import find_workdir
from autogenesis_core.errors import InputError, unknown
from autogenesis_core.registry import LogEntry, Registry

_KINDS = ("prompt", "agent", "tool", "environment", "memory")


def list_(arguments: Arguments) -> int:
    """The resources and their heads by branch."""
    kind = _optional(arguments)
    if kind and kind not in _KINDS:
        raise unknown("kind", kind, _KINDS)
    with _registry(arguments) as registry:
        rows = registry.heads(kind)
    if arguments.json:
        return _json(rows)
    for name, found in rows.items():
        print(f"  {name:<32} " + "   ".join(f"{branch} {version}" for branch, version in found.items()))
    return _hint(rows, "autogenesis history RESOURCE · autogenesis show RESOURCE")


def show_(arguments: Arguments) -> int:
    """One version of a resource."""
    name = _word(arguments)
    with _registry(arguments) as registry:
        version, record, text = registry.find(name), registry.record(name), registry.text(name)
    if arguments.json:
        return _json({"version": version.version, "digest": version.digest, **record.to_json()})
    print(f"{record.id}@{version.version}  {record.description}")
    print(f"  {version.digest[:12]} · {version.state} · commit {version.commit}\n\n{text}", end="")
    return 0


def history_(arguments: Arguments) -> int:
    """Every version, and why it came."""
    name = _word(arguments)
    with _registry(arguments) as registry:
        rows = registry.history(name)
        name = f"{rows[0][0].kind}/{rows[0][0].name}"
        heads = {version: branch for branch, version in registry.heads(name)[name].items()}
    if arguments.json:
        return _json([{"version": v.version, "digest": v.digest, "parents": v.parents, **_entry(e)} for v, e in rows])
    for version, entry in rows:
        branch = heads.get(version.version, "")
        print(f"  {version.version:<8} {'●' if branch else '│'} {branch:<9} {_when(entry)}   {_story(entry)}")
    return _hint(rows, f"autogenesis diff {name}@OLD {name}@NEW · autogenesis restore {name}@VERSION")


def diff_(arguments: Arguments) -> int:
    """What changed between two versions; with one, against the head."""
    if not 1 <= len(arguments.words) <= 2:
        raise InputError("diff takes one or two versions", "autogenesis diff prompt/x@1.0.0 prompt/x@1.0.1")
    with _registry(arguments) as registry:
        lines = registry.diff(*arguments.words)
    if arguments.json:
        return _json({"diff": lines})
    for line in lines or ["the same"]:
        print(_coloured(line))
    return 0


def restore_(arguments: Arguments) -> int:
    """A new version with the record of an old one."""
    with _registry(arguments) as registry:
        return _done(arguments, *registry.restore(_word(arguments)))


def rollback_(arguments: Arguments) -> int:
    """Undoes a commit, or all commits of a run: each resource as it was before."""
    name = _word(arguments)
    if "/" in name:
        return restore_(arguments)
    with _registry(arguments) as registry:
        return _done(arguments, *registry.rollback(name))


def log_(arguments: Arguments) -> int:
    """The log like a story; of a run or a commit, if named."""
    name = _optional(arguments)
    with _registry(arguments) as registry:
        entries = registry.log(name)
    if arguments.json:
        return _json([_entry(entry) for entry in entries])
    for entry in entries:
        print(f"  {entry.id}  {entry.event:<8} {_when(entry)}   {_story(entry)}")
        for line in _details(entry) if name else ():
            print(f"      {line}")
    return 0


def runs_(arguments: Arguments) -> int:
    """The runs of this store, newest last."""
    if arguments.words:
        raise InputError("runs takes no name", "autogenesis log RUN tells of one")
    folder = find_workdir(Path.cwd(), arguments.settings().get("workdir")) / "runs"
    paths = sorted(folder.glob("*/"), key=lambda path: path.stat().st_mtime) if folder.is_dir() else []
    rows = [{"run": path.name, **_result(path)} for path in paths]
    if arguments.json:
        return _json(rows)
    for row in rows:
        shown = _scores(row.get("scores", {}).get("test")) or row.get("answer") or row.get("failed", "not finished")
        print(f"  {row['run']}  {row.get('verb', '?'):<8} {row.get('agent') or '':<14} {str(shown)[:70]}")
    return _hint(rows, "autogenesis log RUN · autogenesis rollback RUN")


def _registry(arguments: Arguments) -> Registry:
    settings = arguments.settings()
    return Registry.open(settings.get("workdir"), settings.get("branch"))


def _word(arguments: Arguments) -> str:
    if len(arguments.words) != 1:
        usage = VERBS[arguments.verb].usage
        raise InputError(f"{arguments.verb} takes one name", f"autogenesis {arguments.verb} {usage}")
    return arguments.words[0]


def _optional(arguments: Arguments) -> str:
    return _word(arguments) if arguments.words else ""


def _story(entry: LogEntry) -> str:
    body = entry.body
    if entry.event == "install":
        return "shipped by its plugin"
    if entry.event in ("restore", "rollback"):
        return f"{entry.event} to {', '.join(body.get('to', ()))} by {body.get('author')}"
    if body.get("author") == "user":
        return "set by user, without evidence"
    before, after = body.get("before"), body.get("after")
    gain = f"val {after - before:+.2f}   " if before is not None and after is not None else ""
    return f"run {entry.run} round {body.get('round')}   {gain}{body['verdict']['reason']}"


def _details(entry: LogEntry) -> list[str]:
    body = entry.body
    lines = [f"because  {hypothesis['text']}" for hypothesis in body.get("hypotheses", ())]
    for edit in body.get("edits", ()):
        reason = f": {edit['reason']}" if edit["reason"] else ""
        lines.append(f"edit     {edit['variable']}{reason}")
    lines += [f"now      {change['resource']}@{change['version']}" for change in body.get("changes", ())]
    votes = body.get("verdict", {}).get("votes", ())
    return lines + [f"gate     {vote['gate']}: {vote['decision']}, {vote['reason']}" for vote in votes]


def _when(entry: LogEntry) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.time))


def _entry(entry: LogEntry) -> dict[str, Any]:
    found = {"seq": entry.seq, "time": entry.time, "event": entry.event, "id": entry.id, "run": entry.run}
    return {**found, "why": _story(entry), **entry.body}


def _result(path: Path) -> dict[str, Any]:
    try:
        found = json.loads((path / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _scores(scores: Mapping[str, Any] | None) -> str:
    if not scores:
        return ""
    before, after = scores.get("before", scores), scores.get("after")
    values = [score["mean"] for score in (before, after) if score and score["mean"] is not None]
    return "test " + " → ".join(f"{value:.2f}" for value in values)


def _done(arguments: Arguments, commit: str, versions: Mapping[str, str]) -> int:
    if arguments.json:
        return _json({"commit": commit, "versions": versions})
    for name, version in versions.items():
        print(f"  {name}@{version}")
    print(f"  commit {commit} · undo it: autogenesis rollback {commit}")
    return 0


def _coloured(line: str) -> str:
    code = {"+": "32", "-": "31", "@": "36"}.get(line[:1])
    return f"\x1b[{code}m{line}\x1b[0m" if code and sys.stdout.isatty() else line


def _hint(rows: object, text: str) -> int:
    print(f"\n  {text}" if rows else "  nothing yet")
    return 0


def _json(data: object) -> int:
    print(json.dumps(data, ensure_ascii=False, default=dict))
    return 0
