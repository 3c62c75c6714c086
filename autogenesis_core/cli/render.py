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
        parts += [part.name for part in composition.gates]
    sizes = ", ".join(f"{count} {split}" for split, count in data["sizes"].items())
    lines.append(f"run {runtime.run_id}  {' · '.join(parts)} · {sizes} · seed {runtime.settings.seed}")
    if data["rounds"] and model and not model.simulated:
        lines.append(_estimate(runtime, data))
    return "\n".join(lines) + "\n"


def render_round(report: Any) -> str:  # a RoundReport
    """One line a round: what was proposed, what val said, the verdict and why."""
    what = f"reflect {_count(report.hypotheses, 'hypothesis', 'hypotheses')} → {_count(report.edits, 'edit', 'edits')}"
    if report.edits:
        what += f" of {_variables(edit.variable for edit in report.edits)}"
    val = f"val {_number(report.before)} → {_number(report.after)}" if report.after is not None else ""
    if report.verdict.decision == "commit":
        versions = report.versions
        names = ", ".join(f"{name}@{version}" for name, version in versions.items())
        verdict = f"commit {names if len(versions) > 1 else next(iter(versions.values()))}: {report.verdict.reason}"
    else:
        verdict = f"{report.verdict.decision}: {report.verdict.reason}"
    return f"  round {report.number}  {what:<70}  {val:<19} {verdict}"


def render_result(result: Mapping[str, Any], notes: Sequence[str]) -> str:
    """The table at the end of an evolution, and the commands that follow naturally."""
    spent = result["spent"]
    used = f"{spent['calls']} calls · {_money(spent)}{spent['seconds']:.0f} s"
    lines = [f"  {len(result['rounds'])} rounds · {used} · {result['stopped']}", ""]
    lines.append(f"  {'':<14}{'before':<23}{'after':<23}change")
    for split, label, comment in (
        ("val", "val", "steered by it, so optimistic"),
        ("test", "test, sealed", ""),
    ):
        if split in result["scores"]:
            lines.append(_row(label, result["scores"][split], comment))
    if result["simulated_model"]:
        lines.append(f"  {SIMULATED}")
    lines += [f"  note: {note}" for note in notes]
    return "\n".join([*lines, "", *_next(result)])


def render_measure(result: Mapping[str, Any], notes: Sequence[str]) -> str:
    """A table of scores by split."""
    spent = result["spent"]
    lines = [f"  {spent['calls']} calls · {_money(spent)}{spent['seconds']:.0f} s", ""]
    for split, score in result["scores"].items():
        lines.append(f"  {split:<8}{_score(score):<23} n = {score['n']}{_coverage(score)}")
    if result["simulated_model"]:
        lines.append("  simulated model: a stand-in for trying things; the scores say nothing of a real one")
    lines += [f"  note: {note}" for note in notes]
    optimizer = "evolution_strategy" if result["environment"] and not result["model"] else "reflection"
    return "\n".join([*lines, "", f"  improve it  add +optimizer={optimizer}"])


def _next(result: Mapping[str, Any]) -> list[str]:
    if not result["commits"]:
        return ["  nothing was committed", f"  why           autogenesis log {result['run']}"]
    changed: dict[str, tuple[str, str]] = {}
    for entry in result["rounds"]:
        for name, version in entry["versions"].items():
            changed[name] = (changed.get(name, (entry["from"][name], ""))[0], version)
    lines = [f"  what changed  autogenesis diff {name}@{old} {name}@{new}" for name, (old, new) in changed.items()]
    return [
        *lines,
        f"  why           autogenesis log {result['run']}",
        f"  undo          autogenesis rollback {result['run']}",
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
    path = runtime.workdir / "autogenesis.db"
    try:
        shown = f"./{path.relative_to(Path.cwd())}"
    except ValueError:
        shown = str(path)
    return f"branch {runtime.branch} · store {shown}"


def _estimate(runtime: Any, data: Mapping[str, Any]) -> str:  # a Runtime
    rollouts = 2 * (data["sizes"]["val"] + data["sizes"]["test"]) + data["rounds"] * (data["sizes"]["val"] + 24)
    limit = runtime.settings.budget.money
    stop = "no limit" if limit is None else f"stops at {limit:g} USD"
    return f"about {rollouts} rollouts, one model call or more each; {stop} (budget.money)"
