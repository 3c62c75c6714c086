"""What is measured, and what came of it: examples, outcomes, scores, evaluations."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping, Sequence
from functools import cached_property
from statistics import fmean
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

from autogenesis_core.identity import JSON, digest

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")


@frozen(slots=False)
class Question:
    """A task with, usually, a target that only the scorer sees."""

    id: str
    input: str
    target: JSON = None
    metadata: Mapping[str, JSON] = field(factory=dict)

    @cached_property
    def digest(self) -> str:
        """Over input, target and metadata."""
        return digest([self.input, self.target, dict(self.metadata)])


@frozen(slots=False)
class Episode:
    """One episode in the composed environment, decided by its seed."""

    id: str
    seed: int

    @property
    def input(self) -> str:
        """What a person sees of it."""
        return f"episode with seed {self.seed}"

    @cached_property
    def digest(self) -> str:
        """Over the seed."""
        return digest(["episode", self.seed])


Example: TypeAlias = Question | Episode


@frozen
class Outcome:
    """What a rollout brought: the agent's answer, and in an episode the sum of rewards as the core counted it."""

    text: str = ""
    data: JSON = None
    reward: float | None = None
    steps: int = 0


@frozen
class Score:
    """A score, higher is better, and what a scorer has to say about it; feedback reaches reflection on `train` only."""

    value: float
    feedback: str = ""


@frozen
class Scored:
    """A rollout that was scored."""

    value: float
    feedback: str = ""


@frozen
class Failed:
    """A rollout that was not; only `invalid`, the candidate's own fault, counts as a score (of zero)."""

    kind: Literal["infra", "timeout", "refused", "invalid", "cancelled"]
    reason: str


Result: TypeAlias = Scored | Failed


class Benchmark(ABC):
    """Examples and their scorer; a plugin's class, its attrs fields are its settings.

    `lowest` is what an `invalid` rollout counts; None where no score is the lowest, so that it counts as missing.
    """

    lowest: float | None = 0.0

    @abstractmethod
    def examples(self, sizes: Mapping[Split, int], seed: int) -> Mapping[Split, Sequence[Example]]:
        """Disjoint examples for each split, at most as many as `sizes` says; the same for the same seed."""

    @abstractmethod
    def score(self, example: Any, outcome: Outcome) -> Score | Awaitable[Score]:
        """The score of an outcome. `example` is one of this benchmark's own (hence Any)."""

    @property
    def digest(self) -> str:
        """Of the scorer: a changed one makes evaluations incomparable. Default: over class, settings and source."""
        from autogenesis_core.rspl.record import source_hash

        return digest([type(self).__module__, type(self).__qualname__, source_hash(type(self)), repr(self)])


@frozen
class Cell:
    """One example's result within an evaluation."""

    example: str
    result: Result

    def value(self, lowest: float | None) -> float | None:
        """Its score; `lowest` for an invalid rollout, None for one that failed for other reasons."""
        if isinstance(self.result, Scored):
            return self.result.value
        return lowest if self.result.kind == "invalid" else None


@frozen(slots=False)
class Evaluation:
    """One system's results on examples of one split."""

    system: str
    split: Split
    cells: tuple[Cell, ...]
    lowest: float | None = 0.0

    @cached_property
    def values(self) -> Mapping[str, float]:
        """Score by example, of those that have one."""
        pairs = ((cell.example, cell.value(self.lowest)) for cell in self.cells)
        return {example: value for example, value in pairs if value is not None}

    @property
    def mean(self) -> float | None:
        """The mean score, None if nothing was scored."""
        return fmean(self.values.values()) if self.values else None

    @property
    def coverage(self) -> float:
        """The share of examples that have a score."""
        return len(self.values) / len(self.cells) if self.cells else 0.0
