"""What a person is shown: untrusted text throughout, so none of it can move, hide or forge a line."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from typing import Any

from attrs import evolve, frozen

from autogenesis_core import JSON, Assessment, Candidate, Cost, Record, Vote, digest, redact, visible

_INPUT = 160  # characters of an example's input that are shown
_LISTED = 30  # examples that are listed by name; all of them are counted


@frozen
class Change:
    """One variable as it stands and as it would be."""

    variable: str
    before: str
    after: str


@frozen
class Moved:
    """One example whose score changed."""

    example: str
    input: str
    before: float
    after: float


@frozen
class Request:
    """What is asked, and on what evidence.

    Arguments:
        id: of candidate, committed state and evidence: an answer to it is an answer to nothing else
        others: resources of which something else than a variable changed
        means: scores before and after, over `pairs` examples
        costs: of a rollout, before and after
    """

    id: str
    changes: tuple[Change, ...]
    others: tuple[str, ...]
    votes: tuple[Vote, ...]
    means: tuple[float, float]
    pairs: int
    fixed: tuple[Moved, ...]
    broken: tuple[Moved, ...]
    costs: tuple[Cost, Cost]

    def as_json(self) -> dict[str, Any]:
        """As plain data, for programs."""
        return redact(  # type: ignore[no-any-return]  # the same data, without secrets
            {
                "request": self.id,
                "changes": [{"variable": c.variable, "before": c.before, "after": c.after} for c in self.changes],
                "others": list(self.others),
                "votes": [{"gate": v.gate, "decision": v.decision, "reason": v.reason} for v in self.votes],
                "before": self.means[0],
                "after": self.means[1],
                "pairs": self.pairs,
                "fixed": [_moved_json(moved) for moved in self.fixed],
                "broken": [_moved_json(moved) for moved in self.broken],
                "cost": {"before": _cost_json(self.costs[0]), "after": _cost_json(self.costs[1])},
            }
        )

    def as_markdown(self) -> str:
        """For people, at a terminal or in a file."""
        return str(redact("\n".join(_markdown(self))))


def request_of(candidate: Candidate, assessment: Assessment) -> Request:
    """The request for a candidate."""
    before, after = assessment.baseline.values, assessment.candidate.values
    inputs = {example.id: example.input for example in assessment.examples[-len(assessment.holdout) :]}
    moved = [
        Moved(id_, inputs.get(id_, ""), before[id_], after[id_])
        for id_ in before
        if id_ in after and before[id_] != after[id_]
    ]
    pairs = assessment.pairs
    committed = {name: record.digest for name, record in assessment.committed.items()}
    changes, others = _changes(assessment.committed, candidate.records)
    return Request(
        digest([candidate.id, committed, dict(before), dict(after)])[:12],
        tuple(changes),
        tuple(others),
        assessment.votes,
        (sum(old for old, _ in pairs) / len(pairs), sum(new for _, new in pairs) / len(pairs)),
        len(pairs),
        tuple(one for one in moved if one.after > one.before),
        tuple(one for one in moved if one.after < one.before),
        (assessment.baseline.cost, assessment.candidate.cost),
    )


def _changes(before: Mapping[str, Record], after: Mapping[str, Record]) -> tuple[list[Change], list[str]]:
    changes, others = [], []
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            others.append(f"{name} is {'new' if old is None else 'gone'}")
            continue
        if old.digest == new.digest:
            continue
        values = old.values(), new.values()
        found = [
            Change(f"{name}#{path}", *(_text(side.get(path)) for side in values))
            for path in dict.fromkeys((*values[0], *values[1]))
            if values[0].get(path) != values[1].get(path)
        ]
        changes += found
        if evolve(old, parameters=new.parameters, implementation=new.implementation).digest != new.digest or not found:
            others.append(f"{name} differs in something else than a variable")
    return changes, others


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, sort_keys=True, default=dict)


def _markdown(request: Request) -> Iterator[str]:
    yield f"# May this be committed? Request {request.id}"
    yield ""
    yield f"- score on the held-out examples: {request.means[0]:.3g} → {request.means[1]:.3g} over {request.pairs}"
    yield f"- a task takes: {_costs(*request.costs)}"
    for vote in request.votes:
        yield f"- gate {_code(vote.gate)}: {vote.decision}, {_code(vote.reason)}"
    for other in request.others:
        yield f"- {_code(other)}"
    for change in request.changes:
        yield from ("", f"## {_code(change.variable)}", "")
        yield from _fenced(_diff(change))
    for title, listed in (("Fixed", request.fixed), ("Broken", request.broken)):
        yield from ("", f"## {title}: {len(listed)}", "")
        for moved in listed[:_LISTED]:
            yield f"- {_code(moved.example)} {moved.before:.3g} → {moved.after:.3g} {_code(moved.input)}"
        if len(listed) > _LISTED:
            yield f"- and {len(listed) - _LISTED} more"


def _diff(change: Change) -> Sequence[str]:
    before, after = visible(change.before).split("\n"), visible(change.after).split("\n")
    return list(unified_diff(before, after, "committed", "candidate", lineterm=""))


def _fenced(lines: Sequence[str]) -> Iterator[str]:
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (f"{fence}diff", *lines, fence)


def _code(text: str) -> str:
    """One line of code, whatever the text."""
    line = " ".join(visible(text).split())
    line = line if len(line) <= _INPUT else f"{line[: _INPUT - 1]}…"
    return f"`{line.replace('`', chr(0x2CB))}`" if line else ""


def _costs(before: Cost, after: Cost) -> str:
    parts = [f"tokens {before.tokens} → {after.tokens}{_rise(before.tokens, after.tokens)}"]
    if before.money or after.money:
        parts.append(f"money {before.money:.6f} → {after.money:.6f} USD{_rise(before.money, after.money)}")
    parts.append(f"seconds {before.seconds:.2f} → {after.seconds:.2f}{_rise(before.seconds, after.seconds)}")
    return ", ".join(parts)


def _rise(before: float, after: float) -> str:
    return f" ({after / before - 1:+.0%})" if before else ""


def _moved_json(moved: Moved) -> dict[str, JSON]:
    return {"example": moved.example, "input": moved.input, "before": moved.before, "after": moved.after}


def _cost_json(cost: Cost) -> dict[str, JSON]:
    return {"tokens": cost.tokens, "money": cost.money, "seconds": cost.seconds}
