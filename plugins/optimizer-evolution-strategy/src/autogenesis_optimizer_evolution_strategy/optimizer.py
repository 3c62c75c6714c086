"""The optimizer: reflects by naming the vector that it searches, selects by searching."""

import math
from collections.abc import Sequence
from operator import add
from typing import ClassVar

from attrs import define, field, validators

from autogenesis_core import Candidate, Edit, Hypothesis, InputError, SeplContext, Variable, hookimpl
from autogenesis_optimizer_evolution_strategy.scoring import totals, without_failures
from autogenesis_optimizer_evolution_strategy.search import Search, Vector
from autogenesis_optimizer_evolution_strategy.target import numeric_variable

_POSITIVE = validators.ge(1)
_FINAL = 5  # the last comparison of a round takes so many times a generation's episodes


@define(eq=False)
class EvolutionStrategy:
    """Evolves the one trainable vector of numbers by CMA-ES on train episodes.

    Each generation plays a fresh minibatch of train episodes, the same ones with each candidate. First comes a fifth of
    them: where all candidates tie at the lowest score seen, they teach nothing, and another generation is drawn instead
    of playing on. A round ends early when the better half of a generation ties above that. It then proposes the
    distribution's mean, or the best candidate where that does better on a larger sample of train (the mean mostly does,
    for the best has been lucky), and nothing if neither beats the present value there.

    The search goes on from round to round, also after its proposal was rejected. It begins anew, around the present
    value, in a new run and where that value is neither what the last round began with nor the distribution's mean.

    Arguments:
        rounds: rounds of the loop
        generations: generations a round, if none of them is cut short
        population: candidates a generation; None is the larger of 4 + 3 ln n and twice the vector's length n, of which
            at most 128
        sigma: standard deviation of the first generation, in units of the vector's numbers
        episodes: train episodes for each candidate of a generation
        variable: which vector, where several are trainable: its id, or only its key, e.g. `CartPole-v1`
    """

    screen: ClassVar[bool] = False  # it compares on train by itself, on more episodes than a screen has

    rounds: int = field(default=3, validator=_POSITIVE)
    generations: int = field(default=20, validator=_POSITIVE)
    population: int | None = field(default=None, validator=validators.optional(validators.ge(4)))
    sigma: float = field(default=0.5, validator=validators.gt(0))
    episodes: int = field(default=10, validator=_POSITIVE)
    variable: str | None = None
    _search: Search | None = field(default=None, init=False, metadata={"parameter": False})
    _known: tuple[Vector, ...] = field(default=(), init=False, metadata={"parameter": False})

    @hookimpl
    async def sepl_reflect(self, context: SeplContext) -> Sequence[Hypothesis]:
        """One hypothesis: that other numbers do better. It needs no traces."""
        variable = numeric_variable(context.trainable, self.variable)
        size = len(_vector(variable))
        text = f"other values of the {size} numbers of {variable.id} score higher on train; CMA-ES searches for them"
        return [Hypothesis(text, (variable.id,))]

    @hookimpl
    async def sepl_select(self, context: SeplContext, hypotheses: Sequence[Hypothesis]) -> Sequence[Edit]:
        """The edit that a round of search comes to, or none. Raises InputError without a train example."""
        if not context.train:
            raise InputError("the evolution strategy needs train episodes, and the benchmark has none")
        variable = numeric_variable(context.trainable, self.variable)
        present = _vector(variable)
        search = self._continued(context, variable, present)
        played = await self._generations(context, search)
        best = await self._best(context, search, present)
        self._known = (present, search.mean)
        if best is None:
            return []
        value, before, after = best
        reason = f"CMA-ES, {played} generations of {search.population}: {before:.4g} → {after:.4g} on train"
        return [Edit(variable.id, [*value], reason, tuple(range(min(1, len(hypotheses)))))]

    def _continued(self, context: SeplContext, variable: Variable, present: Vector) -> Search:
        search = self._search
        if search is None or not context.history or search.variable != variable.id or present not in self._known:
            rng = context.rng("evolution strategy")
            search = Search.begin(variable.id, present, self.sigma, self.population, rng)
        self._search = search
        return search

    async def _generations(self, context: SeplContext, search: Search) -> int:
        """Searches until the round's rollouts are spent or the scores have settled; the number of generations told."""
        size = min(self.episodes, len(context.train))
        probe = max(1, size // 5)
        left = self.generations * search.population * size
        drawn = told = 0
        while left >= search.population * size:
            examples = context.rng(f"generation {drawn}").sample(list(context.train), size)
            drawn += 1
            points = search.ask()
            candidates = [_candidate(context, search, search.vector(point)) for point in points]
            scores = await totals(context, candidates, examples[:probe])
            left -= search.population * probe
            if len(set(scores)) == 1:
                if search.exhausts(scores[0] / probe):
                    break
                continue
            if size > probe:
                scores = list(map(add, scores, await totals(context, candidates, examples[probe:])))
                left -= search.population * (size - probe)
            if max(scores) == -math.inf:
                break
            told += 1
            if search.tell(points, without_failures([score / size for score in scores])):
                break
        return told

    async def _best(self, context: SeplContext, search: Search, present: Vector) -> tuple[Vector, float, float] | None:
        """The better one of mean and best vector, the present value's score, and its own; None if neither beats it."""
        size = min(_FINAL * self.episodes, len(context.train))
        examples = context.rng("comparison").sample(list(context.train), size)
        vectors = [vector for vector in (search.mean, search.best) if vector != present]
        candidates = [_candidate(context, search, vector) for vector in vectors]
        before, *after = await totals(context, [context.improve([]), *candidates], examples)
        best = max(after, default=-math.inf)
        return (vectors[after.index(best)], before / size, best / size) if best > before else None


def _candidate(context: SeplContext, search: Search, vector: Vector) -> Candidate:
    return context.improve([Edit(search.variable, [*vector])])


def _vector(variable: Variable) -> Vector:
    return [float(number) for number in variable.value]  # type: ignore[union-attr, arg-type]  # numeric_variable saw it
