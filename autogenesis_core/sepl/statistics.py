"""What a mean and a mean difference are known to: confidence intervals and the paired test that gates stand on."""

import math
import random
from collections.abc import Sequence
from functools import lru_cache
from operator import getitem
from statistics import NormalDist, fmean, stdev

from attrs import frozen

from autogenesis_core.identity import derive

_QUANTUM = 2.0**-40  # of the largest difference: sums that are nearer than rounding can tell are equal
_SUMS = 2000  # different sums up to which the test is exact, whatever the number of differences
_EXACT = 16  # differences up to which it is exact, whatever the sums


@frozen
class Paired:
    """A mean difference, its 95 % interval, and the one-sided p-value of "no better than before"."""

    delta: float
    interval: tuple[float, float]
    p: float


def interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """The two-sided confidence interval of the mean of `values`.

    Wilson's where all values are 0 or 1, else Student's, which is not clipped and has no width where all values are
    equal; a single value other than 0 and 1 is both ends. Raises ValueError without values.
    """
    if not values:
        raise ValueError("an interval needs at least one value")
    mean = fmean(values)
    if all(value in (0, 1) for value in values):
        return _wilson(mean, len(values), level)
    return _student(values, level)


def clustered_interval(groups: Sequence[Sequence[float]], level: float = 0.95) -> tuple[float, float]:
    """The two-sided confidence interval of the mean of values that depend on each other within their group.

    As `interval` where every group has one value; else with the cluster-robust error of Liang and Zeger (1986), which
    counts groups: of E. Miller, "Adding error bars to evals", arXiv 2411.00640, with Student's quantile.
    Raises ValueError without values.
    """
    values = [value for group in groups for value in group]
    if len(values) == len(groups) or len(groups) < 2:
        return interval(values, level)
    mean, count = fmean(values), len(groups)
    squares = sum(sum(value - mean for value in group) ** 2 for group in groups)
    half = _t_quantile((1 + level) / 2, count - 1) * math.sqrt(count / (count - 1) * squares) / len(values)
    return mean - half, mean + half


def paired(differences: Sequence[float], draws: int = 10_000) -> Paired:
    """The mean of paired differences (after - before) and a one-sided sign-flip permutation test of it.

    p is the share of all assignments of signs whose sum is at least the observed one. It is exact for at most 16
    differences other than zero, and for more where their sums take few values, as those of 0/1 scores do; else it is
    (b + 1) / (draws + 1) over random signs, seeded by the differences: equal data give equal results in any order.
    Raises ValueError without differences.
    """
    if not differences:
        raise ValueError("a paired test needs at least one difference")
    changed = sorted(difference for difference in differences if difference)
    p = _exact(changed)
    if p is None:
        p = _sampled(changed, draws)
    return Paired(fmean(differences), _student(differences, 0.95), p)


def _exact(differences: Sequence[float]) -> float | None:
    """The share of sign assignments that reach the observed sum, by counting how often each sum occurs.

    None if there are too many different sums to count.
    """
    limit = 2**_EXACT if len(differences) <= _EXACT else _SUMS
    unit = max(map(abs, differences), default=1.0) * _QUANTUM
    steps = [round(difference / unit) for difference in differences]
    counts = {0: 1}
    for step in steps:
        after: dict[int, int] = {}
        for total, ways in counts.items():
            for flipped in (total + step, total - step):
                after[flipped] = after.get(flipped, 0) + ways
        if len(after) > limit:
            return None
        counts = after
    reached = sum(steps) - len(steps)  # each step was rounded by half a unit at most
    return sum(ways for total, ways in counts.items() if total >= reached) / (1 << len(steps))


def _sampled(differences: Sequence[float], draws: int) -> float:
    rng = random.Random(derive("sign flips", draws, *differences))  # noqa: S311  # reproducible, not secret
    tables = [_byte_sums(differences[start : start + 8]) for start in range(0, len(differences), 8)]
    reached = sum(differences) - sum(map(abs, differences)) * _QUANTUM * 8
    hits = sum(sum(map(getitem, tables, rng.randbytes(len(tables)))) >= reached for _ in range(draws))
    return (hits + 1) / (draws + 1)


def _byte_sums(differences: Sequence[float]) -> list[float]:
    """The sum of at most eight differences for each byte whose bits are their signs: one look-up in place of eight."""
    sums = [0.0]
    for difference in differences:
        sums = [total + difference for total in sums] + [total - difference for total in sums]
    return sums * (256 // len(sums))


def _wilson(mean: float, n: int, level: float) -> tuple[float, float]:
    z = NormalDist().inv_cdf((1 + level) / 2)
    centre = (mean + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(mean * (1 - mean) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def _student(values: Sequence[float], level: float) -> tuple[float, float]:
    mean = fmean(values)
    if len(values) < 2:
        return mean, mean
    half = _t_quantile((1 + level) / 2, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return mean - half, mean + half


@lru_cache(maxsize=256)
def _t_quantile(probability: float, freedom: int) -> float:
    """Student's t quantile for a probability above 1/2: bisection, or for many degrees of freedom an expansion.

    M. Abramowitz, I. Stegun: Handbook of Mathematical Functions, 26.7.3, 26.7.4 and 26.7.5.
    """
    z = NormalDist().inv_cdf(probability)
    if freedom > 200:
        terms = ((z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96, (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384)
        return z + sum(term / float(freedom) ** power for power, term in enumerate(terms, 1))
    low, high = 0.0, math.pi / 2  # of the angle whose tangent is t / sqrt(freedom)
    for _ in range(60):
        angle = (low + high) / 2
        low, high = (angle, high) if _t_mass(angle, freedom) < 2 * probability - 1 else (low, angle)
    return math.tan((low + high) / 2) * math.sqrt(freedom)


def _t_mass(angle: float, freedom: int) -> float:
    """The probability between -t and t."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(2 + odd, freedom - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    return 2 / math.pi * (angle + sine * total) if odd else sine * total


def largest_of_normals(m: int) -> float:
    """The mean of the largest of `m` independent standard normal draws, by Blom's approximation (1958)."""
    return NormalDist().inv_cdf((m - 0.375) / (m + 0.25)) if m > 1 else 0.0
