"""What an entry of the log says to a person.

A body may come from another store, so any part of it may be missing or of another type than this program writes.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from autogenesis_core.cli.screen import counted, one_line
from autogenesis_core.registry import LogEntry


def story(entry: LogEntry) -> str:
    """One line: who did what, and why."""
    body = entry.body
    match entry.event:
        case "install":
            return "shipped by its plugin"
        case "import":
            source = one_line(_part(body, "origin").get("source"), 60)
            return f"imported{f' from {source}' if source else ''}: {story(_origin(entry))}"
        case "restore" | "rollback":
            return f"{entry.event} to {_texts(body.get('to'))} {_by(body)}"
        case "copy":
            return f"copy of {_texts(body.get('to'))} {_by(body)}"
        case "alias":
            was, now = (one_line(body.get(key)) or "nothing" for key in ("from", "to"))
            return f"{one_line(body.get('resource'))}@{one_line(body.get('alias'))}: {was} → {now} {_by(body)}"
        case "branch":
            heads = counted(len(_part(body, "heads")), "head")
            name, source = one_line(body.get("branch")), one_line(body.get("source"), 60)
            return f"{name} takes {heads} from {source or 'elsewhere'} {_by(body)}"
        case "mark":
            name = f"{one_line(body.get('resource'))}@{one_line(body.get('version'))}"
            return f"{name}: {one_line(body.get('from'))} → {one_line(body.get('to'))} {_by(body)}"
    if body.get("author") == "user":
        return "set by user, without evidence"
    return _evolution(entry)


def details(entry: LogEntry) -> Iterator[str]:
    """More lines: hypotheses, edits, what is new, votes."""
    if entry.event == "import":
        yield from details(_origin(entry))
        return
    body = entry.body
    for hypothesis in _parts(body, "hypotheses"):
        yield f"because  {one_line(hypothesis.get('text'), 400)}"
    for edit in _parts(body, "edits"):
        reason = one_line(edit.get("reason"), 400)
        yield f"edit     {one_line(edit.get('variable'))}{f': {reason}' if reason else ''}"
    for change in _parts(body, "changes"):
        yield f"now      {one_line(change.get('resource'))}@{one_line(change.get('version'))}"
    for vote in _parts(_part(body, "verdict"), "votes"):
        decision, reason = one_line(vote.get("decision")), one_line(vote.get("reason"), 400)
        yield f"gate     {one_line(vote.get('gate'))}: {decision}, {reason}"


def evidence(entry: LogEntry) -> str:
    """On what a change was committed: scores, the gate's test and the hypothesis, or that there is none."""
    if entry.event == "import":
        return evidence(_origin(entry))
    body = entry.body
    before, after = _number(body, "before"), _number(body, "after")
    parts = [f"val {before:.2f} → {after:.2f}"] if before is not None and after is not None else []
    for vote in _parts(_part(body, "verdict"), "votes"):
        found = _part(vote, "evidence")
        p, fixed, broken = (_number(found, key) for key in ("p", "fixed", "broken"))
        if p is not None:
            parts.append("p < 0.001" if p < 0.001 else f"p = {p:.3f}")
        if fixed is not None and broken is not None:
            parts.append(f"fixed {fixed:.0f}, broke {broken:.0f}")
    because = [one_line(hypothesis.get("text"), 200) for hypothesis in _parts(body, "hypotheses")]
    told = [", ".join(parts), f"hypothesis: {'; '.join(because)}" if because else ""]
    return " · ".join(filter(None, told)) or story(entry)


def origin_of(entry: LogEntry) -> str:
    """Where a version comes from, in a word or two: `shipped`, `run 7f3a r1`, `user`."""
    if entry.event == "import":
        return origin_of(_origin(entry))
    if entry.event == "install":
        return "shipped"
    if entry.run:
        return f"{one_line(entry.run, 24)} r{_number(entry.body, 'round') or 0:.0f}"
    return f"{entry.event} {one_line(entry.body.get('author'), 24)}".replace("commit ", "")


def entry_json(entry: LogEntry) -> dict[str, Any]:
    """An entry as plain JSON data."""
    found = {"seq": entry.seq, "time": entry.time, "event": entry.event, "id": entry.id, "run": entry.run}
    return {**found, "why": story(entry), **entry.body}


def _evolution(entry: LogEntry) -> str:
    body = entry.body
    before, after, number = (_number(body, key) for key in ("before", "after", "round"))
    parts = [f"run {one_line(entry.run, 24)} round {number or 0:.0f}"]
    if before is not None and after is not None:
        parts.append(f"val {after - before:+.2f}")
    parts.append(one_line(_part(body, "verdict").get("reason")))
    reasons = [one_line(edit.get("reason"), 60) for edit in _parts(body, "edits")]
    parts += [f'"{reason}"' for reason in reasons[:1] if reason]
    return "   ".join(filter(None, parts))


def _origin(entry: LogEntry) -> LogEntry:
    """An imported commit as the store that it comes from tells of it."""
    origin = _part(entry.body, "origin")
    event = origin.get("event")
    # An import of an import is stored as the first one's; another would never end.
    event = event if isinstance(event, str) and event != "import" else "commit"
    return LogEntry(entry.seq, entry.time, event, entry.id, entry.run, _part(origin, "body"), "")


def _by(body: Mapping[str, Any]) -> str:
    return f"by {one_line(body.get('author'), 40) or 'nobody known'}"


def _texts(value: Any) -> str:  # what a body has there
    return one_line(", ".join(item for item in value if isinstance(item, str)) if isinstance(value, list) else "")


def _part(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = body.get(key)
    return value if isinstance(value, Mapping) else {}


def _parts(body: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = body.get(key)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []


def _number(body: Mapping[str, Any], key: str) -> float | None:
    value = body.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
