"""Several objectives, what no other system beats, and intervals where examples depend on each other."""

import asyncio
from statistics import fmean

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from autogenesis_core import Assessment, Cell, Cost, Evaluation, Question, Runtime, Scored, Usage, interval, variable
from autogenesis_core.sepl.objectives import Objectives, front
from autogenesis_core.sepl.statistics import clustered_interval
from autogenesis_core.services.model import ModelAnswer, Price
from autogenesis_core.testing import FunctionModel

numbers = st.integers(0, 4)
points = st.lists(
    st.builds(
        lambda score, money, tokens: Objectives(float(score), Cost(tokens, float(money), 1.0)),
        numbers,
        numbers,
        numbers,
    ),
    max_size=12,
)


@given(points)
def test_on_the_front_is_exactly_what_no_other_point_beats(found):
    def better(one, other):
        return (one.score, -one.cost.money, -one.cost.tokens) != (
            other.score,
            -other.cost.money,
            -other.cost.tokens,
        ) and (one.score >= other.score and one.cost.money <= other.cost.money and one.cost.tokens <= other.cost.tokens)

    assert front(found) == [not any(better(other, point) for other in found) for point in found]
    assert any(front(found)) or not found


@pytest.mark.parametrize(("seconds", "dominated"), [(1.05, False), (2.0, True)])
def test_a_latency_that_differs_by_less_than_a_tenth_does_not(seconds, dominated):
    fast, slow = Objectives(0.5, Cost(10, 1.0, 1.0)), Objectives(0.5, Cost(10, 1.0, seconds))
    assert front([fast, slow]) == [True, not dominated]


@pytest.fixture
def wordy(skilled):
    """It asks the model as often as its skill says: what is better costs more."""

    @frozen
    class Asks(skilled):
        skill: int = variable(default=3)

        async def run(self, task, context):
            for _ in range(self.skill):
                await context.model([{"role": "user", "content": task}])
            return await skilled.run(self, task, context)

    return Asks()


class Priced(FunctionModel):
    async def price(self):
        return Price(0.001, 0.001)


def priced():
    return Priced(lambda _: ModelAnswer("ok", usage=Usage(5, 5)))


def test_the_result_says_what_a_task_took_before_and_after_and_what_is_on_the_front(run, composition, wordy):
    result = run(composition([5, 2, 8], agent=wordy, model=priced(), limits={"money": 1000})).result
    found = result["objectives"]
    for split in ("val", "test"):
        before, after = found[split]["before"], found[split]["after"]
        assert (before["score"], before["tokens"], after["score"], after["tokens"]) == (0.3, 30, 0.8, 80)
        assert (before["money"], after["money"], before["latency"] > 0) == (
            pytest.approx(0.03),
            pytest.approx(0.08),
            True,
        )
    assert [(entry["round"], entry["score"], entry["tokens"], entry["n"]) for entry in found["assessed"]] == [
        (0, 0.3, 30, 10), (1, 0.5, 50, 10), (3, 0.8, 80, 10),
    ]  # fmt: skip
    assert [entry["front"] for entry in found["assessed"]] == [True] * 3  # each costs less or scores more
    assert [entry["commit"] for entry in found["assessed"] if entry["commit"]] == result["commits"]


def test_a_system_that_costs_more_and_scores_no_better_is_not_on_the_front(run, composition, skilled):
    @frozen
    class Lavish(skilled):
        async def run(self, task, context):
            for _ in range(self.skill if self.skill < 4 else 2):
                await context.model([{"role": "user", "content": task}])
            return await skilled.run(self, task, context)

    found = run(composition([2, 5], agent=Lavish(), model=priced(), limits={"money": 1000})).result["objectives"]
    entries = {entry["round"]: entry for entry in found["assessed"]}
    assert (entries[0]["front"], entries[2]["front"]) == (False, True)


def test_a_measurement_says_what_a_task_took(measured, composition, wordy):
    result = measured(composition(agent=wordy, model=priced(), limits={"money": 1000}, sizes=(0, 0, 10)))
    assert result["objectives"]["test"]["tokens"] == 30
    assert result["scores"]["test"]["coverage"] == 1


def test_what_a_judge_takes_is_no_part_of_the_systems_cost(measured, composition, wordy, digits):
    class Judged(digits):
        uses_model = True

        async def judge(self, example, outcome, model):
            await model([{"role": "user", "content": outcome.text}])
            return self.score(example, outcome)

    made = composition(agent=wordy, model=priced(), limits={"money": 1000}, sizes=(0, 0, 10), benchmark=Judged())
    result = measured(made)
    assert (result["objectives"]["test"]["tokens"], result["objectives"]["test"]["judge_tokens"]) == (30, 10)
    assert result["spent"]["calls"] == 40


def test_a_resumed_rollout_has_the_cost_that_it_had(run, composition, wordy, digits):
    class Judged(digits):
        uses_model = True

        async def judge(self, example, outcome, model):
            await model([{"role": "user", "content": outcome.text}])
            return self.score(example, outcome)

    made = composition([5], agent=wordy, model=priced(), limits={"money": 1000}, benchmark=Judged())

    async def twice():
        async with Runtime(made) as ag:
            first = await ag.evolve()
        async with Runtime(made) as ag:
            return first, await ag.evolve(resume=first["run"], replay=True)

    first, again = asyncio.run(twice())
    assert first["objectives"] == again["objectives"]


# Clusters

values = st.lists(st.lists(st.floats(-5, 5), min_size=1, max_size=4), min_size=2, max_size=8)


@given(values)
def test_a_clustered_interval_is_about_the_mean_and_counts_groups(groups):
    flat = [value for group in groups for value in group]
    low, high = clustered_interval(groups)
    if len(flat) == len(groups):
        assert (low, high) == interval(flat)
    else:
        assert (low + high) / 2 == pytest.approx(fmean(flat), abs=1e-9)


def test_equal_values_within_groups_are_worth_one_each():
    """Ten times the same document's answer is no more evidence than one."""
    single = [0.0, 1.0, 1.0, 0.5, 0.25, 1.0]
    assert clustered_interval([[value] * 10 for value in single]) == pytest.approx(interval(single))


def clustered(values, clusters):
    cells = tuple(Cell(f"e{n}", Scored(value)) for n, value in enumerate(values))
    return Evaluation("s", "val", cells, clusters=clusters)


def test_the_differences_of_a_cluster_are_one_and_their_mean_is_that_of_the_examples():
    clusters = {f"e{n}": "e5" if n < 4 else "b" for n in range(5)}  # and e5 itself is in none
    before, after = clustered([0.0] * 6, clusters), clustered([1.0, 1.0, 1.0, 0.0, 1.0, 0.0], clusters)
    differences = Assessment(after, before).differences
    assert len(differences) == 3
    assert fmean(differences) == pytest.approx(4 / 6)
    assert Assessment(evolve(after, clusters={}), evolve(before, clusters={})).differences == (1, 1, 1, 0, 1, 0)


def test_the_result_counts_clusters_where_there_are_some(measured, composition, digits):
    class Documents(digits):
        def examples(self, sizes, seed):
            found = super().examples(sizes, seed)
            return {
                split: [Question(q.id, q.input, metadata={"cluster": str(n // 4)}) for n, q in enumerate(questions)]
                for split, questions in found.items()
            }

    plain = measured(composition(sizes=(0, 0, 20)))["scores"]["test"]
    grouped = measured(composition(sizes=(0, 0, 20), benchmark=Documents()))["scores"]["test"]
    assert (plain.get("clusters"), grouped["clusters"], plain["mean"]) == (None, 5, grouped["mean"])
    assert grouped["interval"][1] - grouped["interval"][0] > plain["interval"][1] - plain["interval"][0]
