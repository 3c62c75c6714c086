"""The test of a commit: sign flips of paired differences, looked at several times, at one level for all looks.

The null hypothesis: given what size the differences have, each is as likely to be a gain as a loss, independently.
Then all assignments of signs are equally likely, and a boundary for each look is a matter of counting: the paths of
sums that cross it at this look and at none before are to be no more than the level allows.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise, takewhile
from operator import getitem
from statistics import NormalDist, fmean
from typing import Literal, TypeAlias

from attrs import frozen

from autogenesis_core.identity import derive
from autogenesis_core.sepl.statistics import _byte_sums, _student, paired

Decided: TypeAlias = Literal["cross", "continue", "futile", "no"]
Spending: TypeAlias = Callable[[float, float], float]
Segments: TypeAlias = tuple[tuple[float, ...], ...]  # for each look the sizes that are new at it, sorted, without zeros

_TIED = 1e-9  # of the largest difference: sums that are nearer than rounding can tell are equal
_GRID = 1000  # steps up to the largest difference among which a grid is looked for
_BITS = 2**22  # of the number that holds all counts, up to which paths are counted
_LISTED = 16  # differences other than zero up to which all paths are listed
_HOPELESS = 0.1  # the chance of success below which more evidence is not worth its price


@frozen
class Sequential:
    """What the differences so far say.

    Attributes:
        decision: `cross` (better), `futile` (hardly provable any more), `continue` (too early), or at the end `no`
        look: which of the looks this is, from 0
        n: differences so far
        delta: their mean
        interval: its 95 % interval, Student's
        p: of the fixed-n test of the differences so far, `paired`'s
        boundary: the smallest mean that crosses at this look; None if none does
        crossed: the first look at which it crossed
        spent: of the level, the share of sign assignments that have crossed by now
    """

    decision: Decided
    look: int
    n: int
    delta: float
    interval: tuple[float, float]
    p: float
    boundary: float | None
    crossed: int | None
    spent: float


def obrien_fleming(share: float, alpha: float) -> float:
    """The level that may be spent by the time a `share` of the evidence is there: little early, all at the end.

    K. K. G. Lan, D. L. DeMets: Discrete sequential boundaries for clinical trials, Biometrika 70 (1983), alpha-1-star,
    which is like the boundary of O'Brien and Fleming.
    """
    if share >= 1:
        return alpha
    return 2 * NormalDist().cdf(NormalDist().inv_cdf(alpha / 2) / math.sqrt(share)) if share > 0 else 0.0


def sequential(
    differences: Sequence[float],
    looks: Sequence[int],
    alpha: float,
    *,
    counts: Sequence[int] | None = None,
    futility: bool = True,
    draws: int = 10_000,
    spending: Spending = obrien_fleming,
) -> Sequential:
    """The group-sequential one-sided sign-flip permutation test of "no better than before".

    Under the null the chance of ever crossing is at most `alpha`, at whatever pass rate and for scores of any kind:
    at each look the boundary is the smallest sum such that, of all sign assignments that have not crossed before, no
    more cross than `spending` allows by then, less what earlier looks really used. What discrete scores leave unused
    is carried on, and the last look may use all of it. It is exact where differences lie on a grid, as those of 0/1
    scores and of their means do, or at most 16 are not zero; else random signs stand for all, (b + 1) / (draws + 1),
    seeded by the sizes of the differences: equal data give equal results.

    Futility does not bind: the level holds if one goes on all the same. It is said where the predictive power (flat
    prior, normal approximation) is below 10 %; Spiegelhalter, Freedman, Blackburn, Controlled Clinical Trials 7 (1986).
    What crossed at an earlier look and went on nevertheless still counts, unless its mean is no gain any more.

    Arguments:
        differences: candidate less baseline, in the order of arrival
        looks: how many differences are planned by each look, the last being all
        alpha: the level, one-sided
        counts: how many there really were by each look up to now, where some are missing; default: as planned
        futility: whether to say so
        draws: random sign assignments, where they cannot be counted
        spending: the level that may be spent by a share of the looks' last number: `spending(share, alpha)`

    Raises ValueError without differences, or if these, the looks and the counts do not go together.
    """
    counts = _counts(differences, looks, counts)
    if not 0 < alpha < 1:
        raise ValueError(f"a level lies between 0 and 1, unlike {alpha}")
    look, n, last = len(counts) - 1, len(differences), len(counts) == len(looks)
    sizes = tuple(_sizes(differences[start:end]) for start, end in pairwise((0, *counts)))
    levels = tuple(spending(end / looks[-1], alpha) for end in looks[: look + 1])
    cuts, spent = _boundaries(sizes, levels, draws)
    sums = (sum(differences[:end]) for end in counts)
    crossed = next((i for i, (total, cut) in enumerate(zip(sums, cuts, strict=True)) if total >= cut), None)
    delta = fmean(differences)
    decision: Decided = "no" if last else "continue"
    if crossed is not None and delta > 0:
        decision = "cross"
    elif not last and futility and predictive(differences, n + looks[-1] - looks[look], alpha) < _HOPELESS:
        decision = "futile"
    boundary = float(f"{cuts[-1] / n:.8g}") if cuts[-1] < math.inf else None  # without what ties were allowed
    p = _fixed(differences, draws)
    return Sequential(decision, look, n, delta, _student(differences, 0.95), p, boundary, crossed, float(spent))


def predictive(differences: Sequence[float], planned: int, alpha: float) -> float:
    """The chance that the test crosses when all `planned` differences are there, by those so far.

    Normal approximation; every mean effect is as likely as any other beforehand. 1 where no score has changed yet,
    since that says nothing of how much they vary.
    """
    n, more = len(differences), planned - len(differences)
    spread = math.sqrt(sum(difference * difference for difference in differences) / n)
    if not spread or more <= 0:
        return 1.0
    expected = sum(differences) * planned / n
    needed = NormalDist().inv_cdf(1 - alpha) * spread * math.sqrt(planned)
    return NormalDist().cdf((expected - needed) / (spread * math.sqrt(more * planned / n)))


def planned_looks(examples: int) -> tuple[int, ...]:
    """After how many of the examples to look: at 20, 50 and 100 %, but not at fewer than five."""
    early = {math.ceil(examples / 5), math.ceil(examples / 2)}
    return (*sorted(look for look in early if 5 <= look < examples), examples)


@lru_cache(maxsize=1024)
def detectable(n: int, alpha: float, power: float = 0.8, rate: float = 0.6, shared: float = 0.0) -> float:
    """The smallest mean gain that the test of `n` pairs of 0/1 scores proves with a chance of `power`, to 0.001.

    Exact for the fixed-n test; looks in between cost a little of it. `math.inf` if no gain is proved so surely.

    Arguments:
        n: pairs
        alpha: the level, one-sided
        power: the chance of proving it
        rate: the share of examples passed before; less where the gain would not fit above it
        shared: the share of examples on which both see the same randomness, and differ by the gain alone
    """
    low, high = 0, 1000
    if _power(n, alpha, 1.0, rate, shared) < power:
        return math.inf
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _power(n, alpha, middle / 1000, rate, shared) >= power else (middle, high)
    return high / 1000


def _power(n: int, alpha: float, gain: float, rate: float, shared: float) -> float:
    """The chance that the fixed-n test proves a gain, over the number of scores that change and of those fixed."""
    before = min(rate, 1 - gain)
    fixed = (1 - shared) * (1 - before) * (before + gain) + shared * gain
    broken = (1 - shared) * before * max(0.0, 1 - before - gain)  # not below zero by rounding
    changed = fixed + broken
    found = 0.0
    for k in _likely(n, changed):
        least = _least(k, alpha)
        if least <= k:
            gained = _likely(k, fixed / changed)
            proved = (_binomial(k, j, fixed / changed) for j in range(max(least, gained.start), gained.stop))
            found += _binomial(n, k, changed) * sum(proved)
    return found


def _likely(n: int, share: float) -> range:
    """The numbers of successes that are not less likely than about one in a hundred million."""
    reach = 6 * math.sqrt(n * share * (1 - share)) + 6
    return range(max(0, math.floor(n * share - reach)), min(n, math.ceil(n * share + reach)) + 1)


def _binomial(n: int, k: int, share: float) -> float:
    if share <= 0 or share >= 1:
        return float(k == (n if share >= 1 else 0))
    logs = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(logs + k * math.log(share) + (n - k) * math.log1p(-share))


@lru_cache(maxsize=4096)
def _least(k: int, alpha: float) -> int:
    """The smallest number of k fair coins whose tail is at most alpha; k + 1 if there is none."""
    if k > _GRID:  # where the normal approximation is as good
        return math.ceil((k + 1 - NormalDist().inv_cdf(alpha) * math.sqrt(k)) / 2)
    ways, tail, allowed = 1, 0, int(Fraction(alpha) * 2**k)
    for heads in range(k, -1, -1):
        tail += ways
        if tail > allowed:
            return heads + 1
        ways = ways * heads // (k - heads + 1)
    return 0


def _counts(differences: Sequence[float], looks: Sequence[int], counts: Sequence[int] | None) -> tuple[int, ...]:
    if not looks or any(later <= earlier for earlier, later in pairwise((0, *looks))):
        raise ValueError(f"looks are numbers of differences, each more than the one before, unlike {list(looks)}")
    if counts is None:
        counts = [end for end in looks if end <= len(differences)]
    if not differences or not counts or counts[-1] != len(differences):
        raise ValueError(f"{len(differences)} differences are there, which is none of the looks {list(looks)}")
    if len(counts) > len(looks) or any(later < earlier for earlier, later in pairwise((0, *counts))):
        raise ValueError(f"the counts {list(counts)} do not go with the looks {list(looks)}")
    return tuple(counts)


def _sizes(differences: Sequence[float]) -> tuple[float, ...]:
    return tuple(sorted(abs(difference) for difference in differences if difference))


@lru_cache(maxsize=1024)
def _boundaries(sizes: Segments, levels: tuple[float, ...], draws: int) -> tuple[tuple[float, ...], Fraction]:
    """For each look the sum from which on it crosses, and the share of paths that cross at any.

    A boundary depends on what was there at its look alone, so that a later look finds the same one again.
    """
    if not sizes:
        return (), Fraction(0)
    cuts, spent = _boundaries(sizes[:-1], levels[:-1], draws)
    left = max(Fraction(levels[-1]) - spent, Fraction(0))
    gap = _TIED * max((size for segment in sizes for size in segment), default=1.0)
    found = _exact(sizes, cuts)
    if found is not None:
        paths, total = found
        cut, _, crossing = _cut(paths, int(left * total), gap)
        return (*cuts, cut), spent + Fraction(crossing, total)
    allowed = int(left * (draws + 1))  # of the random paths and the one that came about
    _, above, _ = _cut(((total, 1) for total in _sampled(sizes, cuts, draws)), allowed - 1, gap)
    return (*cuts, above if allowed else math.inf), spent + Fraction(allowed, draws + 1)


def _cut(paths: Iterator[tuple[float, int]], allowed: int, gap: float) -> tuple[float, float, int]:
    """Of sums in falling order: the smallest that may cross, just above the largest that may not, how many cross."""
    cut, crossing, within, previous, highest = math.inf, 0, 0, math.inf, math.inf
    for total, ways in paths:
        if previous - total > gap:  # else it is equal but for rounding, and crosses with the one before or not at all
            highest = total
            if within:
                cut, crossing = previous - gap / 2, within
        within += ways
        if within > allowed:
            return cut, highest + gap / 2, crossing
        previous = total
    return previous - gap / 2, previous - gap / 2, within


def _exact(sizes: Segments, cuts: Sequence[float]) -> tuple[Iterator[tuple[float, int]], int] | None:
    """The sums of the paths that have not crossed, falling, each with its ways, and of how many; None if too many."""
    values = {size for segment in sizes for size in segment}
    number = sum(map(len, sizes))
    grid = _grid(values)
    if grid is not None:
        steps = [[round(size * grid[0] / grid[1]) for size in segment] for segment in sizes]
        if (number // 8 + 1) * 8 * (sum(map(sum, steps)) + 1) <= _BITS:
            return _counted(steps, cuts, grid[1] / grid[0]), 2**number
    if number <= _LISTED:
        return ((total, 1) for total in _listed(sizes, cuts)), 2**number
    return None


def _grid(values: set[float]) -> tuple[int, float] | None:
    """In how many steps the largest value is to be divided so that all lie on a step, and that value."""
    largest = max(values, default=1.0)
    for steps in range(1, _GRID + 1):
        scale = steps / largest
        if all(abs(value * scale - round(value * scale)) <= _TIED * steps for value in values):
            return steps, largest
    return None


def _counted(steps: Sequence[Sequence[int]], cuts: Sequence[float], unit: float) -> Iterator[tuple[float, int]]:
    """Counts paths by their sum: digit k of a number to the base 256^width is how often k steps up are gained.

    One more difference is then one shift and one addition for all sums at once.
    """
    width, reach, ways = sum(map(len, steps)) // 8 + 1, 0, 1
    for segment, cut in zip(steps, (*cuts, math.inf), strict=True):
        for size, times in Counter(segment).items():
            if ways == 1:
                ways = _row(times, width, size)
                continue
            for _ in range(times):
                ways += ways << 8 * width * size
        reach += sum(segment)
        if cut < math.inf:
            ways &= (1 << 8 * width * max(0, math.ceil((cut / unit + reach) / 2))) - 1
    digits = ways.to_bytes(width * (reach + 1), "little")
    for up in range(reach, -1, -1):
        if here := int.from_bytes(digits[width * up : width * (up + 1)], "little"):
            yield (2 * up - reach) * unit, here


def _row(times: int, width: int, size: int) -> int:
    """The counts after `times` differences of one size, which are binomial."""
    ways, digits = 1, []
    for up in range(times + 1):
        digits.append(ways.to_bytes(width * size, "little"))
        ways = ways * (times - up) // (up + 1)
    return int.from_bytes(b"".join(digits), "little")


def _listed(sizes: Segments, cuts: Sequence[float]) -> list[float]:
    sums = [0.0]
    for segment, cut in zip(sizes, (*cuts, math.inf), strict=True):
        for size in segment:
            sums = [total + size for total in sums] + [total - size for total in sums]
        sums = [total for total in sums if total < cut]
    return sorted(sums, reverse=True)


def _sampled(sizes: Segments, cuts: Sequence[float], draws: int) -> list[float]:
    rng = random.Random(derive("sequential sign flips", draws, *sizes))  # noqa: S311  # reproducible, not secret
    sums = [0.0] * draws
    for segment, cut in zip(sizes, (*cuts, math.inf), strict=True):
        tables = [_byte_sums(segment[start : start + 8]) for start in range(0, len(segment), 8)]
        after = (total + sum(map(getitem, tables, rng.randbytes(len(tables)))) for total in sums)
        sums = [total for total in after if total < cut]
    return sorted(sums, reverse=True)


def _fixed(differences: Sequence[float], draws: int) -> float:
    """p of the fixed-n test: counted as the boundaries are, which is faster for many differences, or `paired`'s."""
    sizes = _sizes(differences)
    found = _exact((sizes,), ())
    if found is None:
        return paired(differences, draws).p
    reached = sum(differences) - _TIED * max(sizes, default=1.0)
    paths, total = found
    return sum(ways for value, ways in takewhile(lambda path: path[0] >= reached, paths)) / total


@frozen
class Simulated:
    """How often a gain was proved: by the fixed-n test, by the sequential one, and with how many pairs on average."""

    fixed: float
    found: float
    futile: float
    pairs: float


def simulate(
    gain: float,
    alpha: float,
    *,
    n: int = 50,
    rate: float = 0.6,
    shared: float = 0.7,
    tries: int = 1000,
    seed: int = 0,
    looks: Sequence[int] = (),
    futility: bool = True,
) -> Simulated:
    """Both tests on the same random pairs of 0/1 scores, which pass with `rate` before and `rate + gain` after.

    A `shared` part of the pairs passes or fails by the same draw; the others by draws of their own.
    """
    rng = random.Random(derive("simulated pairs", seed))  # noqa: S311  # reproducible, not secret
    looks = looks or planned_looks(n)
    fixed = found = futile = pairs = 0
    for _ in range(tries):
        draws = [rng.random() for _ in range(n)]
        again = [draw if rng.random() < shared else rng.random() for draw in draws]
        differences = [float((new < rate + gain) - (old < rate)) for old, new in zip(draws, again, strict=True)]
        fixed += sequential(differences, (n,), alpha).decision == "cross"
        for end in looks:
            seen = sequential(differences[:end], looks, alpha, futility=futility)
            if seen.decision != "continue":
                break
        found += seen.decision == "cross"
        futile += seen.decision == "futile"
        pairs += seen.n
    return Simulated(fixed / tries, found / tries, futile / tries, pairs / tries)
