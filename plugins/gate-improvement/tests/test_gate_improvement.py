import asyncio
import itertools
import math
import random
import time

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from autogenesis_core import (
    Assessment,
    Candidate,
    Cell,
    ConfigurationError,
    Evaluation,
    Failed,
    Scored,
    interval,
    paired,
    structure,
)
from autogenesis_core.testing import GateContract
from autogenesis_gate_improvement.gate import ImprovementGate


class TestImprovement(GateContract):
    option = "gate/improvement"


def assessment(before, after):
    def cells(results):
        made = (value if isinstance(value, Failed) else Scored(value) for value in results)
        return tuple(Cell(f"e{index}", result) for index, result in enumerate(made))

    return Assessment(Evaluation("new", "val", cells(after)), Evaluation("old", "val", cells(before)))


def ask(hook, found):
    return asyncio.run(hook(Candidate({}), found))


def vote(before, after, gate=None):
    return ask((gate or ImprovementGate()).sepl_gate, assessment(before, after))


def test_a_clear_gain_is_committed_with_its_evidence():
    found = vote([0.0] * 12 + [1.0] + [0.5] * 37, [1.0] * 12 + [0.0] + [0.5] * 37)
    assert (found.decision, found.reason) == ("commit", "12 fixed, 1 broken, +0.22")
    low, high = found.evidence["interval"]
    assert found.evidence["delta"] == pytest.approx(0.22)
    assert low < 0.22 < high
    assert {key: found.evidence[key] for key in ("n", "minimum", "coverage", "fixed", "broken")} == {
        "n": 50, "minimum": 0.0, "coverage": 1.0, "fixed": 12, "broken": 1,
    }  # fmt: skip
    assert found.evidence["p"] == pytest.approx((1 + 13) / 2**13)


def test_harm_is_rejected_in_plain_words():
    found = vote([1.0] * 7 + [0.0] * 43, [0.0] * 7 + [1.0] * 3 + [0.0] * 40)
    assert (found.decision, found.reason) == ("reject", "7 broken, 3 fixed")


def test_a_gain_that_may_be_chance_passes_and_its_p_is_told():
    found = vote([0.0] * 4 + [1.0] * 46, [1.0] * 50)
    assert (found.decision, found.reason) == ("commit", "4 fixed, 0 broken, +0.08")
    assert found.evidence["p"] == pytest.approx(1 / 16)


@pytest.mark.parametrize(("minimum", "decision"), [(0.1, "reject"), (0.099, "commit")])
def test_the_gain_must_be_more_than_the_minimum(minimum, decision):
    found = vote([0.0] * 10 + [1.0] * 90, [1.0] * 100, ImprovementGate(minimum=minimum))
    assert found.decision == decision
    assert found.reason == "10 fixed, 0 broken, +0.10" + (", not more than +0.10" if decision == "reject" else "")


def test_equal_scores_are_rejected():
    assert vote([1.0, 0.0], [1.0, 0.0]).reason == "no score changed"


def test_missing_scores_decide_nothing():
    lost = [Failed("infra", "no connection")] * 6
    found = vote([0.0] * 50, [1.0] * 44 + lost)
    assert (found.decision, found.reason) == (
        "indecisive",
        "only 88% of the rollouts have a score both before and after, not 90%",
    )
    assert vote([0.0] * 44 + lost, [1.0] * 50).decision == "indecisive"
    assert vote([0.0] * 44 + lost, [1.0] * 50, ImprovementGate(coverage=0.8)).decision == "commit"


def test_examples_that_were_planned_and_never_run_are_missing():
    short = evolve(assessment([0.0] * 30, [1.0] * 30), looks=(10, 25, 50), look=2)
    assert ask(ImprovementGate().sepl_gate, short).decision == "indecisive"
    assert ask(ImprovementGate().sepl_gate, evolve(short, looks=(10, 25, 30))).decision == "commit"


def test_examples_of_different_names_are_no_pairs():
    found = assessment([0.0] * 30, [1.0] * 30)
    other = evolve(found.candidate, cells=tuple(evolve(c, example=f"x{c.example}") for c in found.candidate.cells))
    assert ask(ImprovementGate().sepl_gate, evolve(found, candidate=other)).decision == "indecisive"


def test_an_invalid_rollout_counts_as_the_lowest_score():
    found = vote([1.0] * 20, [1.0] * 10 + [Failed("invalid", "broken")] * 10)
    assert (found.decision, found.reason) == ("reject", "10 broken, 0 fixed")


def test_no_pair_decides_nothing():
    assert vote([], []).decision == "indecisive"


def test_it_wants_more_evidence_until_the_gain_is_large_enough():
    gate, planned = ImprovementGate(minimum=0.5), {"looks": (10, 20), "look": 0, "complete": False}
    none = Assessment(Evaluation("", "val", ()), Evaluation("", "val", ()), looks=(10, 20), look=-1, complete=False)
    assert ask(gate.sepl_interim, none).decision == "continue"
    little = evolve(assessment([0.0] * 10, [1.0] * 5 + [0.0] * 5), **planned)
    assert ask(gate.sepl_interim, little).decision == "continue"
    much = evolve(assessment([0.0] * 10, [1.0] * 6 + [0.0] * 4), **planned)
    assert ask(gate.sepl_interim, much) is NotImplemented


def test_examples_of_one_cluster_count_as_one_pair():
    found = assessment([0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 0.0, 1.0])
    clusters = {"e0": "a", "e1": "a", "e2": "b", "e3": "b"}
    found = evolve(found, baseline=evolve(found.baseline, clusters=clusters))
    evidence = ask(ImprovementGate().sepl_gate, found).evidence
    assert (evidence["n"], evidence["fixed"], evidence["broken"]) == (2, 1, 1)


@pytest.mark.parametrize(
    "data", [{"minimum": -1}, {"minimum": math.inf}, {"coverage": 0}, {"coverage": 2}, {"draws": 10}]
)
def test_settings_out_of_range_are_refused(data):
    with pytest.raises(ConfigurationError, match=f"gate.{next(iter(data))}|{next(iter(data))}"):
        structure(data, ImprovementGate, "gate")


@pytest.mark.parametrize("n", [30, 50, 200])
def test_candidates_that_change_nothing_pass_no_more_often_than_alpha(n):
    """A/A: 0/1 scores with 70 % of the randomness shared; the test is conservative, as scores are few."""
    rng = random.Random(n)
    passed = 0
    for _ in range(1000):
        before = [float(rng.random() < 0.6) for _ in range(n)]
        after = [score if rng.random() < 0.7 else float(rng.random() < 0.6) for score in before]
        difference = [new - old for old, new in zip(before, after, strict=True)]
        passed += sum(difference) > 0 and paired(difference).p <= 0.05
    assert passed / 1000 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 1000)


def test_noise_of_continuous_scores_passes_about_as_often_as_alpha():
    rng = random.Random(1)
    ps = [paired([rng.gauss(0, 1) for _ in range(25)], draws=500).p for _ in range(600)]
    assert 0.03 <= sum(p <= 0.05 for p in ps) / 600 <= 0.07


def test_a_gain_of_a_fifth_passes_nearly_always_on_100_examples():
    rng = random.Random(5)
    passed = 0
    for _ in range(200):
        shared = [rng.random() for _ in range(100)]
        again = [u if rng.random() < 0.7 else rng.random() for u in shared]
        passed += paired([float(v < 0.7) - float(u < 0.5) for u, v in zip(shared, again, strict=True)]).p <= 0.05
    assert passed >= 190


SCORES = st.sampled_from([-1.0, -0.5, -0.3, -0.1, 0.0, 0.1, 0.2, 0.3, 1.0]) | st.floats(-2, 2).filter(
    lambda x: abs(x) > 1e-3
)


@given(st.lists(SCORES, min_size=1, max_size=9))
@settings(max_examples=60)
def test_few_differences_are_tested_exactly(differences):
    total = sum(differences)
    flips = itertools.product((1, -1), repeat=len(differences))
    reached = [math.fsum(s * d for s, d in zip(signs, differences, strict=True)) >= total - 1e-9 for signs in flips]
    assert paired(differences).p == pytest.approx(sum(reached) / len(reached))


@given(st.integers(0, 40), st.integers(0, 40))
@settings(max_examples=40)
def test_many_binary_differences_are_tested_exactly(fixed, broken):
    n = fixed + broken
    tail = sum(math.comb(n, k) for k in range(fixed, n + 1)) / 2**n
    assert paired([1.0] * fixed + [-1.0] * broken + [0.0]).p == pytest.approx(tail)


def test_random_flips_agree_with_the_exact_test():
    rng = random.Random(3)
    differences = [rng.gauss(0.35, 1) for _ in range(16)]
    exact = paired(differences).p
    sampled = paired([*differences, 1e-9]).p  # one more than is enumerated, and of no weight
    assert sampled == pytest.approx(exact, abs=0.01)


@given(st.lists(st.floats(-1, 1), min_size=17, max_size=30), st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_equal_data_give_equal_results_in_any_order(differences, rng):
    first = paired(differences, draws=200)
    rng.shuffle(differences)
    again = paired(differences, draws=200)
    assert (again.p, again.delta) == (first.p, pytest.approx(first.delta))
    assert 0 < first.p <= 1


def test_a_hundred_pairs_are_tested_within_a_tenth_of_a_second():
    rng = random.Random(0)
    differences = [rng.gauss(0, 1) for _ in range(100)]
    start = time.process_time()
    paired(differences)
    assert time.process_time() - start < 0.1


@pytest.mark.parametrize(
    ("values", "level", "expected"),
    [
        ([1.0, 2.0, 3.0, 4.0], 0.95, (0.4457397, 4.5542603)),  # Student's quantile for 3 degrees: 3.1824463
        ([1.0, 2.0], 0.95, (-4.8531024, 7.8531024)),  # for 1: 12.7062047
        ([1.0, 2.0, 3.0], 0.9, (0.3141450, 3.6858550)),  # for 2: 2.9199856
        ([0.0, 1.0] * 5, 0.95, (0.2365931, 0.7634069)),  # Wilson's
        ([1.0] * 10, 0.95, (0.7224672, 1.0)),
        ([0.3], 0.95, (0.3, 0.3)),
    ],
)
def test_intervals_are_those_of_the_tables(values, level, expected):
    assert interval(values, level) == pytest.approx(expected, abs=1e-6)


def test_the_quantile_is_continuous_where_the_method_changes():
    halves = []
    for n in (200, 201, 202, 203):
        values = [0.0, 2.0] * (n // 2) + [1.0] * (n % 2)
        low, high = interval(values)
        halves.append((high - low) / 2 * math.sqrt(n * (n - 1) / (n - n % 2)))  # without the spread: the quantile
    assert halves == pytest.approx([1.971957, 1.971896, 1.971837, 1.971777], abs=2e-6)


def test_intervals_cover_the_mean_as_often_as_they_say():
    rng = random.Random(2)
    hits = 0
    for _ in range(1000):
        low, high = interval([rng.gauss(1, 2) for _ in range(8)])
        hits += low <= 1 <= high
    assert 0.93 <= hits / 1000 <= 0.97


def test_nothing_has_no_interval_and_no_test():
    with pytest.raises(ValueError, match="at least one"):
        interval([])
    with pytest.raises(ValueError, match="at least one"):
        paired([])
