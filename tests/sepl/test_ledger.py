"""The ledger's rule: over all runs of a lineage, the chance of any false commit stays within the level."""

import random
from math import isclose, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogenesis_core import Vote, hookimpl
from autogenesis_core.rspl.store import Grant, Store
from autogenesis_core.sepl.ledger import granted, holdout_id, lineage_id

LEVEL = 0.05


def after(earlier, committed, reused, level=LEVEL):
    """The decisions so far and one more."""
    number = len(earlier) + 1
    alpha = granted(level, earlier, reused)
    return [*earlier, Grant(number, alpha, reused, committed, "r", str(number))]


def lineage(decisions, reused, level=LEVEL):
    """The grants of decisions, each of which did or did not commit."""
    grants = []
    for committed in decisions:
        grants = after(grants, committed, reused, level)
    return grants


def tree(depth, reused):
    """Every history of up to `depth` decisions, each with the alphas of all nodes on its way."""
    histories = [[]]
    for _ in range(depth):
        yield from (granted(LEVEL, history, reused) for history in histories)
        histories = [after(history, committed, reused) for history in histories for committed in (False, True)]


def falsely_committed(draw, decisions, rule):
    """Whether a lineage commits anything, whose candidates are all no better."""
    grants = []
    for number in range(decisions):
        alpha = rule(grants)
        committed = draw.random() <= alpha
        grants.append(Grant(number + 1, alpha, False, committed, "r", str(number)))
    return any(grant.committed for grant in grants)


def share(rule, lineages=20_000, decisions=30):
    draw = random.Random(0)
    return sum(falsely_committed(draw, decisions, rule) for _ in range(lineages)) / lineages


def test_the_first_decisions_get_a_half_a_sixth_and_a_twelfth_of_the_level():
    assert [grant.alpha for grant in lineage([False] * 3, reused=False, level=0.06)] == pytest.approx(
        [0.03, 0.01, 0.005]
    )


def test_a_commit_hands_its_level_on_and_a_rejection_does_not():
    assert granted(0.06, lineage([True], False, 0.06), False) == pytest.approx(0.01 + 0.03)
    assert granted(0.06, lineage([True, True], False, 0.06), False) == pytest.approx(0.005 + 0.01 + 0.03)
    assert granted(0.06, lineage([True, False], False, 0.06), False) == pytest.approx(0.005)


def test_on_reused_cells_nothing_is_handed_on_and_each_history_has_its_share():
    assert granted(0.06, [], True) == pytest.approx(0.03)
    assert granted(0.06, lineage([False], True, 0.06), True) == pytest.approx(0.01 / 2)
    assert granted(0.06, lineage([True], True, 0.06), True) == pytest.approx(0.01 / 6)
    assert granted(0.06, lineage([True, False], True, 0.06), True) == pytest.approx(0.005 / (2 * 2 * 3))


def test_on_fresh_cells_the_share_of_lineages_with_a_false_commit_is_within_the_level():
    """Simulated, p uniform: three standard errors above the level would be chance in one seed of a thousand."""
    found = share(lambda earlier: granted(LEVEL, earlier, reused=False))
    assert found <= LEVEL + 3 * (LEVEL * (1 - LEVEL) / 20_000) ** 0.5
    assert found >= LEVEL / 2, "the level is used"


def test_the_simulation_tells_a_rule_that_errs_too_often():
    assert share(lambda _: LEVEL, lineages=2_000) > 0.5


@given(st.lists(st.sampled_from(["no better", "better, found", "better, missed"]), max_size=40), st.floats(0.001, 0.5))
def test_on_fresh_cells_what_may_be_spent_on_false_commits_is_within_the_level_whatever_is_true(kinds, level):
    """Before the first false commit: the sum of alphas of what is no better bounds its chance."""
    grants = lineage([kind == "better, found" for kind in kinds], reused=False, level=level)
    assert sum(g.alpha for g, kind in zip(grants, kinds, strict=True) if kind == "no better") <= level * (1 + 1e-9)


def test_on_fresh_cells_the_exact_chance_of_a_false_commit_is_within_the_level_however_long():
    alphas = [grant.alpha for grant in lineage([False] * 1_000, reused=False)]
    assert LEVEL / 2 < 1 - prod(1 - alpha for alpha in alphas) < LEVEL


def test_on_reused_cells_the_worst_adversary_over_all_histories_stays_within_the_level():
    """It gives each of the 1,023 histories a candidate of its own, and their errors never fall together."""
    total = sum(tree(10, reused=True))
    depths = [1 / (k * (k + 1)) * (1 - 1 / (k + 1) if k > 1 else 1) for k in range(1, 11)]
    assert isclose(total, LEVEL * sum(depths), rel_tol=1e-9)
    assert total <= LEVEL


def test_the_rule_for_fresh_cells_would_not_hold_on_reused_ones():
    assert sum(tree(10, reused=False)) > LEVEL


@given(st.lists(st.booleans(), max_size=60), st.booleans(), st.floats(0.001, 0.5))
def test_no_decision_gets_more_than_the_level_or_nothing(decisions, reused, level):
    for grant in lineage(decisions, reused, level):
        assert 0 < grant.alpha <= level * (1 + 1e-9)


def test_a_very_long_history_is_granted_next_to_nothing_and_no_error():
    earlier = [Grant(n + 1, 0.0, True, n % 2 == 0, "r", str(n)) for n in range(3_000)]
    assert 0 <= granted(LEVEL, earlier, reused=True) < 1e-300


def test_cells_that_are_reused_after_fresh_ones_count_all_commits_before():
    earlier = lineage([True, True, False], reused=False)
    assert granted(LEVEL, earlier, True) == pytest.approx(LEVEL / (4 * 5) / (3 * 3 * 4))


def test_the_rule_spends_in_the_store_over_several_runs():
    with Store.memory() as store:
        place = (lineage_id("main", ["agent/a", "prompt/p"]), holdout_id(["e1", "e2"]))
        for run in ("r1", "r2"):
            for decision in ("0", "1"):
                store.spend(*place, run, decision, lambda earlier: granted(LEVEL, earlier, False), reused=False)
        found = store.ledger(*place)
    assert [(g.run, g.decision) for g in found] == [("r1", "0"), ("r1", "1"), ("r2", "0"), ("r2", "1")]
    assert [g.alpha for g in found] == pytest.approx([LEVEL / 2, LEVEL / 6, LEVEL / 12, LEVEL / 20])


def test_a_lineage_is_a_branch_and_what_evolves_on_it_in_any_order():
    names = ["agent/a", "prompt/p"]
    assert lineage_id("main", names) == lineage_id("main", iter([*reversed(names), "agent/a"]))
    others = [lineage_id("demo", names), lineage_id("main", names[:1]), lineage_id("main", []), holdout_id(names)]
    assert len({lineage_id("main", names), *others}) == 5


def test_a_holdout_set_is_its_examples_in_any_order():
    assert holdout_id(["e1", "e2"]) == holdout_id(iter(["e2", "e1", "e2"]))
    assert len({holdout_id(["e1", "e2"]), holdout_id(["e1"]), holdout_id([])}) == 3


def test_a_holdout_set_that_grew_or_was_dealt_anew_in_part_is_the_same_one():
    old, new = [f"e{i}" for i in range(10)], [f"n{i}" for i in range(10)]
    with Store.memory() as store:

        def spend(run, examples):
            store.spend("l", "h", run, "0", lambda earlier: 0.01, reused=False, examples=examples)

        assert store.holdout("l", old) is None
        spend("r1", old)
        assert store.holdout("l", old) == "h"
        assert store.holdout("l", [*old, *new[:9]]) == "h"
        assert store.holdout("l", [*old[:5], *new[:5]]) is None
        assert store.holdout("another", old) is None
        spend("r2", [*old[:6], *new[:4]])
        assert store.holdout("l", [*old[8:], *new[:4]]) == "h"
        assert [grant.number for grant in store.ledger("l", "h")] == [1, 2]


def test_a_file_that_grows_does_not_give_a_lineage_a_fresh_ledger(run, composition):
    first = run(composition([5], sizes=(10, 10, 10), gate=Tests()))
    second = run(composition([6], sizes=(10, 12, 10), gate=Tests()))
    assert first.result["alpha"]["decisions_on_this_holdout"] == 1
    assert second.result["alpha"]["decisions_on_this_holdout"] == 2
    assert second.result["alpha"]["spent"] < first.result["alpha"]["spent"]


class Tests:
    """A gate that tests, so that its decisions are granted a level."""

    def plan(self, examples, alpha):
        return (examples,)

    @hookimpl
    async def sepl_gate(self, assessment):
        return Vote("tests", "reject", "not proved")
