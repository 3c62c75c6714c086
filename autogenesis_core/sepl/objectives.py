"""Several objectives: what a task's answer is worth and what it takes, and which systems no other one beats."""

from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

from attrs import frozen

from autogenesis_core.identity import JSON
from autogenesis_core.sepl.evaluation import Cost, Evaluation

if TYPE_CHECKING:
    from autogenesis_core.sepl.loop import RoundReport

_NOISE = 0.1  # of a latency: what differs less is the machine's mood


@frozen
class Objectives:
    """The means of one system over its rollouts: the score, and what a task took, its judge not counted."""

    score: float
    cost: Cost

    def dominates(self, other: "Objectives") -> bool:
        """Whether it is better in score, money, tokens or latency, and worse in none; nearly the same is the same."""
        mine, its = self.cost, other.cost
        near = abs(mine.seconds - its.seconds) <= _NOISE * max(mine.seconds, its.seconds)
        seconds = 0.0 if near else its.seconds - mine.seconds
        gains = (self.score - other.score, its.money - mine.money, its.tokens - mine.tokens, seconds)
        return min(gains) >= 0 and max(gains) > 0


def front(points: Sequence[Objectives]) -> list[bool]:
    """Which of the points no other one dominates: the Pareto front."""
    # What scores less dominates nothing, and what scores best dominates most.
    best_first = sorted(points, key=lambda p: (-p.score, p.cost.money, p.cost.tokens, p.cost.seconds))

    def beaten(point: Objectives) -> bool:
        rivals = takewhile(lambda other: other.score >= point.score, best_first)
        return any(other.dominates(point) for other in rivals)

    return [not beaten(point) for point in points]


def objectives_json(evaluation: Evaluation) -> dict[str, JSON]:
    """The objectives of one system on one split, per task."""
    cost = evaluation.cost
    return {
        "score": evaluation.mean,
        "money": cost.money,
        "tokens": cost.tokens,
        "latency": cost.seconds,
        "judge_money": cost.judge_money,
        "judge_tokens": cost.judge_tokens,
        "n": len(evaluation.cells),
    }


def assessed_systems(reports: Sequence["RoundReport"]) -> list[dict[str, JSON]]:
    """Every system that was assessed on val, in order, with its objectives and whether it is on the front.

    Round 0 is what the run began with. Each stands on the most rollouts that it was assessed on at once: on fewer than
    others, as `n` says, if its assessment was stopped early.
    """
    found: dict[str, tuple[Evaluation, int, str]] = {}
    for report in reports:
        if report.assessment is None:
            continue
        tried = report.assessment
        for evaluation, number, commit in ((tried.baseline, 0, ""), (tried.candidate, report.number, report.commit)):
            if evaluation.values:
                known, first, committed = found.get(evaluation.system, (evaluation, number, commit))
                larger = max(known, evaluation, key=lambda each: len(each.cells))
                found[evaluation.system] = larger, first, committed or commit
    best = front([Objectives(evaluation.mean or 0.0, evaluation.cost) for evaluation, _, _ in found.values()])
    return [
        {"round": number, "commit": commit or None, **objectives_json(evaluation), "front": best[place]}
        for place, (evaluation, number, commit) in enumerate(found.values())
    ]
