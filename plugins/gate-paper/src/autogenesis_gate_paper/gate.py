"""The gate: a vote for commit on what scores no worse than before, however little that says."""

from statistics import fmean

from attrs import field, frozen, validators

from autogenesis_core import JSON, Assessment, Candidate, Vote, hookimpl

_NAME = "paper"
_RULE = "the paper's rule: no control of chance"


@frozen
class PaperGate:
    """Compares the mean scores of candidate and last committed state, and takes what is not worse.

    arXiv 2604.15034, the commit operator of SEPL: a candidate is accepted if its evaluation is no worse.

    Arguments:
        coverage: the share of the planned rollouts that must have a score before and after
    """

    coverage: float = field(default=0.9, validator=[validators.gt(0), validators.le(1)])

    @hookimpl
    async def sepl_gate(self, candidate: Candidate, assessment: Assessment) -> Vote:
        """Commit what is not worse; indecisive where evidence is missing."""
        if missing := assessment.missing(self.coverage):
            return Vote(_NAME, "indecisive", f"{_RULE}; {missing}", {"n": len(assessment.pairs)})
        before, after = (fmean(values) for values in zip(*assessment.pairs, strict=True))
        evidence: dict[str, JSON] = {
            "test": "none: the paper's rule",
            "n": len(assessment.pairs),
            "before": before,
            "after": after,
            "delta": after - before,
            "fixed": sum(new > old for old, new in assessment.pairs),
            "broken": sum(new < old for old, new in assessment.pairs),
        }
        said = f"{_RULE}; {before:.2f} → {after:.2f} on {len(assessment.pairs)} examples"
        return Vote(_NAME, "commit" if after >= before else "reject", said, evidence)
