"""What a person sees of a run, drawn from result.json."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

SIMULATED = "simulated model: this shows that the loop, the gate and the rollback work, not that an optimizer is good"


def render_head(data: Mapping[str, Any]) -> str:
    """The first lines: where, what, on how much."""
    runtime = data["runtime"]
    composition = runtime.composition
    model = composition.model
    lines = []
    if composition.demonstration:
        lines.append(f"demonstration: simulated model, 4 families of reasoning-gym · {_place(runtime)}")
    else:
        name = (
            f"model {model.id}{' (simulated)' if model.simulated and model.id != 'simulated' else ''}"
            if model
            else "no model"
        )
        lines.append(f"{name} · {_place(runtime)}")
    parts = [f"{r.record.kind} {r.record.name}" for kind in ("agent", "environment") for r in composition.chosen(kind)]
    if composition.optimizer:
        parts.append(composition.optimizer.name)
        names = [part.name.partition(" ")[2] for part in composition.gates]
        parts += [f"gate{'s' if len(names) > 1 else ''} {', '.join(names)}"] if names else []
    sizes = ", ".join(f"{count} {split}" for split, count in data["sizes"].items())
    lines.append(f"run {runtime.run_id}  {' · '.join(parts)} · {sizes} · seed {runtime.settings.seed}")
    if data.get("gate"):
        lines += [f"gate  {part}" for part in data["gate"].split("; ")]
    if data.get("estimate"):
        lines.append(_estimate(data["estimate"], runtime.settings.budget.money))
    return "\n".join(lines) + "\n"


def render_round(report: Any) -> str:  # a RoundReport
    """What was proposed; below it what val said, if it was asked, the verdict and why."""
    verdict = f"{report.verdict.decision}: {report.verdict.reason}"
    passed = {vote.decision for vote in report.verdict.votes} == {"commit"}
    if report.verdict.decision == "indecisive" and (report.assessment is None or passed):
        verdict = report.verdict.reason  # nothing was to be decided, or nothing may be committed
    if report.verdict.decision == "commit":
        versions = report.versions
        names = ", ".join(f"{name}@{version}" for name, version in versions.items())
        verdict = f"commit {names if len(versions) > 1 else next(iter(versions.values()))}: {report.verdict.reason}"
    if not report.edits:
        return f"  round {report.number}  {report.verdict.reason}"
    what = f"{_count(report.hypotheses, 'hypothesis', 'hypotheses')} → {_count(report.edits, 'edit', 'edits')}"
    what += f" of {_variables(edit.variable for edit in report.edits)}"
    val = f"val {_number(report.before)} → {_number(report.after)}   " if report.after is not None else ""
    return f"  round {report.number}  {what}\n{' ' * (10 + len(str(report.number)))}{val}{verdict}"


def render_progress(found: Any, doing: Mapping[str, tuple[int, int]]) -> str:  # a Progress, None without a loop
    """One line: the round, what is under way, the best so far, what is left of the budget, when it should end."""
    work = ", ".join(f"{name} {done}/{total}" for name, (done, total) in doing.items()) or "proposing"
    if found is None:
        return f"  {work}"
    parts = [f"round {found.round}/{found.rounds}", work, f"{found.rollouts:,} rollouts"]
    if found.best is not None:
        parts.append(f"best val {_number(found.best)}")
    if any(found.spent.values()):
        name, share = max(found.spent.items(), key=lambda item: item[1])
        parts.append(f"{1 - share:.0%} of {name} left")
    parts.append(_clock(found.seconds) + (f", about {_clock(found.left)} to go" if found.left else ""))
    return f"  {' · '.join(parts)}"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def render_result(result: Mapping[str, Any], notes: Sequence[str]) -> str:
    """The table at the end of an evolution, and the commands that follow naturally."""
    lines = [_ended(result), "", f"  {'':<14}{'before':<23}{'after':<23}change"]
    for split, label, comment in (
        ("val", "val", "steered by it, so optimistic"),
        ("test", "test, sealed", ""),
    ):
        if split in result["scores"]:
            lines.append(_row(label, result["scores"][split], comment))
    if result["simulated_model"]:
        lines.append(f"  {SIMULATED}")
    lines += [f"  note: {note}" for note in notes]
    return "\n".join([*lines, "", *_next(result)]).rstrip()


def render_assessed(result: Mapping[str, Any], notes: Sequence[str], judged: int, take: str) -> str:
    """How many of the proposals would be committed, and the command that commits them.

    Arguments:
        judged: how many, each for itself
    """
    passed = sum(would_commit(entry) for entry in result["rounds"])
    lines = [_ended(result), "", f"  {passed} of {judged} would be committed"]
    if result["simulated_model"]:
        lines.append(f"  {SIMULATED}")
    lines += [f"  note: {note}" for note in notes]
    if result.get("dry_run"):
        return "\n".join(lines)
    more = [f"  take it       {take}"] if passed else []
    return "\n".join([*lines, "", *more, f"  why           autogenesis log {result['run']}"])


def would_commit(entry: Mapping[str, Any]) -> bool:
    """Whether every gate voted for what a round assessed, and one did."""
    votes = {vote["decision"] for vote in entry["votes"]}
    return votes == {"commit"}


def _ended(result: Mapping[str, Any]) -> str:
    spent = result["spent"]
    used = f"{spent['calls']} calls · {_money(spent)}{spent['seconds']:.0f} s"
    return f"  {_count(result['rounds'], 'round', 'rounds')} · {used} · {result['stopped']}"


def render_measure(result: Mapping[str, Any], notes: Sequence[str]) -> str:
    """A table of scores by split."""
    spent = result["spent"]
    lines = [f"  {spent['calls']} calls · {_money(spent)}{spent['seconds']:.0f} s", ""]
    against = result.get("baseline")
    for split, score in result["scores"].items():
        line = f"  {split:<8}{_score(score):<23} n = {score['n']}{_coverage(score)}"
        lines.append(line + (f"   {_against(against['against'][split])}" if against else ""))
    if against:
        lines += ["", f"  {_baseline(against)}"]
    if result["simulated_model"]:
        lines.append("  simulated model: a stand-in for trying things; the scores say nothing of a real one")
    lines += [f"  note: {note}" for note in notes]
    optimizer = "evolution_strategy" if result["environment"] and not result["model"] else "reflection"
    return "\n".join([*lines, "", f"  improve it  add +optimizer={optimizer}"])


def render_verify(result: Mapping[str, Any], notes: Sequence[str]) -> str:
    """What was claimed, what new evidence says, and whether the claim stands."""
    claim = result["claim"] or {}
    low, high = claim.get("interval", (0.0, 0.0))
    spent = result["spent"]
    lines = [
        f"  {spent['calls']} calls · {_money(spent)}{spent['seconds']:.0f} s",
        "",
        f"  {'':<14}{'before':<23}{'after':<23}change",
        f"  {'claimed':<60}{claim.get('delta', 0.0):+.2f} [{low:+.2f}, {high:+.2f}]",
    ]
    lines += [_row(f"new {result['fresh']}", scores, "") for scores in result["scores"].values()]
    if result["simulated_model"]:
        lines.append(f"  {SIMULATED}")
    if result["scorer_changed"]:
        lines.append("  note: the scorer is not the one that the run was scored by")
    lines += [f"  note: {note}" for note in notes]
    said = {
        "stands": "the claim stands",
        "unclear": "too little evidence to say; more examples would tell: splits.test=…",
        "does not stand": f"the claim does NOT stand: autogenesis rollback {result['verified']}",
    }
    return "\n".join([*lines, "", f"  {said[result['standing']]}"])


def render_estimate(found: Any, limit: float | None) -> str:  # an Estimate
    """What an evolution will take, from a search that finds nothing to one that keeps all it tries."""
    rows = [("rollouts", *found.rollouts), ("model calls", *found.calls), ("tokens", *found.tokens)]
    lines = [f"  {name:<12} {low:>12,} to {high:,}" for name, low, high in rows]
    if found.money is None:
        lines.append("  money        unknown: model.input_price and model.output_price set it (USD per million tokens)")
    else:
        stop = "no limit" if limit is None else f"it stops at {limit:g}"
        lines.append(f"  US dollars   {found.money[0]:>12,.4f} to {found.money[1]:,.4f}   {stop} (budget.money)")
    return "\n".join([*lines, "", "  an estimate, from a few rollouts on a stub of the model; nothing was spent"])


def _against(found: Mapping[str, Any]) -> str:
    change = found["change"]
    if change is None:
        return "no example is scored in both"
    low, high = change["interval"]
    return f"baseline {_number(found['baseline']['mean'])}, {change['delta']:+.2f} [{low:+.2f}, {high:+.2f}]"


def _baseline(found: Mapping[str, Any]) -> str:
    if found["same"]:
        return f"this is {found['name']} itself: there is nothing to compare"
    if found["regression"]:
        return f"REGRESSION: significantly worse than {found['name']}"
    return f"not significantly worse than {found['name']}"


def _next(result: Mapping[str, Any]) -> list[str]:
    if result.get("dry_run"):
        return []  # nothing is kept that a command could show
    limit = str(result["stopped"]).split(" ")[0]
    more = [f"  go on         autogenesis resume {result['run']} {limit}=…"] if limit.startswith("budget.") else []
    if not result["commits"]:
        return ["  nothing was committed", f"  why           autogenesis log {result['run']}", *more]
    changed: dict[str, tuple[str, str]] = {}
    for entry in result["rounds"]:
        for name, version in entry["versions"].items():
            changed[name] = (changed.get(name, (entry["from"][name], ""))[0], version)
    lines = [f"  what changed  autogenesis diff {name}@{old} {name}@{new}" for name, (old, new) in changed.items()]
    return [
        *lines,
        f"  why           autogenesis log {result['run']}",
        f"  undo          autogenesis rollback {result['run']}",
        *more,
    ]


def _row(label: str, scores: Mapping[str, Any], comment: str) -> str:
    change = scores.get("change")
    text = comment
    if change and not comment:
        low, high = change["interval"]
        text = f"{change['delta']:+.2f} [{low:+.2f}, {high:+.2f}], {_p(change['p'])}"
    after = _score(scores["after"]) if scores["after"] else "not scored"
    return f"  {label:<14}{_score(scores['before']):<23}{after:<23}{text}"


def _score(score: Mapping[str, Any]) -> str:
    if score["mean"] is None:
        return "no score"
    bounds = score["interval"]
    part = "" if score["coverage"] == 1 else f" of {score['coverage']:.0%}"
    return _number(score["mean"]) + (f" [{_number(bounds[0])}, {_number(bounds[1])}]" if bounds else "") + part


def _coverage(score: Mapping[str, Any]) -> str:
    return "" if score["coverage"] == 1 else f", {score['coverage']:.0%} of them scored"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _p(p: float) -> str:
    """The one-sided p of an improvement."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _variables(ids: Iterable[str]) -> str:
    """Variables, each resource named once: `prompt/x#rules #tools`."""
    paths: dict[str, list[str]] = {}
    for variable in dict.fromkeys(ids):
        name, _, path = variable.partition("#")
        paths.setdefault(name, []).append(f"#{path}")
    return ", ".join(name + " ".join(found) for name, found in paths.items())


def _count(items: Sequence[object], one: str, many: str) -> str:
    return f"{len(items)} {one if len(items) == 1 else many}"


def _money(spent: Mapping[str, Any]) -> str:
    return f"{spent['money']:.4f} USD · " if spent["money"] else ""


def _place(runtime: Any) -> str:  # a Runtime
    if runtime.rehearsed:
        return f"branch {runtime.branch} · dry run, in a copy of the store"
    path = runtime.workdir / "autogenesis.db"
    try:
        shown = f"./{path.relative_to(Path.cwd())}"
    except ValueError:
        shown = str(path)
    return f"branch {runtime.branch} · store {shown}"


def _estimate(found: Any, limit: float | None) -> str:  # an Estimate
    low, high = found.rollouts
    cost = f"{found.money[0]:.2f} to {found.money[1]:.2f} USD" if found.money else "at an unknown price"
    stop = "no limit" if limit is None else f"stops at {limit:g} USD"
    return f"estimate {low:,} to {high:,} rollouts, {cost}; {stop} (budget.money)"
