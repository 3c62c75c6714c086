"""Scores of candidates on train examples, with a failure as minus infinity."""

import math
from collections.abc import Sequence

from autogenesis_core import Candidate, Evaluation, Failed, SeplContext


async def totals(context: SeplContext, candidates: Sequence[Candidate], examples: Sequence[object]) -> list[float]:
    """The sum of each candidate's scores; minus infinity for one with an example that has no score."""
    evaluations = await context.evaluate(candidates, examples)  # type: ignore[arg-type]  # they come from context.train
    return [_total(evaluation) for evaluation in evaluations]


def without_failures(scores: Sequence[float]) -> list[float]:
    """The scores, with the lowest one in place of each failure; one at least is no failure."""
    lowest = min(score for score in scores if math.isfinite(score))
    return [score if math.isfinite(score) else lowest for score in scores]


def _total(evaluation: Evaluation) -> float:
    # An invalid rollout counts the benchmark's lowest, and that may be more than an honest return.
    if any(isinstance(cell.result, Failed) for cell in evaluation.cells):
        return -math.inf
    return math.fsum(evaluation.values.values())
