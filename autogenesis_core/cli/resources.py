"""Verbs on the store: list, show, history, diff, restore, rollback, log, runs."""

import json
import sys
import time
from collections.abc import Mapping
from difflib import unified_diff
from pathlib import Path
from typing import Any

from autogenesis_core.cli.arguments import Arguments
from autogenesis_core.defaults import find_workdir
from autogenesis_core.errors import InputError, unknown
from autogenesis_core.rspl.entity import KINDS
from autogenesis_core.rspl.manager import restore
from autogenesis_core.rspl.prompt import to_markdown
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.reference import Reference
from autogenesis_core.rspl.store import LogEntry, Store, Version


def list_(arguments: Arguments) -> int:
    """The resources and their heads by branch."""
    kind = arguments.words[0] if arguments.words else ""
    if kind and kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    with _store(arguments) as store:
        branches = {branch: store.heads(branch) for branch in store.branches()}
    names = sorted({name for heads in branches.values() for name in heads if name.startswith(kind)})
    rows = {
        name: {branch: heads[name].version for branch, heads in branches.items() if name in heads} for name in names
    }
    if arguments.json:
        return _json(rows)
    for name, found in rows.items():
        print(f"  {name:<32} " + "   ".join(f"{branch} {version}" for branch, version in found.items()))
    _hint(rows, "autogenesis history RESOURCE · autogenesis show RESOURCE")
    return 0


def show_(arguments: Arguments) -> int:
    """One version of a resource."""
    with _store(arguments) as store:
        version = _find(store, _word(arguments), arguments)
        record = store.record(version.digest)
    if arguments.json:
        return _json(
            {
                "version": version.version,
                "digest": version.digest,
                "commit": version.commit,
                **record.to_json(),
            }
        )
    print(f"{record.id}@{version.version}  {record.description}")
    print(f"  {version.digest[:12]} · {version.state} · commit {version.commit}\n")
    print(_text(record), end="")
    return 0


def history_(arguments: Arguments) -> int:
    """Every version, and why it came."""
    with _store(arguments) as store:
        reference = _reference(_word(arguments))
        _find(store, reference.id, arguments)
        versions = store.history(reference.kind, reference.name)
        branches = {branch: store.head(branch, reference.kind, reference.name) for branch in store.branches()}
        entries = {version.commit: next(iter(store.entries(id_=version.commit)), None) for version in versions}
    if arguments.json:
        return _json([_version_json(version, entries[version.commit]) for version in versions])
    for version in versions:
        heads = [branch for branch, head in branches.items() if head and head.version == version.version]
        mark = "●" if heads else "│"
        entry = entries[version.commit]
        print(f"  {version.version:<8} {mark} {', '.join(heads):<16} {_when(entry)}   {_story(entry)}")
    _hint(
        versions,
        f"autogenesis diff {reference.id}@OLD {reference.id}@NEW · autogenesis restore {reference.id}@VERSION",
    )
    return 0


def diff_(arguments: Arguments) -> int:
    """What changed between two versions; with one, against the head."""
    if not 1 <= len(arguments.words) <= 2:
        raise InputError("diff takes one or two versions", "autogenesis diff prompt/x@1.0.0 prompt/x@1.0.1")
    with _store(arguments) as store:
        old = _find(store, arguments.words[0], arguments)
        new = _find(
            store,
            arguments.words[-1] if len(arguments.words) == 2 else _reference(arguments.words[0]).id,
            arguments,
        )
        before, after = store.record(old.digest), store.record(new.digest)
    names = [f"{version.kind}/{version.name}@{version.version}" for version in (old, new)]
    lines = list(unified_diff(_text(before).splitlines(), _text(after).splitlines(), names[0], names[1], lineterm=""))
    if arguments.json:
        return _json({"from": names[0], "to": names[1], "diff": lines})
    if not lines:
        print("the same")
    for line in lines:
        print(_coloured(line))
    return 0


def restore_(arguments: Arguments) -> int:
    """A new version with the record of an old one."""
    with _store(arguments) as store:
        reference = _reference(_word(arguments))
        if not reference.at:
            raise InputError("restore needs a version", f"autogenesis restore {reference.id}@1.0.0")
        branch = _branch(arguments, store)
        version = _find(store, str(reference), arguments)
        commit, versions = restore(store, branch, [version])
    return _done(arguments, commit, versions, branch)


def rollback_(arguments: Arguments) -> int:
    """Undoes a commit, or all commits of a run: each resource as it was before."""
    word = _word(arguments)
    if "/" in word:
        return restore_(arguments)
    with _store(arguments) as store:
        entries = store.entries(run=word) or store.entries(id_=word)
        commits = [entry for entry in entries if entry.event in ("commit", "rollback", "restore")]
        if not commits:
            known = {entry.run for entry in store.entries() if entry.event == "commit"}
            raise unknown("commit or run with commits", word, known)
        if len({entry.run or entry.id for entry in commits}) > 1:
            raise InputError(f"'{word}' names several commits", "give more of its letters")
        branch = str(commits[0].body["branch"])
        before: dict[str, str] = {}
        for change in (change for entry in commits for change in entry.body["changes"]):
            before.setdefault(change["resource"], change["from"])
        if missing := [name for name, version in before.items() if version is None]:
            raise InputError(f"there is nothing before this commit of {missing[0]}")
        versions = [_find(store, f"{name}@{version}", arguments) for name, version in before.items()]
        commit, made = restore(store, branch, versions, "rollback", {"undoes": [entry.id for entry in commits]})
    return _done(arguments, commit, made, branch)


def log_(arguments: Arguments) -> int:
    """The log like a story; of a run or a commit, if named."""
    word = arguments.words[0] if arguments.words else ""
    with _store(arguments) as store:
        entries = (store.entries(run=word) or store.entries(id_=word)) if word else store.entries()
        if word and not entries:
            raise unknown("run or commit", word, {entry.run for entry in store.entries() if entry.run})
    if arguments.json:
        return _json(
            [{"seq": e.seq, "time": e.time, "event": e.event, "id": e.id, "run": e.run, **e.body} for e in entries]
        )
    for entry in entries:
        print(f"  {entry.id}  {entry.event:<8} {_when(entry)}   {_story(entry)}")
        for line in _details(entry) if word else ():
            print(f"      {line}")
    return 0


def runs_(arguments: Arguments) -> int:
    """The runs of this store, newest last."""
    folder = find_workdir(Path.cwd(), arguments.settings().get("workdir")) / "runs"
    paths = sorted(folder.glob("*/"), key=lambda path: path.stat().st_mtime) if folder.is_dir() else []
    rows = [{"run": path.name, **_result(path)} for path in paths]
    if arguments.json:
        return _json(rows)
    for row in rows:
        scores = row.get("scores", {}).get("test", {})
        shown = _scores(scores) if scores else row.get("answer", "not finished")
        print(f"  {row['run']}  {row.get('verb', '?'):<8} {row.get('agent') or '':<14} {str(shown)[:70]}")
    _hint(rows, "autogenesis log RUN · autogenesis rollback RUN")
    return 0


def _store(arguments: Arguments) -> Store:
    path = find_workdir(Path.cwd(), arguments.settings().get("workdir")) / "autogenesis.db"
    return Store.open(path, create=False)


def _branch(arguments: Arguments, store: Store) -> str:
    """The branch that is meant: as said, else main, or demo where only the demonstration has run."""
    chosen = arguments.settings().get("branch")
    branches = store.branches()
    if chosen and chosen not in branches:
        raise unknown("branch", chosen, branches)
    return chosen or ("demo" if "demo" in branches and "main" not in branches else "main")


def _find(store: Store, text: str, arguments: Arguments) -> Version:
    return store.find(_reference(text), _branch(arguments, store))


def _reference(text: str) -> Reference:
    return Reference.parse(text)


def _word(arguments: Arguments) -> str:
    if len(arguments.words) != 1:
        from autogenesis_core.cli.arguments import VERBS

        raise InputError(
            f"{arguments.verb} takes one name", f"autogenesis {arguments.verb} {VERBS[arguments.verb].usage}"
        )
    return arguments.words[0]


def _text(record: Record) -> str:
    """A record as people read it: a prompt as its file, anything else as indented JSON."""
    if record.kind == "prompt":
        return to_markdown(record)
    data = {key: value for key, value in record.to_json().items() if key not in ("kind", "name", "description")}
    return json.dumps(data, indent=2, ensure_ascii=False, default=dict) + "\n"


def _story(entry: LogEntry | None) -> str:
    if entry is None:
        return ""
    body = entry.body
    if entry.event == "install":
        return "shipped by its plugin"
    if entry.event in ("restore", "rollback"):
        return f"{entry.event} to {', '.join(body.get('to', ()))} by {body.get('author')}"
    if body.get("author") == "user":
        return "set by user, without evidence"
    before, after = body.get("before"), body.get("after")
    gain = f"val {after - before:+.2f}  " if before is not None and after is not None else ""
    return f"run {entry.run} round {body.get('round')}   {gain}{body['verdict']['reason']}"


def _details(entry: LogEntry) -> list[str]:
    body = entry.body
    lines = [f"because  {hypothesis['text']}" for hypothesis in body.get("hypotheses", ())]
    lines += [
        f"edit     {edit['variable']}" + (f": {edit['reason']}" if edit["reason"] else "")
        for edit in body.get("edits", ())
    ]
    lines += [f"now      {change['resource']}@{change['version']}" for change in body.get("changes", ())]
    for vote in body.get("verdict", {}).get("votes", ()):
        lines.append(f"gate     {vote['gate']}: {vote['decision']}, {vote['reason']}")
    return lines


def _when(entry: LogEntry | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.time)) if entry else ""


def _version_json(version: Version, entry: LogEntry | None) -> dict[str, Any]:
    return {
        "version": version.version, "digest": version.digest, "parents": version.parents, "state": version.state,
        "commit": version.commit, "event": entry.event if entry else None, "run": entry.run if entry else None,
        "time": entry.time if entry else None, "why": _story(entry),
    }  # fmt: skip


def _result(path: Path) -> dict[str, Any]:
    try:
        found = json.loads((path / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _scores(scores: Mapping[str, Any]) -> str:
    if "before" not in scores:
        return f"test {scores['mean']:.2f}"
    after = scores["after"]["mean"] if scores["after"] else None
    return (
        f"test {scores['before']['mean']:.2f} → {after:.2f}"
        if after is not None
        else f"test {scores['before']['mean']:.2f}"
    )


def _done(arguments: Arguments, commit: str, versions: Mapping[str, str], branch: str) -> int:
    if arguments.json:
        return _json({"commit": commit, "branch": branch, "versions": versions})
    for name, version in versions.items():
        print(f"  {name}@{version} on {branch}")
    print(f"  commit {commit} · undo it: autogenesis rollback {commit}")
    return 0


def _coloured(line: str) -> str:
    if not sys.stdout.isatty():
        return line
    code = {"+": "32", "-": "31", "@": "36"}.get(line[:1])
    return f"\x1b[{code}m{line}\x1b[0m" if code else line


def _hint(rows: object, text: str) -> None:
    print(f"\n  {text}" if rows else "  nothing yet")


def _json(data: object) -> int:
    print(json.dumps(data, ensure_ascii=False, default=dict))
    return 0
