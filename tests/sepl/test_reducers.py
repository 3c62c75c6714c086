"""Several epochs of an example, and how they become its value, through whole runs."""

import asyncio
from math import comb

import pytest
from attrs import frozen

from autogenesis_core import Cell, ConfigurationError, Evaluation, Runtime, Scored, variable


@pytest.fixture
def lucky(skilled):
    """An agent that is right in about as many of ten draws as its skill says."""

    @frozen
    class Lucky(skilled):
        skill: int = variable(default=3)

        async def run(self, task, context):
            return task if context.rng("luck").random() < self.skill / 10 else "?"

    return Lucky()


SCORES = ((1.0, 0.0, 0.0, 1.0), (0.0, 0.0, 0.0, 0.0), (1.0, 0.5, 0.2, 0.3))


@pytest.mark.parametrize(
    ("reducer", "values"),
    [
        ("mean", (0.5, 0.0, 0.5)), ("median", (0.5, 0.0, 0.4)), ("max", (1.0, 0.0, 1.0)),
        ("pass_at_1", (0.5, 0.0, 0.25)), ("pass_at_2", (1 - 1 / comb(4, 2), 0.0, 0.5)), ("pass_at_4", (1.0, 0.0, 1.0)),
        ("at_least_1", (1.0, 0.0, 1.0)), ("at_least_2", (1.0, 0.0, 0.0)),
    ],
)  # fmt: skip
def test_what_the_epochs_of_an_example_come_to(reducer, values):
    cells = tuple(Cell(f"e{n}", Scored(s), epoch) for n, scores in enumerate(SCORES) for epoch, s in enumerate(scores))
    found = Evaluation("s", "val", cells, reducer=reducer)
    assert tuple(found.values.values()) == pytest.approx(values)


def test_more_draws_pass_more_often_in_a_measurement(measured, composition, lucky):
    def mean(**settings):
        score = measured(composition(agent=lucky, sizes=(0, 0, 40), **settings))["scores"]["test"]
        return score["mean"], score["n"]

    one, rollouts = mean(epochs=4, reducer="pass_at_1")
    assert rollouts == 160
    assert one == mean(epochs=4)[0]
    assert 0.2 < one < 0.4
    assert mean(epochs=4, reducer="pass_at_4")[0] > mean(epochs=4, reducer="pass_at_2")[0] > one


def test_an_evolution_decides_and_reports_by_the_reducer(run, composition, lucky):
    made = composition([7], agent=lucky, sizes=(10, 20, 20), epochs=4, reducer="pass_at_2")
    result = run(made).result
    assert len(result["commits"]) == 1
    test = result["scores"]["test"]
    assert (test["before"]["n"], test["change"]["n"]) == (80, 20)
    assert test["before"]["mean"] == pytest.approx(1 - 0.7**2, abs=0.15)
    assert test["after"]["mean"] == pytest.approx(1 - 0.3**2, abs=0.15)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("epochs=2", "reducer=pass_at_4"), "pass_at_4 needs epochs=4 or more, not 2"),
        (("reducer=at_least_2",), "at_least_2 needs epochs=2 or more, not 1"),
        (("reducer=mena",), "did you mean mean"),
    ],
)
def test_a_reducer_that_cannot_be_is_told_before_anything_is_spent(words, message, tmp_path):
    with pytest.raises(ConfigurationError, match=message):
        Runtime.compose(*words, folder=tmp_path)


def test_a_rollout_that_cancels_itself_is_missing_and_no_zero(measured, composition, skilled):
    @frozen
    class Cancels(skilled):
        async def run(self, task, context):
            if int(task) % 10 == 0:
                raise asyncio.CancelledError
            return task

    score = measured(composition(agent=Cancels(), sizes=(0, 0, 10)))["scores"]["test"]
    assert (score["mean"], score["coverage"]) == (1.0, 0.9)
