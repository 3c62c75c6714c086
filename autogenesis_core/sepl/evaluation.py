"""What is measured, and what came of it: examples, outcomes, scores, evaluations."""

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping, Sequence
from functools import cached_property
from math import isfinite
from statistics import fmean
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from attrs import field, frozen

from autogenesis_core.errors import PluginError
from autogenesis_core.identity import JSON, digest
from autogenesis_core.sepl.reducers import reducer

if TYPE_CHECKING:
    from autogenesis_core.services.client import ModelClient

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")


@frozen(slots=False)
class Question:
    """A task with, usually, a target that only the scorer sees."""

    id: str
    input: str
    target: JSON = None
    metadata: Mapping[str, JSON] = field(factory=dict)

    @property
    def cluster(self) -> str:
        """The group of examples that depend on each other, e.g. questions on one document: metadata `cluster`."""
        return str(self.metadata.get("cluster", ""))

    @cached_property
    def digest(self) -> str:
        """Over input, target and metadata."""
        return digest([self.input, self.target, dict(self.metadata)])


@frozen(slots=False)
class Episode:
    """One episode in the composed environment, decided by its seed and that of the draw."""

    id: str
    seed: int
    cluster: ClassVar[str] = ""

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

    @classmethod
    def of(cls, given: object, scorer: str, example: str, feedback: str = "") -> "Score":
        """What a scorer function gave: a number, true or false, or a number and feedback; else PluginError.

        Arguments:
            scorer, example: names for the error
            feedback: for a score that came without
        """
        value, said = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
        if not isinstance(value, bool | int | float) or not isfinite(value):
            wanted = "a number, true or false, or (number, feedback)"
            raise PluginError(f"{scorer} gave {given!r} for {example}", wanted)
        return cls(float(value), feedback if said is None else str(said))


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

    @property
    def uses_model(self) -> bool:
        """Whether `judge` is asked in the place of `score`; a class of which it always holds says `= True`."""
        return False

    @abstractmethod
    def examples(self, sizes: Mapping[Split, int], seed: int) -> Mapping[Split, Sequence[Example]]:
        """Disjoint examples for each split, at most as many as `sizes` says; the same for the same seed."""

    @abstractmethod
    def score(self, example: Any, outcome: Outcome) -> Score | Awaitable[Score]:
        """The score of an outcome. `example` is one of this benchmark's own (hence Any)."""

    async def judge(self, example: Any, outcome: Outcome, model: "ModelClient") -> Score:
        """The score of an outcome by a model, which is metered like every other; asked where `uses_model` is true."""
        name = type(self).__name__
        raise PluginError(f"{name} says that a model judges, and has no `judge`", "define it, or leave out uses_model")

    @property
    def digest(self) -> str:
        """Of the scorer: a changed one makes evaluations incomparable. Default: over class, settings and source."""
        from autogenesis_core.rspl.record import source_hash

        settings = re.sub(r" at 0x[0-9a-f]+", "", repr(self))  # a place in memory says nothing of the scorer
        return digest([type(self).__module__, type(self).__qualname__, source_hash(type(self)), settings])


@frozen
class Cost:
    """What one rollout took: tokens in and out, US dollars, seconds; what a judge of it took stands apart."""

    tokens: int = 0
    money: float = 0.0
    seconds: float = 0.0
    judge_tokens: int = 0
    judge_money: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.tokens + other.tokens,
            self.money + other.money,
            self.seconds + other.seconds,
            self.judge_tokens + other.judge_tokens,
            self.judge_money + other.judge_money,
        )

    def __truediv__(self, n: int) -> "Cost":
        """One of `n` equal parts."""
        return Cost(
            round(self.tokens / n), self.money / n, self.seconds / n, round(self.judge_tokens / n), self.judge_money / n
        )


@frozen
class Cell:
    """One example's result within an evaluation, in one of its epochs, and what it cost."""

    example: str
    result: Result
    epoch: int = 0
    cost: Cost = field(factory=Cost)

    def value(self, lowest: float | None) -> float | None:
        """Its score; `lowest` for an invalid rollout, None for one that failed for other reasons."""
        if isinstance(self.result, Scored):
            return self.result.value
        return lowest if self.result.kind == "invalid" else None


@frozen(slots=False)
class Evaluation:
    """One system's results on examples of one split, in the order in which the examples were drawn.

    Arguments:
        lowest: what an `invalid` rollout counts
        reducer: how the epochs of one example become its value: `mean`, `median`, `max`, `pass_at_K`, `at_least_K`
        clusters: by example, the group that it belongs to, where examples are not independent of each other
    """

    system: str
    split: Split
    cells: tuple[Cell, ...]
    lowest: float | None = 0.0
    reducer: str = "mean"
    clusters: Mapping[str, str] = field(factory=dict)

    @cached_property
    def values(self) -> Mapping[str, float]:
        """Score by example, of those that have one; several epochs are reduced to one value."""
        found: dict[str, list[float]] = {}
        for cell in self.cells:
            value = cell.value(self.lowest)
            if value is not None:
                found.setdefault(cell.example, []).append(value)
        reduce = reducer(self.reducer)
        return {example: reduce(values) for example, values in found.items()}

    @property
    def mean(self) -> float | None:
        """The mean score, None if nothing was scored."""
        return fmean(self.values.values()) if self.values else None

    @property
    def coverage(self) -> float:
        """The share of rollouts that have a score."""
        scored = sum(cell.value(self.lowest) is not None for cell in self.cells)
        return scored / len(self.cells) if self.cells else 0.0

    @cached_property
    def cost(self) -> Cost:
        """The mean cost of a rollout; nothing without rollouts."""
        costs = [cell.cost for cell in self.cells]
        total = Cost(
            sum(cost.tokens for cost in costs),
            sum(cost.money for cost in costs),
            sum(cost.seconds for cost in costs),
            sum(cost.judge_tokens for cost in costs),
            sum(cost.judge_money for cost in costs),
        )
        return total / (len(costs) or 1)
