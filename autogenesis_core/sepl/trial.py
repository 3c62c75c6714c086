"""The trial of a candidate on train: whether it does what it says, and keeps what earlier edits have achieved.

First it is compared with its parent on what it should fix, until that is clear either way. What passes is then run on
tests: examples that the tip is known to do well on, of the earlier edits each with one that it fixed, and those that
earlier attempts at the same examples broke. A test is lost only if it fails again and again while the parent passes it.
With as many lost as fixed, other examples decide. So rollouts are spent where something is at stake, and noise, which
makes some score fall wherever many are looked at, neither lets a harmful edit in nor keeps a good one out.
"""

import math
import random
from collections.abc import Mapping, Sequence
from itertools import islice
from statistics import fmean, stdev

from attrs import define, field, frozen

from autogenesis_core.identity import derive
from autogenesis_core.rspl.system import System
from autogenesis_core.sepl.evaluation import Cell, Evaluation, Example
from autogenesis_core.sepl.evaluator import Evaluator
from autogenesis_core.sepl.spaces import Assessment

AIMED = 5  # pairs of rollouts at most, or two more than there are examples, of what an edit says it fixes
TESTS = 12  # examples at most that a candidate must not lose; and as many others where that does not decide
_PAIRS = 4  # pairs of rollouts at most of an example that may be lost
_KEPT = 3  # scores of an example that are remembered
_REMEMBERED = 256  # examples that the tip's scores are known on; choosing tests costs no more however long a run is
_LAST = 24  # examples dealt that tell how good the tip is; it changes, so that older ones do not


@define
class Known:
    """What is known of how the tip does on train.

    Attributes:
        scores, means: by example, the last ones of the tip or of what it comes from, and their mean
        before: the same of the last committed version
        dealt: the examples of minibatches, the last ones last; no result decides which these are
        fixed: examples that an edit of the tip fixed
        risks: by example, those that an attempt at it broke
        moves: how often the tip has moved since it was what is committed
        passed: by example that an edit fixed, the move after which it was last seen to be so
    """

    scores: dict[str, list[float]] = field(factory=dict)
    means: dict[str, float] = field(factory=dict)
    before: dict[str, list[float]] = field(factory=dict)
    dealt: dict[str, None] = field(factory=dict)
    fixed: dict[str, None] = field(factory=dict)
    risks: dict[str, dict[str, None]] = field(factory=dict)
    moves: int = 0
    passed: dict[str, int] = field(factory=dict)

    @property
    def gained(self) -> float:
        """How much better the tip seems on train than the last committed version; less while little is known."""
        last = list(self.dealt)
        if not last or not self.before:
            return 0.0
        gain = fmean(map(self.mean, last)) - fmean(map(fmean, self.before.values()))
        return gain * min(1.0, len(last) / TESTS)

    def deal(self, scores: Mapping[str, Sequence[float]], *, committed: bool) -> None:
        """Takes in a minibatch's scores of the tip, which may be what is committed."""
        for example in scores:
            self.dealt.pop(example, None)
            self.dealt[example] = None
        for example in list(self.dealt)[:-_LAST]:
            del self.dealt[example]
        self.add(scores)
        if committed:
            _add(self.before, scores)

    def add(self, scores: Mapping[str, Sequence[float]]) -> list[str]:
        """Takes in scores of the tip; returns what an edit had fixed and two scores or more say is no more so."""
        broken = [
            example
            for example, found in scores.items()
            if example in self.fixed and len(found) > 1 and example in self.scores and max(found) < self.mean(example)
        ]
        self._pass(scores)
        for example, found in scores.items():
            self._set(example, [*self.scores.get(example, ()), *found])
        self._forget()
        return broken

    def _pass(self, scores: Mapping[str, Sequence[float]]) -> None:
        for example, found in scores.items():
            if example not in self.scores or (len(found) > 1 and fmean(found) >= self.mean(example)):
                self.passed[example] = self.moves

    def replace(self, trial: "Trial") -> None:
        """What was tried is the tip now."""
        self.moves += 1
        scores = scores_of(trial.screen.candidate)
        self._pass(scores)
        for example, found in scores.items():
            self._set(example, found)
        self._forget()
        for example in trial.lost:
            self.fixed.pop(example, None)
        self.fixed |= dict.fromkeys(trial.fixed)

    def warn(self, trial: "Trial") -> None:
        """What an attempt broke is tried on first in the next one at the same examples."""
        for example in trial.aimed:
            self.risks.setdefault(example, {}).update(dict.fromkeys(trial.lost))

    def commit(self) -> None:
        """The tip is committed."""
        self.before = {example: self.scores[example] for example in self.dealt}

    def go_back(self) -> None:
        """The tip is again what is committed; what attempts broke stays known."""
        self.scores, self.means, self.dealt, self.fixed = {}, {}, {}, {}
        self.passed, self.moves = {}, 0

    def mean(self, example: str) -> float:
        """Of the last scores."""
        return self.means[example]

    def _set(self, example: str, scores: Sequence[float]) -> None:
        self.scores[example] = list(scores[-_KEPT:])
        self.means[example] = fmean(self.scores[example])

    def _forget(self) -> None:
        """Leaves out what was known first, but what was dealt last."""
        surplus = len(self.scores) - _REMEMBERED
        if surplus > 0:
            for example in list(islice((known for known in self.scores if known not in self.dealt), surplus)):
                del self.scores[example], self.means[example]
                self.passed.pop(example, None)


def _add(known: dict[str, list[float]], scores: Mapping[str, Sequence[float]]) -> None:
    for example, found in scores.items():
        known[example] = [*known.get(example, ()), *found][-_KEPT:]


@frozen
class Trial:
    """What came of it.

    Arguments:
        screen: all scores of candidate and parent
        aimed: the examples that it should fix
        fixed, lost: examples that it does better on, of those, and worse, of any
        kept: whether it is to be kept
    """

    screen: Assessment
    aimed: tuple[str, ...]
    fixed: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    kept: bool = False


@define(eq=False)
class Trying:
    """One trial under way.

    Arguments:
        purpose: of its draws
        seed: the run's
    """

    evaluator: Evaluator
    parent: System
    candidate: System
    train: Mapping[str, Example]
    known: Known
    seed: int
    purpose: str
    label: str
    _before: dict[tuple[str, int], Cell] = field(factory=dict)  # the parent's, by example and epoch
    _after: dict[tuple[str, int], Cell] = field(factory=dict)  # the candidate's
    _epochs: dict[str, int] = field(factory=dict)

    async def __call__(self, aimed: Sequence[str], *, said: bool) -> Trial:
        """The trial of a candidate that should do better on `aimed`, as its edits `said`, or on some of it."""
        aimed = tuple(dict.fromkeys(aimed))
        if not await self._aimed(aimed, said=said):
            return Trial(self._screen, aimed, self._better(aimed))
        fixed = self._better(aimed)
        risks = self._risks(aimed)
        lost = await self._lost(risks, self._tests((*aimed, *risks))[: max(TESTS - len(risks), 0)])
        if len(lost) < len(fixed):
            return Trial(self._screen, aimed, fixed, lost, kept=True)
        if len(lost) == len(fixed):
            more, fewer = await self._others()
            return Trial(self._screen, aimed, fixed, (*lost, *fewer), kept=len(more) > len(fewer))
        return Trial(self._screen, aimed, fixed, lost)

    async def _aimed(self, aimed: Sequence[str], *, said: bool) -> bool:
        """Whether it is better on what it should fix; as many pairs as it takes to see that, up to a limit."""
        least, most = max(2, len(aimed)), max(AIMED, len(aimed) + 2)
        if self.evaluator.deterministic:
            least = most = len(aimed)
        turns = [aimed[number % len(aimed)] for number in range(most)]
        await self._pairs(turns[:least])
        for example in turns[least:]:
            gains = self._all(aimed)
            if not gains or fmean(gains) <= 0 or is_clear(gains):
                break
            await self._pairs([example])
        gains = self._all(aimed)
        # One gain and no loss among many examples is one standard error; where nothing else was said, that will do.
        return is_clear(gains, exact=self.evaluator.deterministic, least=not said)

    def _risks(self, aimed: Sequence[str]) -> list[str]:
        """What earlier attempts at the same examples broke."""
        found = dict.fromkeys(risk for example in aimed for risk in self.known.risks.get(example, ()))
        return [example for example in found if example not in aimed][-TESTS:]

    def _tests(self, without: Sequence[str]) -> list[str]:
        """What must not be lost: first what edits fixed, then what else goes well, the best first."""
        known = self.known
        means = {example: mean for example, mean in known.means.items() if example in self.train}
        lowest = min(means.values(), default=0.0)
        well = [example for example, mean in means.items() if mean > lowest and example not in without]
        random.Random(derive(self.seed, self.purpose, "tests")).shuffle(well)  # noqa: S311  # reproducible
        return sorted(well, key=lambda example: (example not in known.fixed, -means[example]))

    async def _lost(self, risks: Sequence[str], tests: Sequence[str]) -> tuple[str, ...]:
        """The examples that the candidate fails and the parent does not; of tests only those that it fails twice."""
        failed = tests
        for _ in range(1 if self.evaluator.deterministic else 2):
            scores = await self._once(failed)
            failed = [example for example in failed if scores[example] < self.known.mean(example)]
        return tuple(example for example in await self._settled([*risks, *failed]) if self._mean(example) < 0)

    async def _others(self) -> tuple[list[str], list[str]]:
        """Of some that were not tried, those on which it does better, and worse."""
        rest = [example for example in self.train if example not in self._epochs]
        rng = random.Random(derive(self.seed, self.purpose, "others"))  # noqa: S311  # reproducible
        chosen = rng.sample(rest, min(TESTS, len(rest)))
        await self._pairs(chosen)
        clear = await self._settled([example for example in chosen if self._mean(example)])
        return [e for e in clear if self._mean(e) > 0], [e for e in clear if self._mean(e) < 0]

    async def _settled(self, examples: Sequence[str]) -> list[str]:
        """Those on which the two clearly differ, after as many pairs as it takes, up to a limit."""
        if self.evaluator.deterministic:
            await self._pairs([example for example in examples if not self._gains(example)])
            return [example for example in examples if self._mean(example)]
        open_ = list(examples)
        for number in range(_PAIRS):
            await self._pairs(open_)
            if number:
                open_ = [e for e in open_ if self._mean(e) and not _is_apart(self._gains(e))]
        return [example for example in examples if _is_apart(self._gains(example))]

    async def _pairs(self, examples: Sequence[str]) -> None:
        """Both on the same draws."""
        await self._score(examples, (self.parent, self._before), (self.candidate, self._after))

    async def _once(self, examples: Sequence[str]) -> dict[str, float]:
        """The candidate alone; what has no score counts as nothing lost."""
        return {
            cell.example: math.inf if (value := cell.value(self._lowest)) is None else value
            for cell in await self._score(examples, (self.candidate, self._after))
        }

    async def _score(
        self, examples: Sequence[str], *sides: tuple[System, dict[tuple[str, int], Cell]]
    ) -> Sequence[Cell]:
        """The new cells of the last of the sides."""
        draws = []
        for example in examples:
            epoch = self._epochs.get(example, 0)
            self._epochs[example] = epoch + 1
            draws += self.evaluator.draws(self.purpose, [self.train[example]], start=epoch, once=True)
        if not draws:
            return ()
        found = await self.evaluator.compare([system for system, _ in sides], "train", draws, self.label)
        for (_, cells), evaluation in zip(sides, found, strict=True):
            cells |= {(cell.example, cell.epoch): cell for cell in evaluation.cells}
        return found[-1].cells

    def _gains(self, example: str) -> list[float]:
        """Candidate less parent for each seed that both have a score under."""
        found = []
        for epoch in range(self._epochs.get(example, 0)):
            before, after = self._before.get((example, epoch)), self._after.get((example, epoch))
            if before is not None and after is not None:
                first, second = before.value(self._lowest), after.value(self._lowest)
                found += [second - first] if first is not None and second is not None else []
        return found

    def _all(self, examples: Sequence[str]) -> list[float]:
        return [gain for example in examples for gain in self._gains(example)]

    def _mean(self, example: str) -> float:
        gains = self._gains(example)
        return fmean(gains) if gains else 0.0

    def _better(self, examples: Sequence[str]) -> tuple[str, ...]:
        return tuple(example for example in examples if self._mean(example) > 0)

    @property
    def _lowest(self) -> float | None:
        return self.evaluator.benchmark.lowest

    @property
    def _screen(self) -> Assessment:
        baseline, candidate = (
            Evaluation(self.evaluator.id_of(system), "train", tuple(cells.values()), self._lowest, "mean")
            for system, cells in ((self.parent, self._before), (self.candidate, self._after))
        )
        return Assessment(candidate, baseline)


def scores_of(evaluation: Evaluation) -> dict[str, list[float]]:
    """All scores by example."""
    found: dict[str, list[float]] = {}
    for cell in evaluation.cells:
        if (value := cell.value(evaluation.lowest)) is not None:
            found.setdefault(cell.example, []).append(value)
    return found


def is_clear(gains: Sequence[float], *, exact: bool = False, least: bool = False) -> bool:
    """Whether a mean gain is more than one standard error, at `least` one, where scores are `exact` more than nothing.

    No improvement at all seems one about one time in six.
    """
    if not gains or fmean(gains) <= 0:
        return False
    return exact or fmean(gains) > _error(gains) - (2e-9 if least else 0.0)


def _is_apart(gains: Sequence[float]) -> bool:
    return bool(gains) and abs(fmean(gains)) > _error(gains)


def _error(values: Sequence[float]) -> float:
    """The standard error of their mean, a little more than rounding can tell."""
    return stdev(values) / len(values) ** 0.5 + 1e-9 if len(values) > 1 else 0.0
