"""What the operators of one round see."""

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from attrs import frozen

from autogenesis_core.identity import derive
from autogenesis_core.rspl.reader import Proposal
from autogenesis_core.rspl.record import Record
from autogenesis_core.sepl.evaluation import Evaluation, Example
from autogenesis_core.sepl.spaces import Candidate, Edit, Trace, Verdict
from autogenesis_core.sepl.variables import Variable
from autogenesis_core.services.client import ModelClient


@frozen
class Round:
    """What an earlier round proposed and what became of it."""

    number: int
    edits: tuple[Edit, ...]
    verdict: Verdict


class SeplContext(ABC):
    """The system as an optimizer may see it in one round: never an example of val or test."""

    round: int
    seed: int
    history: Sequence[Round]
    train: Sequence[Example]

    @property
    @abstractmethod
    def records(self) -> Mapping[str, Record]:
        """The composed system by `kind/name`, as the round began."""

    @property
    @abstractmethod
    def variables(self) -> Sequence[Variable]:
        """Every variable of the composed system, each with its trainable mark."""

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
        """Rollouts of the current system on this round's minibatch of train examples; made when first asked for."""

    @abstractmethod
    def improve(self, edits: Sequence[Edit]) -> Candidate:
        """A candidate with `edits`; raises InputError for one that is not valid or outside the trainable subspace."""

    @abstractmethod
    async def evaluate(self, candidates: Sequence[Candidate], examples: Sequence[Example]) -> Sequence[Evaluation]:
        """Scores of candidates on train examples, all at once; raises InputError for any other example."""

    def rng(self, purpose: str) -> random.Random:
        """Random numbers that are a function of run seed, round and purpose alone."""
        return random.Random(derive(self.seed, self.round, purpose))  # noqa: S311  # reproducible, not secret
