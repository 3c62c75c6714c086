"""Reducers: how the scores of one example's epochs become its value (the names are those of Inspect AI)."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import comb
from statistics import fmean, median

from autogenesis_core.errors import unknown

Reducer = Callable[[Sequence[float]], float]
_PLAIN: dict[str, Reducer] = {"mean": fmean, "median": median, "max": max}
_COUNTING = re.compile(r"(pass_at|at_least)_([1-9]\d{0,3})")
_PASSED = 1.0  # a score from which a rollout counts as passed


@lru_cache
def reducer(name: str) -> Reducer:
    """The reducer of a name; raises UnknownName.

    `pass_at_K` is the chance that one of K draws passes, estimated without bias from all epochs (Chen et al., arXiv
    2107.03374); `at_least_K` is 1 where K epochs or more passed, else 0. A rollout passes with a score of 1 or more.
    """
    if name in _PLAIN:
        return _PLAIN[name]
    found = _COUNTING.fullmatch(name)
    if found is None:
        raise unknown("reducer", name, [*_PLAIN, "pass_at_2", "at_least_2"])
    k = int(found[2])
    return (lambda values: _pass_at(values, k)) if found[1] == "pass_at" else (lambda values: _at_least(values, k))


def draws_needed(name: str) -> int:
    """How many epochs a reducer needs at least; raises UnknownName."""
    reducer(name)
    found = _COUNTING.fullmatch(name)
    return int(found[2]) if found else 1


def _pass_at(values: Sequence[float], k: int) -> float:
    n, passed = len(values), sum(value >= _PASSED for value in values)
    return float(passed > 0) if n <= k else 1.0 - comb(n - passed, k) / comb(n, k)


def _at_least(values: Sequence[float], k: int) -> float:
    return float(sum(value >= _PASSED for value in values) >= k)
