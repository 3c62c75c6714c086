"""The optimizer: Reflect and Select take what agents proposed; the core does the rest."""

from collections.abc import Sequence
from typing import ClassVar

from attrs import field, frozen, validators

from autogenesis_core import Edit, Hypothesis, InputError, Proposal, SeplContext, hookimpl


@frozen
class ProposalsOptimizer:
    """Puts one open proposal a round before the gates, the oldest first.

    What a gate has decided on is closed, as committed or rejected; what it could not decide stays open for a later run.

    Arguments:
        rounds: proposals that one run assesses at the most
    """

    uses_model: ClassVar[bool] = False
    screen: ClassVar[bool] = False  # what somebody proposed is held against the gates as it is

    rounds: int = field(default=3, validator=validators.ge(1))

    async def check(self, context: SeplContext) -> None:
        """Raises InputError, before anything is measured, if there is nothing to assess."""
        if not context.proposals:
            raise InputError("there is no open proposal for a variable that may change here", "autogenesis proposals")

    @hookimpl
    async def sepl_reflect(self, context: SeplContext) -> Sequence[Hypothesis]:
        """What the proposals suppose: a hypothesis for each, its text the reason that was given. No traces are made."""
        return [_hypothesis(proposal) for proposal in _untried(context)]

    @hookimpl
    async def sepl_select(self, context: SeplContext, hypotheses: Sequence[Hypothesis]) -> Sequence[Edit]:
        """The oldest proposal that this run has not assessed, or none."""
        for proposal in _untried(context):
            if (supposed := _hypothesis(proposal)) in hypotheses:
                number = list(hypotheses).index(supposed)
                return [Edit(proposal.variable, proposal.value, proposal.reason, (number,))]
        return []


def _hypothesis(proposal: Proposal) -> Hypothesis:
    return Hypothesis(proposal.reason, (proposal.variable,))


def _untried(context: SeplContext) -> Sequence[Proposal]:
    """Open proposals without those that a gate of this run was indecisive about."""
    tried = [(edit.variable, edit.value) for earlier in context.history for edit in earlier.edits]
    return [proposal for proposal in context.proposals if (proposal.variable, proposal.value) not in tried]
