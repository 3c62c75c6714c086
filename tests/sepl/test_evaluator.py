import asyncio
from typing import Any

import pytest
from attrs import define, evolve, field, frozen

from autogenesis_core import (
    Agent,
    Answer,
    Benchmark,
    Environment,
    EnvironmentSpec,
    InputError,
    Memory,
    Overloaded,
    PluginError,
    Question,
    Score,
    Step,
    hookimpl,
    variable,
)

CALLS = []


@frozen
class Troubled(Agent):
    """Fails in the way that its task's last digit says."""

    uses_model = False
    skill: int = variable(default=3)

    async def run(self, task, context):
        CALLS.append((task, self.skill, context.seed))
        match int(task) % 10:
            case 0:
                raise ValueError("its own fault")
            case 1:
                await asyncio.sleep(30)
            case 2:
                raise ConnectionError("the network's fault")
            case 3:
                raise Overloaded("the provider's fault")
            case 4:
                raise TimeoutError("too late")
        return task


@pytest.fixture(autouse=True)
def _calls():
    CALLS.clear()


def test_only_an_agents_own_fault_counts_as_the_lowest_score(measured, composition):
    result = measured(composition(agent=Troubled(), sizes=(0, 0, 10), timeout=0.1))
    assert result["scores"]["test"]["n"] == 10
    assert result["scores"]["test"]["mean"] == pytest.approx(5 / 6)
    assert result["scores"]["test"]["coverage"] == pytest.approx(0.6)


def test_the_lowest_score_is_the_benchmarks(measured, composition, digits):
    class Harsh(digits):
        lowest = -5.0

    result = measured(composition(agent=Troubled(), sizes=(0, 0, 10), timeout=0.1, benchmark=Harsh()))
    assert result["scores"]["test"]["mean"] == pytest.approx((5 - 5) / 6)


def test_if_nothing_was_scored_there_is_no_mean_and_nothing_is_committed(run, composition, skilled):
    @frozen
    class Offline(skilled):
        async def run(self, task, context):
            raise ConnectionError("no network")

    ran = run(composition([5], agent=Offline()))
    assert ran.result["scores"]["test"]["before"] == {"mean": None, "interval": None, "n": 10, "coverage": 0.0}
    assert (ran.result["commits"], ran.result["rounds"][0]["reason"]) == ([], "no better on train: - → -")


def test_a_failure_is_in_the_journal_with_its_kind_and_reason(run, composition):
    ran = run(composition([], optimizer=object(), agent=Troubled(), sizes=(1, 1, 10), timeout=0.1, rounds=1))
    failed = [body for event, body in ran.journal if event == "rollout" and "failed" in body]
    assert {body["example"]: body["failed"] for body in failed} == {
        "test-0": "invalid", "test-1": "timeout", "test-2": "infra", "test-3": "infra", "test-4": "timeout",
    }  # fmt: skip
    assert next(body["reason"] for body in failed if body["example"] == "test-2") == (
        "ConnectionError: the network's fault"
    )


def test_what_failed_is_tried_again_when_it_is_asked_for_again_and_what_was_scored_is_not(run, composition):
    """Nothing is committed, so that test is asked for twice of the same system."""
    run(composition([], optimizer=object(), agent=Troubled(), sizes=(1, 1, 10), timeout=0.1, rounds=1))
    counts = {task: [call[0] for call in CALLS].count(task) for task in {call[0] for call in CALLS}}
    assert (counts["2005"], counts["2002"]) == (1, 2)


@pytest.mark.parametrize("splits", [(5, 5, 0), (0, 5, 5), (5, 5, 5)])
def test_an_empty_split_is_left_out(measured, composition, splits):
    found = measured(composition(sizes=splits))["scores"]
    assert list(found) == [split for split, size in zip(("train", "val", "test"), splits, strict=True) if size]


def test_an_evolution_without_test_examples_is_possible(run, composition):
    result = run(composition([5], sizes=(5, 10, 0))).result
    assert result["scores"]["val"]["after"]["mean"] == 0.5


@pytest.mark.parametrize("sizes", [(0, 10, 10), (10, 0, 10)])
def test_an_evolution_without_train_or_val_is_refused(run, composition, sizes):
    with pytest.raises(InputError, match=r"splits\.train"):
        run(composition([5], sizes=sizes))


class Broken(Benchmark):
    """Its scorer raises."""

    def examples(self, sizes, seed):
        return {split: [Question(f"{split}-{i}", str(i)) for i in range(size)] for split, size in sizes.items()}

    def score(self, example, outcome):
        return Score(1 / 0)


def test_a_scorer_that_raises_ends_the_run_with_its_name_and_the_example(measured, composition):
    with pytest.raises(PluginError, match="the scorer of Broken failed on test-0: ZeroDivisionError"):
        measured(composition(benchmark=Broken(), sizes=(0, 0, 1)))


@pytest.mark.parametrize("error", [TimeoutError("slow"), OSError("disk"), ValueError("odd"), SystemExit(1)])
def test_a_scorers_error_is_never_the_agents(measured, composition, digits, error):
    class Raises(digits):
        def score(self, example, outcome):
            raise error

    with pytest.raises(PluginError, match="the scorer of Raises failed"):
        measured(composition(benchmark=Raises(), sizes=(0, 0, 1)))


def test_a_scorer_that_is_too_late_gives_no_score_and_no_zero(measured, composition, digits):
    class Slow(digits):
        async def score(self, example, outcome):
            await asyncio.sleep(30 if example.id == "test-0" else 0)
            return Score(1.0)

    found = measured(composition(benchmark=Slow(), sizes=(0, 0, 4), timeout=0.05))["scores"]["test"]
    assert (found["mean"], found["coverage"]) == (1.0, 0.75)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "high", None])
def test_a_score_that_is_no_finite_number_is_the_scorers_error(measured, composition, digits, value):
    class Odd(digits):
        def score(self, example, outcome):
            return Score(value)

    with pytest.raises(PluginError, match="Odd"):
        measured(composition(benchmark=Odd(), sizes=(0, 0, 2)))


def test_a_scorer_may_be_async(measured, composition, digits):
    class Waits(digits):
        async def score(self, example, outcome):
            await asyncio.sleep(0)
            return digits.score(self, example, outcome)

    assert measured(composition(benchmark=Waits(), sizes=(0, 0, 10)))["scores"]["test"]["mean"] == 0.3


def test_the_same_system_is_not_run_twice_on_an_example_under_a_seed(run, composition, skilled):
    calls = []

    @frozen
    class Counts(skilled):
        async def run(self, task, context):
            calls.append((task, self.skill, context.seed))
            return await skilled.run(self, task, context)

    run(composition([5, 2, 8], agent=Counts()))
    assert len(calls) == len(set(calls))
    assert {skill for task, skill, _ in calls if task.startswith("2")} >= {3, 8}


def test_what_is_deterministic_is_not_run_twice_on_an_example(run, composition, skilled):
    calls = []

    @frozen
    class Counts(skilled):
        async def run(self, task, context):
            calls.append((task, self.skill))
            return await skilled.run(self, task, context)

    run(composition([5, 2, 8], agent=Counts(), deterministic=True))
    assert len(calls) == len(set(calls))


def test_test_is_scored_once_before_and_once_after_only(run, composition):
    ran = run(composition([5, 6, 7]))
    found = [body["example"] for event, body in ran.journal if event == "rollout" and body["split"] == "test"]
    assert sorted(found) == sorted([f"test-{i}" for i in range(10)] * 2)


def test_two_systems_meet_each_example_with_the_same_seed_and_each_example_its_own(run, composition, skilled):
    seeds = {}

    @frozen
    class Notes(skilled):
        async def run(self, task, context):
            seeds.setdefault((task, context.seed), []).append((self.skill, context.rng("x").random()))
            return await skilled.run(self, task, context)

    run(composition([5, 8], agent=Notes()))
    assert {len(found) for found in seeds.values()} == {2}  # the one and the other, whatever they were drawn for
    assert {len({draw for _, draw in found}) for found in seeds.values()} == {1}
    assert len({seed for _, seed in seeds}) == len(seeds)


@define
class Corridor(Environment):
    """Walk right to the end: one reward at the end, after as many steps as the seed says."""

    made = 0
    closed = 0
    _at: int = field(default=0, init=False)
    _end: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        Corridor.made += 1

    @property
    def spec(self) -> EnvironmentSpec:
        return EnvironmentSpec("corridor", {"type": "integer"}, {"type": "discrete", "n": 2}, "Walk right.")

    async def reset(self, seed: int) -> int:
        self._at, self._end = 0, 2 + seed % 3
        return 0

    async def step(self, action: Any) -> Step:
        self._at += action
        return Step(self._at, float(self._at == self._end), terminated=self._at >= self._end)

    async def close(self) -> None:
        Corridor.closed += 1


@frozen
class Walker(Agent):
    """Walks as many steps as its variable says."""

    uses_model = False
    steps: int = variable(default=2)
    lies: bool = False

    async def run(self, task, context):
        assert task == "Walk right."
        await context.environment.reset()
        for _ in range(self.steps):
            if (await context.environment.step(1)).done:
                break
        if self.lies:
            raise ValueError("after the reward")
        return Answer("reward: 1000000")


@pytest.fixture
def walk(composition, resource):
    """A composition of a walker in the corridor, without a benchmark."""
    Corridor.made = Corridor.closed = 0

    def make(plan, agent=None, sizes=(6, 30, 30), **more):
        made = composition([[("agent/walker#steps", steps)] for steps in plan], sizes=sizes, **more)
        both = [resource(agent or Walker(), "walker"), resource(Corridor(), "corridor", "environment")]
        return evolve(made, resources=both, benchmark=None)

    return make


def test_an_episode_is_scored_by_the_rewards_that_the_core_counted(measured, walk):
    found = measured(walk([], Walker(steps=4)))["scores"]
    assert {split: score["mean"] for split, score in found.items()} == {"train": 1.0, "val": 1.0, "test": 1.0}
    assert 0.0 < measured(walk([], Walker(steps=2)))["scores"]["test"]["mean"] < 1.0


def test_episodes_evolve_through_the_same_operators(run, walk):
    ran = run(walk([3, 1, 4], sizes=(30, 30, 30)))
    assert [entry["decision"] for entry in ran.result["rounds"]] == ["commit", "reject", "commit"]
    assert (ran.values["agent/walker#steps"], ran.result["scores"]["test"]["after"]["mean"]) == (4, 1.0)
    assert (ran.result["environment"], ran.result["agent"]) == ("corridor", "walker")


def test_every_rollout_has_an_environment_of_its_own_that_is_closed(measured, walk):
    measured(walk([], Walker(steps=4)))
    assert Corridor.closed == 66
    assert Corridor.made >= 66


def test_an_environment_is_closed_after_a_failure_too(measured, walk):
    """Rewards may be negative, so a failed episode is no score at all rather than zero."""
    assert measured(walk([], Walker(steps=4, lies=True)))["scores"]["test"]["mean"] is None
    assert Corridor.closed == 66


@define
class Notebook(Memory):
    """Keeps what it is told."""

    _events: list[Any] = field(factory=list, init=False)

    async def add(self, event):
        self._events.append(event)

    async def recall(self, query, limit):
        return list(self._events)


def test_every_rollout_begins_with_an_empty_memory(measured, composition, resource):
    seen = []

    @frozen
    class Remembers(Agent):
        uses_model = False

        async def run(self, task, context):
            seen.append(len(await context.memory.recall("", 100)))
            await context.memory.add({"role": "user", "content": task})
            return task

    made = composition(sizes=(5, 5, 5))
    made = evolve(made, resources=[resource(Remembers(), "remembers"), resource(Notebook(), "notebook", "memory")])
    measured(made)
    assert seen == [0] * 15


def test_traces_name_example_split_system_seed_and_score(run, composition):
    rollouts = [line for line in run(composition([5])).traces if line["type"] == "rollout"]
    assert {line["split"] for line in rollouts} <= {"train", "val", "test"}
    assert len({line["system"] for line in rollouts}) == 2
    first = next(line for line in rollouts if line["example"] == "val-0")
    assert (first["score"], first["answer"], first["feedback"]) == (1.0, "1000", "val-0 said 1000")
    assert {"seed", "seconds", "ts", "id"} <= set(first)


def test_an_observers_error_does_not_end_the_run(run, composition):
    class Broken:
        @hookimpl
        async def sepl_observe(self, event):
            raise ValueError("observers may fail")

    from autogenesis_core.settings import Part

    made = evolve(composition([5]), observers=[Part("observer broken", Broken())])
    with pytest.warns(UserWarning, match="observer broken failed in sepl_observe"):
        assert run(made).result["commits"]
