"""The gate: a vote for commit only on a gain that a test proves at the level that the ledger grants."""

import math
from collections.abc import Sequence
from typing import Any

from attrs import evolve, field, frozen, validators

from autogenesis_core import JSON, Assessment, Candidate, InputError, Scored, Vote, hookimpl, sequential

_LEVEL = 0.05  # where no ledger grants one
NONE = 1e-300  # of a level that is too small for a float
LEAST = 5  # pairs, of which fewer prove nothing


@frozen
class SequentialGate:
    """Compares candidate and last committed state on the same held-out examples and seeds, look by look.

    The level comes from the run's ledger (`alpha`, shared by all decisions of a lineage on a hold-out set).

    Arguments:
        futility: whether it gives up when success has become improbable
        minimum: the mean gain must be larger, in the benchmark's own units
        coverage: the share of the planned rollouts that must have a score before and after
        draws: random sign flips where there are too many to count
    """

    futility: bool = True
    minimum: float = field(default=0.0, validator=[validators.ge(0), validators.lt(math.inf)])
    coverage: float = field(default=0.9, validator=[validators.gt(0), validators.le(1)])
    draws: int = field(default=10_000, validator=validators.ge(100))

    name = ""

    @hookimpl
    async def sepl_interim(self, candidate: Candidate, assessment: Assessment) -> Vote:
        """Enough, hopeless, or go on."""
        if assessment.look < 0:
            return self._beforehand(assessment)
        if self._missing(assessment):
            return Vote(self.name, "continue", "too little is scored so far")
        found = self._test(assessment)
        if found["decision"] == "futile":
            return Vote(self.name, "reject", f"{_said(found)}: hardly provable any more", found)
        proved = found["decision"] == "cross" and found["delta"] > self.minimum and self._holds(assessment)
        return Vote(self.name, "commit" if proved else "continue", _said(found), found)

    @hookimpl
    async def sepl_gate(self, candidate: Candidate, assessment: Assessment) -> Vote:
        """Commit what is proved, reject what is not; indecisive where evidence is missing."""
        if missing := self._missing(assessment):
            return Vote(self.name, "indecisive", missing, {"n": len(assessment.pairs)})
        found = self._test(assessment)
        if not found["fixed"] and not found["broken"]:
            return Vote(self.name, "reject", "no score changed", found)
        if found["decision"] != "cross":
            why = "" if found["delta"] <= 0 else f", may be chance: {_p(found['p'])} at level {found['alpha']:.2g}"
            return Vote(self.name, "reject", _said(found) + why, found)
        if found["delta"] <= self.minimum:
            return Vote(self.name, "reject", f"{_said(found)}, not more than {self.minimum:+.2g}", found)
        if not self._holds(assessment):
            why = "not proved if the candidate's missing scores are losses"
            return Vote(self.name, "indecisive", f"{_said(found)}, {why}", found)
        return Vote(self.name, "commit", f"{_said(found)}, {_p(found['p'])}", found)

    def _beforehand(self, assessment: Assessment) -> Vote:
        """Whether evidence could decide at all, before any is paid for."""
        level, n = _level(assessment), assessment.planned
        evidence: dict[str, JSON] = {"n": n, "alpha": level}
        # Of all assignments of signs to n differences the best is one in 2^n: no result is less likely by chance.
        if n and 0.5**n > level:
            due = "a fresh hold-out is due: more, or other, examples of val"
            return Vote(self.name, "indecisive", f"{n} pairs can prove no gain at level {level:.2g}; {due}", evidence)
        return Vote(self.name, "continue", "nothing is scored so far", evidence)

    def _missing(self, assessment: Assessment) -> str:
        return assessment.missing(self.coverage)

    def _holds(self, assessment: Assessment) -> bool:
        """Whether it is proved also if what the candidate alone has no score for is lost.

        A candidate may bring about that hard examples time out or are refused, and must not gain by it.
        """
        lowest = assessment.baseline.lowest
        known = {(c.example, c.epoch) for c in assessment.baseline.cells if c.value(lowest) is not None}
        cells = assessment.candidate.cells
        lost = {(c.example, c.epoch) for c in cells if c.value(lowest) is None} & known
        if not lost:
            return True
        if lowest is None:
            return False
        worst = [evolve(c, result=Scored(lowest)) if (c.example, c.epoch) in lost else c for c in cells]
        found = self._test(evolve(assessment, candidate=evolve(assessment.candidate, cells=tuple(worst))))
        return bool(found["decision"] == "cross" and found["delta"] > self.minimum)

    def _test(self, assessment: Assessment) -> dict[str, Any]:
        """The test as evidence. What is missing shortens the looks it has been at."""
        differences = assessment.differences
        level = _level(assessment)
        looks, counts = _looks(assessment, len(differences))
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


@frozen
class PairedTestGate(SequentialGate):
    """The test with looks as they are set.

    Arguments:
        looks: after which shares of the examples it looks; rising, the last 1
    """

    looks: tuple[float, ...] = field(default=(0.2, 0.5, 1.0))

    name = "paired_test"

    @looks.validator
    def _check_looks(self, _: object, value: Sequence[float]) -> None:
        rising = all(0 < earlier < later for earlier, later in zip((1e-9, *value), value, strict=False))
        if not value or value[-1] != 1 or not rising:
            raise InputError(f"looks are rising shares that end with 1, unlike {list(value)}", "looks=[0.2,0.5,1.0]")

    def plan(self, examples: int, alpha: float) -> tuple[int, ...]:
        """After how many of the examples it looks; not at fewer than five, the last being all."""
        early = {math.ceil(share * examples) for share in self.looks}
        return (*sorted(look for look in early if LEAST <= look < examples), examples)


def _level(assessment: Assessment) -> float:
    return max(assessment.alpha, NONE) if assessment.alpha is not None else _LEVEL


def _looks(assessment: Assessment, n: int) -> tuple[Sequence[int], Sequence[int] | None]:
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
