"""The gate: a vote for commit only on a paired mean gain that is large enough, and on enough of the examples."""

import math
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen, validators

from autogenesis_core import JSON, Assessment, Candidate, Vote, hookimpl, paired

_NAME = "improvement"


@frozen
class ImprovementGate:
    """Compares the means of candidate and last committed state on the same held-out examples.

    It does not ask whether chance alone would do: paired_test and auto do that.

    Arguments:
        minimum: the mean gain must be larger, in the benchmark's own units
        coverage: the share of the planned rollouts that must have a score before and after
        draws: random sign flips for the p that is told, where there are too many to try all
    """

    minimum: float = field(default=0.0, validator=[validators.ge(0), validators.lt(math.inf)])
    coverage: float = field(default=0.9, validator=[validators.gt(0), validators.le(1)])
    draws: int = field(default=10_000, validator=validators.ge(100))

    @hookimpl
    async def sepl_interim(self, candidate: Candidate, assessment: Assessment) -> Any:  # a Vote, or NotImplemented
        """More evidence while the gain is not large enough; else it is for the others to say."""
        differences = assessment.differences
        if differences and not assessment.missing(self.coverage) and _mean(differences) > self.minimum:
            return NotImplemented
        return Vote(_NAME, "continue", "the gain is not large enough so far")

    @hookimpl
    async def sepl_gate(self, candidate: Candidate, assessment: Assessment) -> Vote:
        """Commit, reject, or indecisive where too little was scored."""
        if missing := assessment.missing(self.coverage):
            return Vote(_NAME, "indecisive", missing, {"n": len(assessment.pairs)})
        evidence = self._evidence(assessment)
        fixed, broken, delta = evidence["fixed"], evidence["broken"], _mean(assessment.differences)
        if not fixed and not broken:
            return Vote(_NAME, "reject", "no score changed", evidence)
        if delta <= 0:
            return Vote(_NAME, "reject", f"{broken} broken, {fixed} fixed", evidence)
        said = f"{fixed} fixed, {broken} broken, {_signed(delta)}"
        if delta <= self.minimum:
            return Vote(_NAME, "reject", f"{said}, not more than {_signed(self.minimum)}", evidence)
        return Vote(_NAME, "commit", said, evidence)

    def _evidence(self, assessment: Assessment) -> Mapping[str, JSON]:
        differences = assessment.differences
        found = paired(differences, self.draws)
        return {
            "test": "none: a mean gain; p is told, not asked for",
            "n": len(differences),
            "delta": found.delta,
            "interval": list(found.interval),
            "p": found.p,
            "minimum": self.minimum,
            "coverage": assessment.coverage,
            "fixed": sum(difference > 0 for difference in differences),
            "broken": sum(difference < 0 for difference in differences),
        }


def _mean(differences: tuple[float, ...]) -> float:
    return math.fsum(differences) / len(differences)


def _signed(value: float) -> str:
    return f"{value:+.2f}" if abs(value) >= 0.005 else f"{value:+.1g}"
