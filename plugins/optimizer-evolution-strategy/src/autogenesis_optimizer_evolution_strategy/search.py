"""The search itself: CMA-ES (Hansen, arXiv 1604.00772) by the package `cma`, with random numbers of its own."""

import math
import random
from collections.abc import Sequence
from typing import Any

from attrs import define

Vector = list[float]

_LARGEST = 128  # candidates of a default generation
_FULL = 500  # numbers; a longer vector gets variances only, for a full covariance costs its length squared and more


@define(eq=False)
class Search:
    """A distribution over vectors that moves towards higher scores, and what it has seen.

    Arguments:
        variable: whose values are searched
        best, best_score: the vector of the highest score so far, and that score, which luck has raised
        lowest: the lowest score so far
    """

    variable: str
    strategy: Any  # cma has no types
    size: int
    best: Vector
    best_score: float = -math.inf
    lowest: float = math.inf

    @classmethod
    def begin(cls, variable: str, start: Vector, sigma: float, population: int | None, rng: random.Random) -> "Search":
        """A search around `start` with standard deviation `sigma`; `rng` decides all that is random in it."""
        strategy = _strategy(start, sigma, population or default_population(len(start)), rng)
        return cls(variable, strategy, len(start), start)

    @property
    def mean(self) -> Vector:
        """The middle of the distribution."""
        return self.vector(self.strategy.mean)

    @property
    def population(self) -> int:
        """Vectors of one generation."""
        return int(self.strategy.popsize)

    def ask(self) -> list[Any]:
        """The vectors of the next generation, as cma wants them back; `vector` makes them plain."""
        return list(self.strategy.ask())

    def tell(self, points: Sequence[Any], scores: Sequence[float]) -> bool:
        """Moves the distribution towards the vectors of the highest scores; True if the scores have settled.

        They have when the better half ties above the lowest score ever seen: the rest would only repeat it.
        """
        self.strategy.tell(points, [-score for score in scores])
        self.lowest = min(self.lowest, *scores)
        ordered = sorted(scores, reverse=True)
        if ordered[0] >= self.best_score:
            self.best_score = ordered[0]
            self.best = self.vector(points[scores.index(ordered[0])])
        return ordered[0] == ordered[(len(ordered) - 1) // 2] > self.lowest

    def exhausts(self, score: float) -> bool:
        """Whether a generation that ties at `score` ends the search: above the lowest score, or where all failed."""
        if score > self.lowest or score == -math.inf:
            return True
        self.lowest = score
        return False

    def vector(self, point: Any) -> Vector:
        """A vector as plain numbers."""
        return [float(number) for number in point[: self.size]]


def default_population(size: int) -> int:
    """cma's own default, 4 + 3 ln n, is for smooth functions; noisy plateaus need twice the dimension."""
    return max(4 + int(3 * math.log(size)), min(2 * size, _LARGEST))


def _strategy(start: Vector, sigma: float, population: int, rng: random.Random) -> Any:
    import cma
    import numpy as np

    generator = np.random.default_rng(rng.getrandbits(64))
    options = {
        "popsize": population,
        # cma's own seed would reseed numpy's global generator; not-a-number keeps its hands off.
        "seed": np.nan,
        "randn": lambda *shape: generator.standard_normal(shape),
        # Noise and plateaus make step-size control shrink too early (FrozenLake: 2 of 60 runs stuck at 0.25, against
        # none without it); the covariance alone shrinks where scores tell vectors apart.
        "AdaptSigma": False,
        "CMA_diagonal": len(start) > _FULL,
        "verbose": -9,
        "verb_log": 0,
    }
    # cma does not work in one dimension, so there the vector gets a second number that nobody reads.
    return cma.CMAEvolutionStrategy(start if len(start) > 1 else [*start, 0.0], sigma, options)
