"""result.json: the machine-readable outcome of a run, from which everything that is shown is drawn."""

from collections.abc import Mapping
from typing import Any

from autogenesis_core import __version__
from autogenesis_core.sepl.evaluation import SPLITS, Evaluation, Split
from autogenesis_core.sepl.loop import Loop, RoundReport, verdict_json
from autogenesis_core.sepl.statistics import interval, paired
from autogenesis_core.settings import Composition


def describe_run(verb: str, run: str, branch: str, composition: Composition, model: str) -> dict[str, Any]:
    """What was composed."""
    gates = [part.name.partition(" ")[2] for part in composition.gates]
    return {
        "autogenesis": __version__,
        "verb": verb,
        "run": run,
        "branch": branch,
        "seed": composition.settings.seed,
        "model": model or None,
        "simulated_model": bool(composition.model and composition.model.simulated),
        "demonstration": composition.demonstration,
        "agent": next((r.record.name for r in composition.chosen("agent")), None),
        "tools": [r.record.name for r in composition.chosen("tool")],
        "environment": next((r.record.name for r in composition.chosen("environment")), None),
        "optimizer": composition.optimizer.name.partition(" ")[2] if composition.optimizer else None,
        "gates": gates,
        "plugins": {plugin.distribution: plugin.version for plugin in composition.plugins},
    }


def measure_result(found: Mapping[Split, Evaluation], alpha: float) -> dict[str, Any]:
    """Scores of one system."""
    return {"scores": {split: _score(evaluation, alpha) for split, evaluation in found.items()}}


def evolution_result(
    loop: Loop, before: Mapping[Split, Evaluation], after: Mapping[Split, Evaluation], alpha: float
) -> dict[str, Any]:
    """Scores before and after on val and test, every round's verdict, what was committed."""
    scores = {}
    for split in SPLITS:
        if split in before:
            scores[split] = _comparison(before[split], after.get(split), alpha)
    return {
        "examples": {split: len(examples) for split, examples in loop.examples.items()},
        "scores": scores,
        "rounds": [_round(report) for report in loop.reports],
        "commits": [report.commit for report in loop.reports if report.commit],
        "heads": {name: head.version for name, head in loop.heads.items()},
        "stopped": loop.stopped or "all rounds done",
    }


def _comparison(before: Evaluation, after: Evaluation | None, alpha: float) -> dict[str, Any]:
    found: dict[str, Any] = {"before": _score(before, alpha)}
    if after is None:
        return {**found, "after": None, "change": None}
    found["after"] = _score(after, alpha)
    shared = [example for example in before.values if example in after.values]
    differences = [after.values[example] - before.values[example] for example in shared]
    if not differences:
        return {**found, "change": None}
    test = paired(differences)
    change = {
        "delta": test.delta,
        "interval": list(test.interval),
        "p": test.p,
        "n": len(differences),
        "test": "paired sign-flip",
    }
    return {**found, "change": change}


def _score(evaluation: Evaluation, alpha: float) -> dict[str, Any]:
    values = list(evaluation.values.values())
    bounds = list(interval(values, 1 - alpha)) if len(values) > 1 else None
    return {
        "mean": evaluation.mean,
        "interval": bounds,
        "n": len(evaluation.cells),
        "coverage": evaluation.coverage,
    }


def _round(report: RoundReport) -> dict[str, Any]:
    return {
        "round": report.number,
        "hypotheses": [h.text for h in report.hypotheses],
        "edits": [{"variable": e.variable, "reason": e.reason, "expects": list(e.expects)} for e in report.edits],
        "before": report.before,
        "after": report.after,
        **verdict_json(report.verdict),
        "commit": report.commit or None,
        "versions": dict(report.versions),
        "from": dict(report.parents),
    }
