"""The gate: a vote for commit only on a gain that a test proves at the level that the ledger grants."""

import math
from collections.abc import Sequence
from typing import Any

from attrs import field, frozen

from autogenesis_core import JSON, Assessment, Candidate, InputError, Vote, hookimpl, sequential

_NAME = "paired_test"
_LEVEL = 0.05  # where no ledger grants one
_LEAST = 5  # pairs, of which fewer prove nothing


@frozen
class PairedTestGate:
    """Compares candidate and last committed state on the same held-out examples and seeds, look by look.

    The level comes from the run's ledger (`alpha`, shared by all decisions of a lineage on a hold-out set).

    Arguments:
        looks: after which shares of the examples it looks; rising, the last 1
        futility: whether it gives up when success has become improbable
        minimum: the mean gain must be larger, in the benchmark's own units
        coverage: the share of rollouts that must have a score in both evaluations
        draws: random sign flips where there are too many to count
    """

    looks: tuple[float, ...] = field(default=(0.2, 0.5, 1.0))
    futility: bool = True
    minimum: float = field(default=0.0)
    coverage: float = field(default=0.9)
    draws: int = field(default=10_000)

    @looks.validator
    def _check_looks(self, _: object, value: Sequence[float]) -> None:
        rising = all(0 < earlier < later for earlier, later in zip((1e-9, *value), value, strict=False))
        if not value or value[-1] != 1 or not rising:
            raise InputError(f"looks are rising shares that end with 1, unlike {list(value)}", "looks=[0.2,0.5,1.0]")

    @minimum.validator
    def _check_minimum(self, _: object, value: float) -> None:
        if not 0 <= value < math.inf:
            raise InputError(f"minimum is {value}; it must be 0 or more", "minimum=0.02")

    @coverage.validator
    def _check_coverage(self, _: object, value: float) -> None:
        if not 0 <= value <= 1:
            raise InputError(f"coverage is {value}; it is a share, from 0 to 1", "coverage=0.9")

    @draws.validator
    def _check_draws(self, _: object, value: int) -> None:
        if value < 100:
            raise InputError(f"draws is {value}; fewer than 100 tell nothing", "draws=10000")

    def plan(self, examples: int) -> tuple[int, ...]:
        """After how many of the examples it looks; not at fewer than five, the last being all."""
        early = {math.ceil(share * examples) for share in self.looks}
        return (*sorted(look for look in early if _LEAST <= look < examples), examples)

    @hookimpl
    async def sepl_interim(self, candidate: Candidate, assessment: Assessment) -> Vote:
        """Enough, hopeless, or go on."""
        if assessment.look < 0 or self._missing(assessment):
            return Vote(_NAME, "continue", "too little is scored so far")
        found = self._test(assessment)
        if found["decision"] == "cross":
            return Vote(_NAME, "commit", _said(found), found)
        if found["decision"] == "futile":
            return Vote(_NAME, "reject", f"{_said(found)}: hardly provable any more", found)
        return Vote(_NAME, "continue", _said(found), found)

    @hookimpl
    async def sepl_gate(self, candidate: Candidate, assessment: Assessment) -> Vote:
        """Commit what is proved, reject what is not; indecisive where evidence is missing."""
        if missing := self._missing(assessment):
            return Vote(_NAME, "indecisive", missing, {"n": len(assessment.pairs)})
        found = self._test(assessment)
        if not found["fixed"] and not found["broken"]:
            return Vote(_NAME, "reject", "no score changed", found)
        if found["decision"] != "cross":
            why = "" if found["delta"] <= 0 else f", may be chance: {_p(found['p'])} at level {found['alpha']:.2g}"
            return Vote(_NAME, "reject", _said(found) + why, found)
        if found["delta"] <= self.minimum:
            return Vote(_NAME, "reject", f"{_said(found)}, not more than {self.minimum:+.2g}", found)
        return Vote(_NAME, "commit", f"{_said(found)}, {_p(found['p'])}", found)

    def _missing(self, assessment: Assessment) -> str:
        """What is missing for a decision, in a few words; empty if nothing is."""
        for name, evaluation in (("candidate", assessment.candidate), ("baseline", assessment.baseline)):
            if evaluation.cells and evaluation.coverage < self.coverage:
                return f"the {name} has a score for only {evaluation.coverage:.0%} of its rollouts"
        return "" if assessment.differences else "no example has a score both before and after"

    def _test(self, assessment: Assessment) -> dict[str, Any]:
        """The test as evidence. What is missing shortens the looks it has been at."""
        differences = assessment.differences
        level = assessment.alpha if assessment.alpha is not None else _LEVEL
        looks, counts = self._looks(assessment, len(differences))
        found = sequential(differences, looks, level, counts=counts, futility=self.futility, draws=self.draws)
        evidence: dict[str, JSON] = {
            "test": "group-sequential paired sign-flip",
            "decision": found.decision,
            "n": found.n,
            "delta": found.delta,
            "interval": list(found.interval),
            "p": found.p,
            "alpha": level,
            "spent": found.spent,
            "boundary": found.boundary,
            "look": found.look + 1,
            "looks": list(looks),
            "reused": assessment.reused,
            "fixed": sum(difference > 0 for difference in differences),
            "broken": sum(difference < 0 for difference in differences),
        }
        return evidence

    def _looks(self, assessment: Assessment, n: int) -> tuple[Sequence[int], Sequence[int] | None]:
        """The looks that were planned, and how many differences there really were at those made."""
        if len(assessment.looks) < 2:
            return (n,), None
        before, after = assessment.baseline.values, assessment.candidate.values
        order = dict.fromkeys(cell.example for cell in assessment.baseline.cells)
        known = [example in before and example in after for example in order]
        return assessment.looks, [sum(known[:look]) for look in assessment.looks[: assessment.look + 1]]


def _said(found: dict[str, Any]) -> str:
    if found["delta"] <= 0:
        return f"{found['broken']} broken, {found['fixed']} fixed"
    return f"{found['fixed']} fixed, {found['broken']} broken, {found['delta']:+.2f}"


def _p(p: float) -> str:
    return f"p = {p:.2g}" if p >= 0.0001 else "p < 0.0001"
