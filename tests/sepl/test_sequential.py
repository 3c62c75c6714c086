import itertools
import math
import random
import time
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogenesis_core import detectable, paired, planned_looks, sequential
from autogenesis_core.sepl.sequential import obrien_fleming, predictive, simulate

LEVELS = (0.05, 0.025, 0.0083)
ALPHAS = st.sampled_from([0.05, 0.025, 0.1, 0.3])
SIZES = st.sampled_from([0.0, 1.0, 1.0, 1 / 3, 0.1, 0.2, 0.3, 7.0]) | st.floats(0.001, 3.0)


def ever_crosses(signed, looks, alpha, **options):
    """Whether these differences cross at one of the looks, as somebody sees who looks at each."""
    seen = (sequential(signed[:end], looks, alpha, futility=False, **options) for end in looks)
    return any(found.decision == "cross" for found in seen)


def flips(sizes):
    return ([sign * size for sign, size in zip(signs, sizes, strict=True)]
            for signs in itertools.product((1, -1), repeat=len(sizes)))  # fmt: skip


@given(st.lists(SIZES, min_size=3, max_size=8), ALPHAS, st.data())
@settings(max_examples=20, deadline=None)
def test_of_all_assignments_of_signs_no_more_than_the_level_ever_cross(sizes, alpha, data):
    early = data.draw(st.sets(st.integers(1, len(sizes) - 1), max_size=2))
    looks = (*sorted(early), len(sizes))
    crossing = sum(ever_crosses(signed, looks, alpha) for signed in flips(sizes))
    assert crossing / 2 ** len(sizes) <= alpha


def test_the_level_is_used_up_as_far_as_discrete_scores_allow():
    looks = (4, 7, 10)
    crossing = sum(ever_crosses(signed, looks, 0.1) for signed in flips([1.0] * 10))
    last = sequential([1.0] * 10, looks, 0.1)
    assert crossing / 2**10 == last.spent  # the mean of each that crosses is a gain
    assert 0.05 < last.spent <= 0.1


def test_what_an_early_look_leaves_unused_is_carried_on():
    """Four differences cannot reach what may be spent at the first look; the last look spends all the same."""
    found = [sequential([1.0] * end, (4, 20), 0.05) for end in (4, 20)]
    assert (found[0].boundary, found[0].spent) == (None, 0.0)
    assert found[1].boundary == sequential([1.0] * 20, (20,), 0.05).boundary


def test_one_look_is_the_test_of_fixed_n():
    for fixed, broken in itertools.product(range(12), range(4)):
        differences = [1.0] * fixed + [-1.0] * broken + [0.0] * 10
        found = sequential(differences, (len(differences),), 0.05)
        assert found.p == pytest.approx(paired(differences).p)
        assert (found.decision == "cross") == (found.p <= 0.05)


def test_p_and_interval_are_those_of_the_paired_test():
    rng = random.Random(1)
    grid = [rng.choice([-1.0, -1 / 3, 0.0, 1 / 3, 2 / 3]) for _ in range(30)]
    free = [rng.gauss(0.1, 1) for _ in range(40)]
    for differences in (grid, free, grid[:3], [0.0] * 4):
        found, test = sequential(differences, (100,), 0.05, counts=(len(differences),)), paired(differences)
        assert found.p == pytest.approx(test.p, rel=1e-3)
        assert (found.delta, found.interval) == (test.delta, test.interval)


def test_random_signs_agree_with_counting():
    """The same sizes, once on a grid and once off it by less than matters."""
    rng = random.Random(3)
    differences = [rng.choice([-1.0, 1.0, 2.0]) for _ in range(60)]
    bent = [difference * (1 + rng.uniform(-1e-5, 1e-5)) for difference in differences]
    for end in planned_looks(60)[1:]:
        exact, sampled = (sequential(d[:end], planned_looks(60), 0.05) for d in (differences, bent))
        assert sampled.boundary == pytest.approx(exact.boundary, abs=2.1 / end)  # a step of sums is 2
        assert (sampled.decision, sampled.look) == (exact.decision, exact.look)


def test_noise_of_continuous_scores_crosses_no_more_often_than_the_level():
    rng = random.Random(7)
    tries, looks = 300, (9, 18)
    crossing = sum(ever_crosses([rng.gauss(0, 1) for _ in range(18)], looks, 0.1, draws=200) for _ in range(tries))
    assert 0.05 <= crossing / tries <= 0.1 + 3 * math.sqrt(0.1 * 0.9 / tries)  # in the long run it is the level


def test_a_later_look_finds_the_boundaries_of_earlier_ones_again():
    """Sizes that fall on a grid at first and later do not: the first look still crossed at the first look."""
    differences = [1.0] * 12 + [math.pi] * 3 + [-math.e / 9] * 15
    first = sequential(differences[:12], (12, 30), 0.05)
    last = sequential(differences, (12, 30), 0.05)
    assert (first.decision, last.decision, last.crossed) == ("cross", "cross", 0)


def test_what_crossed_and_went_on_to_no_gain_is_no_gain():
    last = sequential([1.0] * 12 + [-1.0] * 12, (12, 24), 0.05)
    assert (last.crossed, last.decision) == (0, "no")


def test_equal_data_give_equal_results():
    differences = [random.Random(2).gauss(0.2, 1) for _ in range(30)]
    assert sequential(differences, (10, 30), 0.05) == sequential(list(differences), (10, 30), 0.05)


def test_missing_differences_leave_the_plan_of_spending_as_it_was():
    whole = sequential([1.0] * 25, (10, 25, 50), 0.05)
    short = sequential([1.0] * 23, (10, 25, 50), 0.05, counts=(9, 23))
    assert (whole.look, short.look) == (1, 1)
    assert whole.decision == short.decision == "cross"
    assert short.spent <= obrien_fleming(0.5, 0.05)


def test_the_spending_is_little_early_and_all_at_the_end():
    """A constant boundary of the sum, which grows with the square root of the share: what O'Brien and Fleming have."""
    shares = (0.1, 0.2, 0.5, 0.8, 1.0)
    spent = [obrien_fleming(share, 0.05) for share in shares]
    scaled = [
        NormalDist().inv_cdf(1 - level / 2) * math.sqrt(share) for level, share in zip(spent, shares, strict=True)
    ]
    assert scaled == pytest.approx([NormalDist().inv_cdf(0.975)] * 5)
    assert spent == sorted(spent)
    assert obrien_fleming(0.0, 0.05) == 0


def test_a_candidate_that_has_fallen_behind_is_futile_and_one_in_front_is_not():
    behind, ahead = [-1.0] * 6 + [0.0] * 19, [1.0] * 3 + [0.0] * 22
    assert sequential(behind, (10, 25, 50), 0.05).decision == "futile"
    assert sequential(behind, (10, 25, 50), 0.05, futility=False).decision == "continue"
    assert sequential(ahead, (10, 25, 50), 0.05).decision == "continue"
    assert sequential([0.0] * 10, (10, 25, 50), 0.05).decision == "continue"
    assert predictive([0.0] * 10, 50, 0.05) == 1


@pytest.mark.parametrize("alpha", LEVELS)
def test_looking_costs_less_than_a_twentieth_of_the_power_and_saves_pairs(alpha):
    found = simulate(0.2, alpha, tries=500, seed=1)
    assert found.found >= 0.95 * found.fixed > 0.5
    assert found.pairs < 50


@pytest.mark.parametrize("rate", [0.1, 0.6, 0.95])
def test_what_changes_nothing_passes_no_more_often_than_the_level_at_any_rate(rate):
    found = simulate(0.0, 0.05, rate=rate, shared=0.3, tries=300, futility=False)
    assert found.found <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 300)


def test_looks_are_at_a_fifth_a_half_and_all():
    assert planned_looks(50) == (10, 25, 50)
    assert planned_looks(24) == (5, 12, 24)
    assert planned_looks(10) == (5, 10)
    assert planned_looks(9) == (5, 9)
    assert planned_looks(5) == (5,)
    assert planned_looks(1) == (1,)


def test_the_detectable_gain_is_found_as_often_as_it_says():
    for shared in (0.0, 0.7):
        gain = detectable(50, 0.05, 0.8, 0.6, shared)
        found = simulate(gain, 0.05, shared=shared, tries=800, looks=(50,))
        assert found.fixed == pytest.approx(0.8, abs=3 * math.sqrt(0.8 * 0.2 / 800))


def test_a_detectable_gain_is_found_for_any_number_of_pairs_and_any_level():
    gains = [detectable(n, 0.05 / (k * (k + 1)), power) for n in (20, 24) for k in (1, 5, 20) for power in (0.5, 0.95)]
    assert all(gain > 0 for gain in gains)


def test_the_detectable_gain_shrinks_with_pairs_and_with_what_they_share():
    gains = [detectable(n, 0.05) for n in (4, 5, 20, 50, 200, 1000, 5000)]
    assert gains[0] == math.inf  # 1/16 at best
    assert gains == sorted(gains, reverse=True)
    assert detectable(50, 0.05, shared=0.7) < detectable(50, 0.05) < detectable(50, 0.01) < 0.4
    assert detectable(50, 0.05, power=0.5) < detectable(50, 0.05)


@pytest.mark.parametrize(
    ("differences", "looks", "options", "says"),
    [
        ([], (10,), {}, "none of the looks"),
        ([1.0] * 3, (10,), {}, "none of the looks"),
        ([1.0] * 3, (), {}, "each more than the one before"),
        ([1.0] * 3, (3, 3), {}, "each more than the one before"),
        ([1.0] * 3, (2, 3), {"counts": (4, 3)}, "do not go with"),
        ([1.0] * 3, (3,), {"counts": (2, 3)}, "do not go with"),
    ],
)
def test_what_does_not_go_together_is_an_error(differences, looks, options, says):
    with pytest.raises(ValueError, match=says):
        sequential(differences, looks, 0.05, **options)
    with pytest.raises(ValueError, match="between 0 and 1"):
        sequential([1.0], (1,), 0.0)


def test_a_look_takes_less_than_a_moment():
    for n, most in ((50, 0.004), (1000, 0.04)):  # four and two times what it takes on a slow machine
        rng = random.Random(n)
        differences = [float(rng.choice([1, 0, 0, -1])) for _ in range(n)]
        start = time.process_time()
        sequential(differences, planned_looks(n), 0.0499)
        assert time.process_time() - start < most
