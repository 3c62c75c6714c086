"""The gate: rejects a candidate that is too dear."""

import math
from collections.abc import Sequence
from statistics import median
from typing import Any

from attrs import field, frozen, validators

from autogenesis_core import JSON, Assessment, Candidate, Cost, Failed, InputError, Scored, Vote, hookimpl

_NAME = "cost"
_LEAST = 5  # pairs, of which fewer say nothing of costs


@frozen
class CostGate:
    """Compares what the same rollouts took before and after; says nothing of scores.

    Arguments:
        tokens, money, seconds: how much more a task may take, as a share of before; None is no limit
        jitter: seconds a task that are no difference
        coverage: the share of the planned rollouts that must have a score before and after
    """

    guards = True

    tokens: float | None = field(default=0.1)
    money: float | None = field(default=0.1)
    seconds: float | None = field(default=0.1)
    jitter: float = field(default=0.05)
    coverage: float = field(default=0.9, validator=[validators.gt(0), validators.le(1)])

    @tokens.validator
    @money.validator
    @seconds.validator
    def _check_limit(self, attribute: Any, value: float | None) -> None:  # attrs' Attribute of any type
        if value is not None and not 0 <= value < math.inf:
            raise InputError(f"{attribute.name} is {value}; it is a share, 0 or more", f"{attribute.name}=0.1")

    @jitter.validator
    def _check_jitter(self, _: object, value: float) -> None:
        if not 0 <= value < math.inf:
            raise InputError(f"jitter is {value}; it must be 0 or more", "jitter=0.05")

    @hookimpl
    async def sepl_interim(self, candidate: Candidate, assessment: Assessment) -> Any:  # a Vote, or NotImplemented
        """More evidence while it looks too dear or is not known; else it is for the others to say."""
        if assessment.look < 0 or (await self.sepl_gate(candidate, assessment)).decision == "commit":
            return NotImplemented
        return Vote(_NAME, "continue", "costs are too high or not known so far")

    @hookimpl
    async def sepl_gate(self, candidate: Candidate, assessment: Assessment) -> Vote:
        """Reject what takes too much; indecisive where costs are not known."""
        pairs = _pairs(assessment)
        if missing := assessment.missing(self.coverage) or _unknown(pairs):
            return Vote(_NAME, "indecisive", missing, {"n": len(pairs)})
        before, after = (sum(costs, Cost()) for costs in zip(*pairs, strict=True))
        rises = {
            "tokens": (self.tokens, _rise(before.tokens, after.tokens)),
            "money": (self.money, _rise(before.money, after.money)),
            "seconds": (self.seconds, self._slower(pairs)),
        }
        evidence: dict[str, JSON] = {
            "n": len(pairs),
            "before": _mean(before, len(pairs)),
            "after": _mean(after, len(pairs)),
            "rise": {name: rise if rise < math.inf else None for name, (_, rise) in rises.items()},
        }
        told = ", ".join(f"{name} {rise:+.0%}" for name, (limit, rise) in rises.items() if limit is not None)
        for name, (limit, rise) in rises.items():
            if limit is not None and rise > limit + 1e-9:
                return Vote(_NAME, "reject", f"{name} {rise:+.0%} a task, more than {limit:+.0%}", evidence)
        if self.money is not None and not assessment.priced and not (before.money or after.money):
            known = "set model.input_price and model.output_price, or gate.cost.money=null"
            return Vote(_NAME, "indecisive", f"nobody knows what the model costs: {known}", evidence)
        return Vote(_NAME, "commit", f"a task takes {told}" if told else "nothing is limited", evidence)

    def _slower(self, pairs: Sequence[tuple[Cost, Cost]]) -> float:
        """The median over the pairs of how much longer a rollout took."""
        if abs(median(after.seconds - before.seconds for before, after in pairs)) <= self.jitter:
            return 0.0
        return median(_rise(before.seconds, after.seconds) for before, after in pairs)


def _pairs(assessment: Assessment) -> list[tuple[Cost, Cost]]:
    """What the rollouts took that ran before and after; one that timed out or was refused did run."""
    before, after = (
        {(cell.example, cell.epoch): cell.cost for cell in found.cells if not _broke_off(cell.result)}
        for found in (assessment.baseline, assessment.candidate)
    )
    return [(before[cell], after[cell]) for cell in before if cell in after]


def _broke_off(result: Scored | Failed) -> bool:
    return isinstance(result, Failed) and result.kind in ("infra", "cancelled")


def _unknown(pairs: Sequence[tuple[Cost, Cost]]) -> str:
    if len(pairs) < _LEAST:
        return f"{len(pairs)} rollouts say nothing of costs"
    if any(not side.seconds and not side.tokens for pair in pairs for side in pair):
        return "it is not known what every rollout took"
    return ""


def _rise(before: float, after: float) -> float:
    """How much more, as a share of before."""
    if before:
        return after / before - 1
    return math.inf if after else 0.0


def _mean(total: Cost, n: int) -> dict[str, JSON]:
    return {"tokens": total.tokens / n, "money": total.money / n, "seconds": total.seconds / n}
