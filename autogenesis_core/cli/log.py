"""Verbs that look at what happened: log, runs, proposals."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autogenesis_core import errors
from autogenesis_core.cli.arguments import Arguments
from autogenesis_core.cli.screen import one_line, say, say_diff, say_hint, say_json, say_table, when
from autogenesis_core.cli.story import details, entry_json, story
from autogenesis_core.defaults import find_workdir
from autogenesis_core.errors import InputError, UnknownName, unknown

if TYPE_CHECKING:
    from autogenesis_core.registry import Proposal, Registry

_LIMIT = 50
_STATES = ("open", "committed", "rejected")


def log_(arguments: Arguments) -> int:
    """The log like a story; of a run, a commit or a resource with its reasons, if one is named."""
    name, limit = arguments.optional(), arguments.limit(_LIMIT)
    pool = _pool(arguments, name)
    with arguments.registry() as registry:
        try:
            entries = registry.log(name, limit=-1 if limit is None else limit + 1)
        except UnknownName:
            if not re.fullmatch(r"[0-9a-f]{8}", name) or not _folder(arguments, name).is_dir():
                raise
            entries = ()  # a run that decided on no commit has no entry
        if not entries and "/" in name:
            registry.find(name)  # says which name is near
    more, entries = limit is not None and len(entries) > limit, entries[-limit if limit else 0 :]
    if arguments.json:
        return say_json([entry_json(entry) for entry in entries])
    if more:
        say(f"  … the last {limit}; limit={10 * len(entries)} shows more")
    width = max((len(entry.id) for entry in entries), default=0)
    for entry in entries:
        say(f"  {entry.id:<{width}}  {entry.event:<8}  {when(entry.time)}   {story(entry)}")
        for line in details(entry) if name else ():
            say(f"      {line}")
    if pool:
        say("\n  proposals of its rounds, and what became of them in the pool")
        say_table(pool, indent="    ")
    if name and not entries and not pool:
        ended = _result(_folder(arguments, name))
        said = ended.get("stopped") or _failed(ended) or ("no evolution" if ended else "not finished")
        say(f"  nothing was proposed: {one_line(str(said))}")
        if not ended:
            say(f"\n  autogenesis resume {name}")
        return 0
    return say_hint(entries or pool, "autogenesis log COMMIT says why · autogenesis rollback COMMIT")


def runs_(arguments: Arguments) -> int:
    """The runs of this store, newest last."""
    if arguments.words:
        raise InputError("runs takes no name", "autogenesis log RUN tells of one")
    folder = find_workdir(Path.cwd(), arguments.settings().get("workdir")) / "runs"
    paths = sorted(folder.glob("*/"), key=lambda path: path.stat().st_mtime) if folder.is_dir() else []
    rows = [{"run": path.name, **_began(path), **_result(path)} for path in paths]
    if arguments.json:
        return say_json(rows)
    for row in rows:
        shown = _scores(row.get("scores", {}).get("test")) or row.get("answer") or _failed(row) or _unfinished(row)
        say(f"  {row['run']}  {row.get('verb') or '?':<8} {row.get('agent') or '':<14} {one_line(str(shown), 70)}")
    return say_hint(rows, "autogenesis log RUN · autogenesis rollback RUN")


def proposals_(arguments: Arguments) -> int:
    """What agents proposed while they ran, and what would change by it."""
    state = arguments.optional() or "open"
    if state not in _STATES:
        raise unknown("state", state, _STATES)
    with arguments.registry() as registry:
        found = registry.proposals(state)
        changes = {proposal.id: _change(registry, proposal) for proposal in found} if not arguments.json else {}
    if arguments.json:
        return say_json([_proposal_json(proposal) for proposal in found])
    if not found:
        say(f"  no proposal is {state}")
        return 0
    for proposal in found:
        run = f"run {one_line(proposal.run, 24)}"
        say(f"  {proposal.id}  {when(proposal.time)}   {run}   {proposal.variable}   {one_line(proposal.reason)}")
        say_diff(f"      {line}" for line in changes[proposal.id])
    if state != "open":
        return 0
    return say_hint(found, "autogenesis assess +agent=… +benchmark=… · autogenesis commit +agent=… +benchmark=…")


def _pool(arguments: Arguments, name: str) -> list[tuple[str, ...]]:
    """Round, fate, variables and reason of each proposal that a run made, as its result says."""
    rows = []
    for entry in _result(_folder(arguments, name)).get("rounds", ()) if name else ():
        for made in entry.get("proposed", ()):
            texts = [f"{edit.get('variable')}: {edit.get('reason')}" for edit in made.get("edits", ())]
            words = [str(entry.get("round")), str(made.get("state")), "; ".join(texts), str(made.get("reason") or "")]
            rows.append(tuple(one_line(word, 70) for word in words))
    return rows


def _folder(arguments: Arguments, run: str) -> Path:
    return find_workdir(Path.cwd(), arguments.settings().get("workdir")) / "runs" / run


def _proposal_json(proposal: "Proposal") -> dict[str, Any]:
    return {name: getattr(proposal, name) for name in ("id", "time", "run", "variable", "value", "reason", "state")}


def _change(registry: "Registry", proposal: "Proposal") -> list[str]:
    """The first line that goes and the first that comes by a proposal, against the head of now."""
    from autogenesis_core.registry import Difference

    resource, _, path = proposal.variable.partition("#")
    try:
        now = registry.record(resource).values().get(path)
    except UnknownName:
        return []
    texts = isinstance(now, str) and isinstance(proposal.value, str)
    lines = Difference(path, "text" if texts else "value", now, proposal.value).lines()
    if not texts:
        return [one_line(line, 160) for line in lines]
    first = [next((line for line in lines if line.startswith(sign)), "") for sign in "-+"]
    return [one_line(line, 160) for line in first if line]


def _began(path: Path) -> dict[str, Any]:
    """What a run's folder says of it from its beginning."""
    made = _read(path / "run.json")
    return {key: made[key] for key in ("verb", "agent") if key in made}


def _unfinished(row: Mapping[str, Any]) -> str:
    return f"not finished; autogenesis resume {row['run']}" if row.get("verb") == "evolve" else "not finished"


def _failed(row: Mapping[str, Any]) -> str:
    """Why a run failed, without the name of a class of ours."""
    name, found, reason = str(row.get("failed", "")).partition(": ")
    return reason if found and hasattr(errors, name) else name + found + reason


def _result(path: Path) -> dict[str, Any]:
    return _read(path / "result.json")


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _scores(scores: Mapping[str, Any] | None) -> str:
    if not scores:
        return ""
    before, after = scores.get("before", scores), scores.get("after")
    values = [score["mean"] for score in (before, after) if score and score["mean"] is not None]
    return "test " + " → ".join(f"{value:.2f}" for value in values)
