"""result.json: the machine-readable outcome of a run, from which everything that is shown is drawn."""

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from autogenesis_core import __version__
from autogenesis_core.sepl.assessing import verdict_json
from autogenesis_core.sepl.claim import compared, standing
from autogenesis_core.sepl.evaluation import Evaluation, Split
from autogenesis_core.sepl.evaluator import Evaluator
from autogenesis_core.sepl.loop import Loop, RoundReport
from autogenesis_core.sepl.objectives import assessed_systems, objectives_json
from autogenesis_core.sepl.pool import fixed_and_broken
from autogenesis_core.sepl.proposing import Proposed
from autogenesis_core.sepl.statistics import clustered_interval, largest_of_normals
from autogenesis_core.settings import Composition

_REASONS = 5  # that rollouts failed for, the most frequent ones


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
    return {
        "scores": {split: _score(evaluation, alpha) for split, evaluation in found.items()},
        "objectives": {split: objectives_json(evaluation) for split, evaluation in found.items()},
    }


def failures_result(evaluator: Evaluator) -> dict[str, Any]:
    """Why rollouts failed, and how many for that reason; the most frequent first."""
    found = sorted(evaluator.failures.items(), key=lambda item: (-item[1], item[0]))
    return {"failures": [{"reason": reason, "count": count} for reason, count in found[:_REASONS]]}


def failures_note(evaluator: Evaluator) -> str | None:
    """What a person should know if rollouts failed, which no mean score says."""
    failed = evaluator.failures.total()
    if not failed:
        return None
    first, *more = failures_result(evaluator)["failures"]
    often = f", {first['count']:,} of them" if more else ""
    return f"{failed:,} of {evaluator.made:,} rollouts failed{often}: {first['reason']} (traces.jsonl)"


def baseline_result(name: str, found: Mapping[Split, Sequence[Evaluation]], alpha: float) -> dict[str, Any]:
    """A system against its baseline, by split, and whether it is significantly worse.

    That is judged on test, or on the last split that has examples: the baseline was chosen by its train and val.
    """
    against: dict[str, Any] = {}
    worse = None
    for split, (now, base) in found.items():
        comparison = compared(base, now)
        change = comparison.as_json() if comparison else None
        against[split] = {"baseline": _score(base, alpha), "change": change}
        worse = comparison.worse if comparison else None
    same = all(now.system == base.system for now, base in found.values())
    regression = worse is not None and worse <= alpha and not same
    return {"baseline": {"name": name, "same": same, "against": against, "regression": regression}}


def verify_result(
    done: Mapping[str, Any], before: Evaluation, after: Evaluation, alpha: float, *, fresh: bool
) -> dict[str, Any]:
    """What a run claimed, what new evidence says, and whether the claim stands.

    Arguments:
        done: the result of the run
        fresh: whether the examples are new, not only the seeds
    """
    scores = done["scores"]
    claim = (scores.get("test") or {}).get("change") or (scores.get("val") or {}).get("change") or {}
    found = compared(before, after)
    return {
        "verified": done["run"],
        "fresh": "examples" if fresh else "seeds",
        "claim": claim or None,
        "scores": {before.split: _comparison(before, after, alpha)},
        "standing": standing(float(claim.get("delta", 0.0)), found, alpha) if found else "unclear",
    }


def evolution_result(loop: Loop, test: Mapping[str, Evaluation], alpha: float) -> dict[str, Any]:
    """Scores before and after on val and test, every round's verdict, what was committed.

    Arguments:
        test: the evaluations on test of what the run began with (`before`) and ended with (`after`), as far as made
    """
    scores, objectives = {}, {}
    if (val := _val(loop.reports)) is not None:
        objectives["val"] = dict(zip(("before", "after"), map(objectives_json, val), strict=True))
        scores["val"] = _comparison(*val, alpha)
        scores["val"]["curse"] = _curse(loop.reports)
    if "before" in test:
        scores["test"] = _comparison(test["before"], test.get("after"), alpha)
        objectives["test"] = {name: objectives_json(evaluation) for name, evaluation in test.items()}
    grants = loop.store.ledger(loop.assessor.lineage, loop.assessor.holdout)
    return {
        "examples": {split: len(examples) for split, examples in loop.examples.items()},
        "scores": scores,
        "objectives": {**objectives, "assessed": assessed_systems(loop.reports)},
        "scorer": loop.evaluator.scorer,
        "deterministic": loop.evaluator.deterministic,
        "candidates": sum(made.candidate is not None for report in loop.reports for made in report.proposed),
        "assessed": loop.assessor.decisions,
        "alpha": {
            "level": loop.level,
            "spent": sum(grant.alpha for grant in grants if grant.run == loop.run),
            "decisions_on_this_holdout": len(grants),
        },
        "rounds": [_round(report) for report in loop.reports],
        "commits": [report.commit for report in loop.reports if report.commit],
        "heads": {name: head.version for name, head in loop.heads.items()},
        "digests": {name: record.digest for name, record in loop.records.items()},
        "started": {name: head.version for name, head in loop.began.items()},
        "stopped": loop.stopped or "all rounds done",
    }


def _val(reports: Sequence[RoundReport]) -> tuple[Evaluation, Evaluation] | None:
    """From what was committed first at the latest to what was committed last; without a commit, what stayed."""
    found = [(report.assessment, report.commit) for report in reports if report.assessment is not None]
    seen = [(assessment, commit) for assessment, commit in found if assessment.baseline.cells]
    if not seen:
        return None
    committed = [assessment for assessment, commit in seen if commit]
    if not committed:
        return seen[-1][0].baseline, seen[-1][0].baseline
    return seen[0][0].baseline, committed[-1].candidate


def _curse(reports: Sequence[RoundReport]) -> float | None:
    """How much of the best val gain luck alone would bring: the mean of the largest of as many gains of nothing.

    A candidate is committed because its val gain was large, so that gain is optimistic. With m assessments of
    candidates that are no better, each gain normal with the standard error seen, the largest is E[max of m] errors.
    """
    gains = [report.assessment.differences for report in reports if report.assessment is not None]
    gains = [found for found in gains if len(found) > 1]
    if not gains:
        return None
    errors = [stdev(found) / len(found) ** 0.5 for found in gains]
    return float(largest_of_normals(len(gains)) * fmean(errors))


def _comparison(before: Evaluation, after: Evaluation | None, alpha: float) -> dict[str, Any]:
    found: dict[str, Any] = {"before": _score(before, alpha)}
    if after is None:
        return {**found, "after": None, "change": None}
    found["after"] = _score(after, alpha)
    change = compared(before, after)
    return {**found, "change": change.as_json() if change else None}


def _score(evaluation: Evaluation, alpha: float) -> dict[str, Any]:
    values = evaluation.values
    groups: dict[str, list[float]] = {}
    for example, value in values.items():
        groups.setdefault(evaluation.clusters.get(example) or f"example {example}", []).append(value)
    counted = {"clusters": len(groups)} if evaluation.clusters else {}
    return {
        "mean": evaluation.mean,
        "interval": list(clustered_interval(list(groups.values()), 1 - alpha)) if len(groups) > 1 else None,
        "n": len(evaluation.cells),
        "coverage": evaluation.coverage,
        **counted,
    }


def _round(report: RoundReport) -> dict[str, Any]:
    return {
        "round": report.number,
        "hypotheses": [h.text for h in report.hypotheses],
        "edits": [{"variable": e.variable, "reason": e.reason, "expects": list(e.expects)} for e in report.edits],
        "proposed": [_proposed(made) for made in report.proposed],
        "train": report.train,
        "before": report.before,
        "after": report.after,
        "looks": _looks(report),
        **verdict_json(report.verdict),
        "commit": report.commit or None,
        "versions": dict(report.versions),
        "from": dict(report.parents),
    }


def _proposed(made: Proposed) -> dict[str, Any]:
    """What became of a proposal in the pool, and how its prediction held."""
    screen = made.screen
    fixed = fixed_and_broken(screen)[0] if screen is not None else ()
    return {
        "state": made.state,
        "reason": made.reason,
        "edits": [{"variable": edit.variable, "reason": edit.reason} for edit in made.edits],
        "before": screen.baseline.mean if screen is not None else None,
        "after": screen.candidate.mean if screen is not None else None,
        "expected": list(made.expected),
        "held": [example for example in made.expected if example in fixed],
    }


def _looks(report: RoundReport) -> dict[str, Any] | None:
    found = report.assessment
    if found is None:
        return None
    return {
        "planned": list(found.looks),
        "look": found.look,
        "n": len(found.pairs),
        "alpha": found.alpha,
        "reused": found.reused,
    }
