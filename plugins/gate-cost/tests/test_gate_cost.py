import asyncio

import pytest
from attrs import evolve

from autogenesis_core import (
    Assessment,
    Candidate,
    Cell,
    ConfigurationError,
    Cost,
    Evaluation,
    Failed,
    Scored,
    structure,
)
from autogenesis_core.testing import GateContract
from autogenesis_gate_cost.gate import CostGate

SAME = [Cost(1000, 0.01, 2.0)] * 10


class TestCost(GateContract):
    option = "gate/cost"


def assessed(before, after, results=None, **more):
    def side(costs, found):
        return Evaluation(
            "", "val", tuple(Cell(f"e{i}", r, cost=c) for i, (c, r) in enumerate(zip(costs, found, strict=True)))
        )

    scored = [Scored(1.0)] * len(before)
    return Assessment(side(after, results or scored), side(before, scored), **more)


def vote(before, after, results=None, *, priced=True, **settings):
    return asyncio.run(CostGate(**settings).sepl_gate(Candidate({}), assessed(before, after, results, priced=priced)))


def test_what_takes_no_more_than_it_may_passes_with_its_figures():
    found = vote(SAME, [Cost(1100, 0.011, 2.0)] * 10)
    assert (found.decision, found.reason) == ("commit", "a task takes tokens +10%, money +10%, seconds +0%")
    assert found.evidence["before"] == {"tokens": 1000, "money": pytest.approx(0.01), "seconds": 2.0}
    assert found.evidence["rise"] == {"tokens": pytest.approx(0.1), "money": pytest.approx(0.1), "seconds": 0}


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (Cost(1110, 0.01, 2.0), "tokens +11% a task, more than +10%"),
        (Cost(1000, 0.0111, 2.0), "money +11% a task, more than +10%"),
        (Cost(1000, 0.01, 2.22), "seconds +11% a task, more than +10%"),
    ],
)
def test_what_takes_more_is_rejected(after, reason):
    found = vote(SAME, [after] * 10)
    assert (found.decision, found.reason) == ("reject", reason)
    assert vote(SAME, [after] * 10, tokens=None, money=None, seconds=None).decision == "commit"
    assert vote(SAME, [after] * 10, tokens=0.2, money=0.2, seconds=0.2).decision == "commit"


def test_what_is_cheaper_passes_a_limit_of_nothing():
    assert vote(SAME, [Cost(900, 0.009, 1.0)] * 10, tokens=0, money=0, seconds=0).decision == "commit"
    assert vote(SAME, SAME, tokens=0, money=0, seconds=0).decision == "commit"


def test_one_long_rollout_is_no_slower_system_but_most_rollouts_are():
    stuck = [*SAME[:9], Cost(1000, 0.01, 300.0)]
    assert vote(SAME, stuck).evidence["rise"]["seconds"] == 0
    slower = [Cost(1000, 0.01, 3.0)] * 6 + SAME[:4]
    assert vote(SAME, slower).reason == "seconds +50% a task, more than +10%"


def test_rollouts_are_compared_pair_by_pair():
    """Half of the tasks take ten times as long as the others; each is 20 % slower than before."""
    before = [Cost(1, 0, seconds) for seconds in (1.0, 10.0) * 5]
    after = [Cost(1, 0, seconds) for seconds in (1.2, 12.0) * 5]
    assert vote(before, after).evidence["rise"]["seconds"] == pytest.approx(0.2)


def test_differences_of_milliseconds_are_none():
    before, after = [Cost(0, 0, 0.001)] * 10, [Cost(0, 0, 0.003)] * 10
    assert vote(before, after).decision == "commit"
    assert vote(before, after, jitter=0.001).decision == "reject"


def test_an_unknown_price_matters_only_where_money_is_limited():
    free = [Cost(1000, 0.0, 2.0)] * 10
    found = vote(free, free, priced=False)
    assert found.decision == "indecisive"
    assert found.reason.endswith("set model.input_price and model.output_price, or gate.cost.money=null")
    assert vote(free, free, priced=False, money=None).decision == "commit"
    assert vote(free, free, priced=True).decision == "commit"  # a model that costs nothing
    assert vote(SAME, SAME, priced=False).decision == "commit"  # the provider says what it cost
    # What is too dear anyway is rejected without a price.
    assert vote(free, [Cost(2000, 0.0, 2.0)] * 10, priced=False).decision == "reject"


def test_from_nothing_any_cost_is_too_much_and_the_evidence_stays_json():
    found = vote([Cost(0, 0, 1.0)] * 10, [Cost(5, 0, 1.0)] * 10)
    assert (found.decision, found.evidence["rise"]["tokens"]) == ("reject", None)


def test_missing_costs_and_missing_scores_decide_nothing():
    assert vote([Cost()] * 10, [Cost()] * 10).decision == "indecisive"
    assert vote(SAME, [*SAME[:9], Cost()]).decision == "indecisive"
    assert vote(SAME[:4], SAME[:4]).reason == "4 rollouts say nothing of costs"
    assert vote([], []).decision == "indecisive"
    lost = [Scored(1.0)] * 8 + [Failed("infra", "no connection")] * 2
    assert vote(SAME, SAME, lost).decision == "indecisive"
    assert vote(SAME, SAME, lost, coverage=0.8).evidence["n"] == 8


def test_what_timed_out_did_take_its_time():
    results = [Scored(1.0)] * 9 + [Failed("timeout", "no answer in 60 s")]
    found = vote(SAME, [*SAME[:9], Cost(9000, 0.09, 60.0)], results)
    assert (found.decision, found.evidence["n"]) == ("reject", 10)


def test_at_a_look_it_wants_more_evidence_until_costs_are_within_limits():
    gate = CostGate()

    def interim(assessment):
        return asyncio.run(gate.sepl_interim(Candidate({}), assessment))

    found = assessed(SAME, SAME, looks=(10, 20), look=0, complete=False, priced=True)
    assert interim(found) is NotImplemented
    assert interim(evolve(found, look=-1)) is NotImplemented
    dear = assessed(SAME, [Cost(2000, 0.02, 2.0)] * 10, looks=(10, 20), look=0, complete=False, priced=True)
    assert interim(dear).decision == "continue"


@pytest.mark.parametrize(
    "data", [{"tokens": -1}, {"money": -0.1}, {"seconds": float("inf")}, {"jitter": -1}, {"coverage": 0}]
)
def test_settings_out_of_range_are_refused(data):
    with pytest.raises(ConfigurationError, match=next(iter(data))):
        structure(data, CostGate, "gate")
