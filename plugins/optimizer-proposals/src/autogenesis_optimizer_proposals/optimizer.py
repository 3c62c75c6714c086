"""The optimizer: Reflect and Select take what agents proposed; the core does the rest."""

from collections.abc import Sequence
from typing import ClassVar

from attrs import field, frozen, validators

from autogenesis_core import Edit, Hypothesis, InputError, Proposal, SeplContext, hookimpl, unknown


@frozen
class ProposalsOptimizer:
    """Puts one open proposal a round before the gates, the oldest first; what a person edited at once is one proposal.

    What a gate has decided on is closed, as committed or rejected; what it could not decide stays open for a later run.

    Arguments:
        rounds: proposals that one run assesses at the most
        only: ids of the proposals to assess; none is all
    """

    uses_model: ClassVar[bool] = False
    screen: ClassVar[bool] = False  # what somebody proposed is held against the gates as it is

    rounds: int = field(default=3, validator=validators.ge(1))

    only: tuple[str, ...] = ()

    async def check(self, context: SeplContext) -> None:
        """Raises InputError, before anything is measured, if there is nothing to assess."""
        known = {proposal.id for proposal in context.proposals}
        for name in self.only:
            if name not in known:
                raise unknown("open proposal for a variable that may change here", name, known)
        if not known:
            raise InputError("there is no open proposal for a variable that may change here", "autogenesis proposals")

    @hookimpl
    async def sepl_reflect(self, context: SeplContext) -> Sequence[Hypothesis]:
        """What the proposals suppose: a hypothesis for each, its text the reason that was given. No traces are made."""
        return [_hypothesis(proposal) for proposal in self._untried(context)]

    @hookimpl
    async def sepl_select(self, context: SeplContext, hypotheses: Sequence[Hypothesis]) -> Sequence[Edit]:
        """The oldest proposal that this run has not assessed, with what belongs to it, or none."""
        supposed = list(hypotheses)
        untried = [made for made in self._untried(context) if _hypothesis(made) in supposed]
        return [
            Edit(made.variable, made.value, made.reason, (supposed.index(_hypothesis(made)),))
            for made in untried
            if made.group == untried[0].group
        ]

    def _untried(self, context: SeplContext) -> Sequence[Proposal]:
        """Open proposals that are wanted, without those that a gate of this run was indecisive about."""
        groups = {made.group for made in context.proposals if not self.only or made.id in self.only}
        tried = [(edit.variable, edit.value) for earlier in context.history for edit in earlier.edits]
        return [made for made in context.proposals if made.group in groups and (made.variable, made.value) not in tried]


def _hypothesis(proposal: Proposal) -> Hypothesis:
    return Hypothesis(proposal.reason, (proposal.variable,))
