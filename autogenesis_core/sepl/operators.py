"""The core's own operators: they propose nothing, apply edits, evaluate on val, and commit what the gates let pass."""

from collections.abc import Awaitable, Callable, Sequence

from attrs import frozen

from autogenesis_core.hookspecs import hookimpl
from autogenesis_core.sepl.context import SeplContext
from autogenesis_core.sepl.pool import Member
from autogenesis_core.sepl.spaces import Assessment, Candidate, Edit, Hypothesis, Verdict, Vote


@frozen
class Operators:
    """Asked last, after the chosen optimizer; `votes` and `assess` are the run's."""

    votes: Callable[[Candidate, Assessment], Awaitable[Sequence[Vote]]]
    assess: Callable[[Candidate], Awaitable[Assessment]]

    @hookimpl
    async def sepl_parent(self, context: SeplContext) -> Member:
        """The tip of the pool."""
        return context.parent

    @hookimpl
    async def sepl_reflect(self, context: SeplContext) -> Sequence[Hypothesis]:  # the hook's
        """No hypothesis: the core holds no prompt text."""
        return []

    @hookimpl
    async def sepl_select(self, context: SeplContext, hypotheses: Sequence[Hypothesis]) -> Sequence[Edit]:
        """No edit."""
        return []

    @hookimpl
    async def sepl_improve(self, context: SeplContext, edits: Sequence[Edit]) -> Candidate:
        """The candidate with all edits."""
        return context.improve(edits)

    @hookimpl
    async def sepl_evaluate(self, context: SeplContext, candidate: Candidate) -> Assessment:
        """Candidate and last committed state on val, on the same examples and seeds."""
        return await self.assess(candidate)

    @hookimpl
    async def sepl_commit(self, context: SeplContext, candidate: Candidate, assessment: Assessment) -> Verdict:
        """Commit, if at least one gate votes and all that vote say so."""
        if assessment.stopped is not None:
            return Verdict(assessment.stopped.decision, assessment.stopped.reason, [assessment.stopped])
        return verdict(await self.votes(candidate, assessment))


def verdict(votes: Sequence[Vote]) -> Verdict:
    """What votes come to: any reject rejects, any indecision decides nothing, no vote commits nothing."""
    if not votes:
        return Verdict("reject", "no gate voted; choose one: +gate=[safety,auto]")
    for decision in ("reject", "indecisive"):
        for vote in votes:
            if vote.decision == decision:
                return Verdict(vote.decision, vote.reason, votes)
    # Of what all agree on, the proof says most; a gate that guards, or a person, says it without figures.
    proofs = [vote for vote in votes if vote.evidence.get("p") is not None]
    return Verdict("commit", (proofs or votes)[-1].reason, votes)
