"""The gate that sizes the test by itself: how many pairs, when it looks, and what it can prove with them."""

import math
from collections.abc import Sequence
from statistics import NormalDist

from attrs import field, frozen

from autogenesis_core import Episode, InputError, Question, detectable, planned_looks
from autogenesis_gate_paired_test.gate import LEAST, NONE, SequentialGate

_KEPT = 0.96  # of the power that one look at the end has; measured, see the README
_LATE = 0.75  # one look more than `planned_looks`: a tenth fewer pairs, at the same power
_RATE = 0.6  # the share of examples passed before, as `detectable` has it
_MANY = 5000  # pairs from which on the normal approximation is exact enough


@frozen
class AutoGate(SequentialGate):
    """The test with as many pairs and looks as the data at hand and the goal ask for.

    Arguments:
        goal: the mean gain of 0/1 scores that is worth proving; pairs beyond what that takes are not paid for
        power: with what chance it is to be proved
    """

    goal: float = field(default=0.1)
    power: float = field(default=0.8)

    name = "auto"

    @goal.validator
    def _check_goal(self, _: object, value: float) -> None:
        if not 0 < value <= 1:
            raise InputError(f"goal is {value}; it is a gain of 0/1 scores, more than 0 and at most 1", "goal=0.1")

    @power.validator
    def _check_power(self, _: object, value: float) -> None:
        if not 0.5 <= value <= 0.95:
            raise InputError(f"power is {value}; it is a chance from 0.5 to 0.95", "power=0.8")

    def plan(self, examples: int, alpha: float) -> tuple[int, ...]:
        """After how many of the examples it looks; the last is what the goal needs, or all."""
        return _looks(min(examples, self._needed(alpha)))

    def describe(
        self, examples: Sequence[Question | Episode], alpha: float, *, grows: bool = True, repeats: bool = True
    ) -> str:
        """What it will do with these examples at this level, the smallest gain that it can prove, and what to change.

        Nothing is paid for that. Scores are taken for 0 or 1, of 60 % passed before, and runs for independent.

        Arguments:
            grows: whether there may be more examples than these
            repeats: whether scores vary from run to run, so that more epochs say more
        """
        groups = len({example.cluster or f"\0{example.id}" for example in examples})
        clustered = groups < len(examples)
        looks = (groups,) if clustered else self.plan(len(examples), alpha)
        pairs = looks[-1]
        smallest = self._smallest(pairs, alpha)
        said = f"{pairs} pairs" if pairs == len(examples) else f"{pairs} of {len(examples)} examples"
        if clustered:
            said = f"{groups} groups of {len(examples)} examples"
        said += f", looks at {', '.join(map(str, looks))}" if len(looks) > 1 else ", one look"
        if smallest == math.inf:
            more = "a fresh hold-out is due: other examples"
            more += f", or more of them, splits.val={self._needed(alpha)}" if grows else ""
            return f"{said}; they can prove no gain at level {alpha:.2g}; {more}"
        said += f"; the smallest gain it can prove with {self.power:.0%} power: {smallest:+.2f}"
        if smallest <= self.goal:
            return said
        needed = self._needed(alpha)
        more = f"splits.val={needed}" if grows else f"{needed} examples in val, more than there are"
        more += ", or more epochs where scores vary from run to run" if repeats else ""
        return f"{said}; to prove {self.goal:+.2f}: {more}"

    def _needed(self, alpha: float) -> int:
        """The fewest pairs, about, with which the goal is proved with the power asked for."""
        before = min(_RATE, 1 - self.goal)
        spread = (1 - before) * (before + self.goal) + before * (1 - before - self.goal) - self.goal**2
        z = -NormalDist().inv_cdf(max(alpha, NONE)) + NormalDist().inv_cdf(self.power / _KEPT)
        pairs = max(LEAST, math.ceil(spread * (z / self.goal) ** 2))
        while pairs < _MANY and self._smallest(pairs, alpha) > self.goal:
            pairs = math.ceil(pairs * 1.03)
        return pairs

    def _smallest(self, pairs: int, alpha: float) -> float:
        kept = _KEPT if len(_looks(pairs)) > 1 else 1.0
        return detectable(pairs, max(alpha, NONE), self.power / kept)


def _looks(pairs: int) -> tuple[int, ...]:
    late = math.ceil(_LATE * pairs)
    return tuple(sorted({*planned_looks(pairs), *([late] if LEAST <= late < pairs else [])}))
