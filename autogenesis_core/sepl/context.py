"""What the operators of one proposal see."""

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from attrs import frozen

from autogenesis_core.identity import derive
from autogenesis_core.rspl.reader import Proposal
from autogenesis_core.rspl.record import Record
from autogenesis_core.sepl.evaluation import Evaluation, Example
from autogenesis_core.sepl.pool import Member
from autogenesis_core.sepl.spaces import Candidate, Edit, Trace, Verdict
from autogenesis_core.sepl.variables import Variable
from autogenesis_core.services.client import ModelClient


@frozen
class Round:
    """What an earlier proposal changed and what became of it; or all that was assessed at once, and the decision.

    Nothing here is drawn from a held-out example but the decision itself.

    Arguments:
        number: the round that it was made in
        verdict: "commit", "reject", or "indecisive" of one that is kept in the pool
        expected: the train examples that its edits said they would fix
        fixed, broken: the train examples that it did better and worse on, of those that it was tried on
        tried: whether it came so far as to be tried on train
    """

    number: int
    edits: tuple[Edit, ...]
    verdict: Verdict
    expected: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    tried: bool = False


class SeplContext(ABC):
    """The system as an optimizer may see it in one proposal: never an example of val or test.

    Arguments:
        round: the round's number, from 1
        slot: the proposal's number among those of its round, from 0
        history: what became of earlier proposals, oldest first
        pool: the systems that were kept so far; what is proposed starts from `parent`, one of them
        front: how many train examples each member of the pool is the best on, by its number
    """

    round: int
    slot: int = 0
    seed: int
    history: Sequence[Round]
    train: Sequence[Example]
    pool: Sequence[Member] = ()
    parent: Member
    front: Mapping[int, int]

    @property
    def train_ids(self) -> frozenset[str]:
        """The ids of the train examples."""
        return frozenset(example.id for example in self.train)

    @property
    @abstractmethod
    def records(self) -> Mapping[str, Record]:
        """The parent's system by `kind/name`."""

    @property
    @abstractmethod
    def variables(self) -> Sequence[Variable]:
        """Every variable of the parent's system, each with its trainable mark."""

    @property
    def trainable(self) -> Sequence[Variable]:
        """The trainable subspace."""
        return [variable for variable in self.variables if variable.trainable]

    @property
    @abstractmethod
    def tools(self) -> Mapping[str, str]:
        """Name and description of the composed tools."""

    @property
    @abstractmethod
    def model(self) -> ModelClient:
        """The optimizer's model, metered; raises InputError if no model is set."""

    @property
    def proposals(self) -> Sequence[Proposal]:
        """Open proposals of agents for variables of the trainable subspace, oldest first."""
        return ()

    @abstractmethod
    async def traces(self) -> Sequence[Trace]:
        """Rollouts of the parent on this proposal's minibatch of train examples; made when first asked for."""

    @abstractmethod
    def improve(self, edits: Sequence[Edit]) -> Candidate:
        """A candidate with `edits`; raises InputError for one that is not valid or outside the trainable subspace."""

    @abstractmethod
    async def evaluate(self, candidates: Sequence[Candidate], examples: Sequence[Example]) -> Sequence[Evaluation]:
        """Scores of candidates on train examples, all at once; raises InputError for any other example."""

    def rng(self, purpose: str) -> random.Random:
        """Random numbers that are a function of run seed, round, proposal and purpose alone."""
        slot = [self.slot] if self.slot else []
        return random.Random(derive(self.seed, self.round, *slot, purpose))  # noqa: S311  # reproducible, not secret
