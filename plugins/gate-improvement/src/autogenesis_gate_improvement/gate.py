"""The gate: a vote for commit only on a paired gain that is large enough and hardly chance."""

from attrs import field, frozen

from autogenesis_core import JSON, Assessment, Candidate, Decision, InputError, Vote, hookimpl, paired

_NAME = "improvement"


@frozen
class ImprovementGate:
    """Compares candidate and last committed state on the same held-out examples.

    Arguments:
        alpha: the test's level: how many of the candidates that are no better may pass
        minimum: the mean gain must be larger, in the benchmark's own units
        coverage: the share of examples that must have a score in both evaluations
        draws: random sign flips where there are too many to try all
    """

    alpha: float = field(default=0.05)
    minimum: float = field(default=0.0)
    coverage: float = field(default=0.9)
    draws: int = field(default=10_000)

    @alpha.validator
    def _check_alpha(self, _: object, value: float) -> None:
        if not 0 < value < 1:
            raise InputError(f"alpha is {value}; it must lie between 0 and 1", "alpha=0.05")

    @minimum.validator
    def _check_minimum(self, _: object, value: float) -> None:
        if not 0 <= value < float("inf"):
            raise InputError(f"minimum is {value}; it must be 0 or more", "minimum=0.02")

    @coverage.validator
    def _check_coverage(self, _: object, value: float) -> None:
        if not 0 <= value <= 1:
            raise InputError(f"coverage is {value}; it is a share, from 0 to 1", "coverage=0.9")

    @draws.validator
    def _check_draws(self, _: object, value: int) -> None:
        if value < 100:
            raise InputError(f"draws is {value}; fewer than 100 tell nothing", "draws=10000")

    @hookimpl
    async def sepl_gate(self, candidate: Candidate, assessment: Assessment) -> Vote:
        """Commit, reject, or indecisive where too little was scored."""
        if missing := self._missing(assessment):
            return Vote(_NAME, "indecisive", missing, {"n": len(assessment.pairs)})
        differences = [after - before for before, after in assessment.pairs]
        test = paired(differences, self.draws)
        fixed, broken = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
        evidence: dict[str, JSON] = {
            "test": "paired sign-flip",
            "n": len(differences),
            "delta": test.delta,
            "interval": list(test.interval),
            "p": test.p,
            "alpha": self.alpha,
            "fixed": fixed,
            "broken": broken,
        }
        decision, reason = self._decide(test.delta, test.p, fixed, broken)
        return Vote(_NAME, decision, reason, evidence)

    def _missing(self, assessment: Assessment) -> str:
        """What is missing for a decision, in a few words; empty if nothing is."""
        for name, evaluation in (("candidate", assessment.candidate), ("baseline", assessment.baseline)):
            if evaluation.cells and evaluation.coverage < self.coverage:
                share = f"{len(evaluation.values)} of {len(evaluation.cells)} examples"
                return f"the {name} has a score for only {share}, less than {self.coverage:.0%}"
        return "" if assessment.pairs else "no example has a score both before and after"

    def _decide(self, delta: float, p: float, fixed: int, broken: int) -> tuple[Decision, str]:
        if not fixed and not broken:
            return "reject", "no score changed"
        if delta <= 0:
            return "reject", f"{broken} broken, {fixed} fixed"
        counts = f"{fixed} fixed, {broken} broken, {_signed(delta)}"
        if delta <= self.minimum:
            return "reject", f"{counts}, not more than {_signed(self.minimum)}"
        if p > self.alpha:
            return "reject", f"{counts}, may be chance: {_p(p)}"
        return "commit", f"{counts}, {_p(p)}"


def _signed(value: float) -> str:
    return f"{value:+.2f}" if abs(value) >= 0.005 else f"{value:+.1g}"


def _p(p: float) -> str:
    return f"p = {p:.2g}" if p >= 0.0001 else "p < 0.0001"
