import asyncio
import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autogenesis_core import (
    Candidate,
    Cell,
    ConfigurationError,
    Edit,
    Episode,
    Evaluation,
    Failed,
    InputError,
    Installed,
    Record,
    Round,
    Runtime,
    Scored,
    SeplContext,
    UnknownName,
    Variable,
    Verdict,
    structure,
)
from autogenesis_optimizer_evolution_strategy.optimizer import EvolutionStrategy

ID = "agent/policy#weights.Hill"
Landscape = Callable[[list[float], int], float | Failed]


class Hill(SeplContext):
    """One round on a landscape: a function of the vector and an episode's seed."""

    tools: Mapping[str, str] = {}

    def __init__(
        self, landscape: Landscape, values: Mapping[str, Any], round_: int = 1, seed: int = 0, train: int = 20
    ):
        self.landscape = landscape
        self.record = Record(
            "agent", "policy", "", Installed("x", "agent/policy", ""), {"weights": values}, {}, {"weights": True}
        )
        self.round, self.seed = round_, seed
        self.history = [Round(number, (), Verdict("reject", "")) for number in range(1, round_)]
        self.train = [Episode(f"train-{index}", index) for index in range(train)]
        self.rollouts = 0

    @property
    def records(self) -> Mapping[str, Record]:
        return {self.record.id: self.record}

    @property
    def variables(self) -> Sequence[Variable]:
        return [Variable(f"agent/policy#{path}", value, True) for path, value in self.record.values().items()]

    @property
    def model(self) -> Any:
        raise AssertionError("an evolution strategy asks no model")

    async def traces(self) -> Any:
        raise AssertionError("an evolution strategy needs no traces")

    def improve(self, edits: Sequence[Edit]) -> Candidate:
        return Candidate({"agent/policy": self.record.with_values({e.variable.split("#")[1]: e.value for e in edits})})

    async def evaluate(self, candidates: Sequence[Candidate], examples: Sequence[Any]) -> Sequence[Evaluation]:
        assert all(example in self.train for example in examples)
        self.rollouts += len(candidates) * len(examples)
        return [self._evaluation(candidate, examples) for candidate in candidates]

    def _evaluation(self, candidate: Candidate, examples: Sequence[Any]) -> Evaluation:
        vector: Any = candidate.records["agent/policy"].values()["weights.Hill"]
        found = [self.landscape(vector, example.seed) for example in examples]
        results = [value if isinstance(value, Failed) else Scored(value) for value in found]
        return Evaluation("", "train", tuple(Cell(e.id, r) for e, r in zip(examples, results, strict=True)))


def propose(optimizer: EvolutionStrategy, context: Hill) -> Sequence[Edit]:
    async def both() -> Sequence[Edit]:
        return await optimizer.sepl_select(context, await optimizer.sepl_reflect(context))

    return asyncio.run(both())


def vector_of(edits: Sequence[Edit]) -> list[float]:
    assert len(edits) == 1
    assert edits[0].variable == ID
    value: Any = edits[0].value
    return list(value)


def near(*target: float) -> Landscape:
    """Minus the squared distance to `target`, with noise of the episode's."""

    def landscape(vector: list[float], seed: int) -> float:
        noise = random.Random(seed).gauss(0, 0.01)
        return noise - sum((x - y) ** 2 for x, y in zip(vector, target, strict=True))

    return landscape


def test_it_finds_the_top_of_a_hill():
    edits = propose(EvolutionStrategy(), Hill(near(1.0, -2.0, 0.5), {"Hill": [0.0, 0.0, 0.0]}))
    assert vector_of(edits) == pytest.approx([1.0, -2.0, 0.5], abs=0.1)
    assert "on train" in edits[0].reason
    assert json.loads(json.dumps(edits[0].value)) == edits[0].value


@pytest.mark.parametrize("size", [1, 2, 600])
def test_a_vector_of_any_length_gets_better(size: int):
    edits = propose(EvolutionStrategy(generations=5), Hill(near(*[1.0] * size), {"Hill": [0.0] * size}))
    found = vector_of(edits)
    assert len(found) == size
    assert sum((x - 1) ** 2 for x in found) < 0.9 * size


def test_reflection_names_the_variable_and_asks_nothing():
    hypotheses = asyncio.run(EvolutionStrategy().sepl_reflect(Hill(near(1.0), {"Hill": [0.0]})))
    assert [hypothesis.variables for hypothesis in hypotheses] == [(ID,)]


def test_the_same_run_gives_the_same_vector_and_another_seed_another():
    def run(seed: int) -> list[float]:
        optimizer = EvolutionStrategy(generations=2)
        first = vector_of(propose(optimizer, Hill(near(3.0, 3.0), {"Hill": [0.0, 0.0]}, seed=seed)))
        return vector_of(propose(optimizer, Hill(near(3.0, 3.0), {"Hill": first}, round_=2, seed=seed)))

    assert run(0) == run(0)
    assert run(0) != run(1)


def test_numpys_global_generator_is_neither_read_nor_changed():
    def run(seed: int) -> list[float]:
        np.random.seed(seed)  # the very thing that is tested
        before = np.random.get_state()[1].tolist()
        found = vector_of(propose(EvolutionStrategy(generations=3), Hill(near(1.0, 1.0), {"Hill": [0.0, 0.0]})))
        assert np.random.get_state()[1].tolist() == before
        return found

    assert run(1) == run(2)


def test_the_search_goes_on_after_a_rejection():
    landscape, start = near(4.0, 4.0, 4.0), {"Hill": [0.0, 0.0, 0.0]}
    optimizer = EvolutionStrategy(generations=3)
    first = vector_of(propose(optimizer, Hill(landscape, start)))
    second = vector_of(propose(optimizer, Hill(landscape, start, round_=2)))
    afresh = vector_of(propose(EvolutionStrategy(generations=3), Hill(landscape, start, round_=2)))
    assert landscape(second, 0) > landscape(first, 0)
    assert landscape(second, 0) > landscape(afresh, 0)


def test_the_search_begins_anew_where_somebody_else_changed_the_value():
    landscape, optimizer = near(1.0, 1.0), EvolutionStrategy(generations=2)
    propose(optimizer, Hill(landscape, {"Hill": [0.0, 0.0]}))
    changed = Hill(landscape, {"Hill": [9.0, 9.0]}, round_=2)
    again = Hill(landscape, {"Hill": [9.0, 9.0]}, round_=2)
    assert propose(optimizer, changed) == propose(EvolutionStrategy(generations=2), again)


def test_a_new_run_begins_anew():
    optimizer = EvolutionStrategy(generations=2)
    first = propose(optimizer, Hill(near(1.0, 1.0), {"Hill": [0.0, 0.0]}))
    assert propose(optimizer, Hill(near(1.0, 1.0), {"Hill": [0.0, 0.0]})) == first


def test_a_candidate_that_fails_is_the_worst_one():
    def cliff(vector: list[float], seed: int) -> float | Failed:
        return Failed("invalid", "fell") if vector[0] > 1 else -((vector[0] - 1.5) ** 2) - vector[1] ** 2

    found = vector_of(propose(EvolutionStrategy(), Hill(cliff, {"Hill": [0.0, 1.0]})))
    assert 0.5 < found[0] <= 1


def test_where_everything_fails_nothing_is_proposed():
    context = Hill(lambda vector, seed: Failed("infra", "no disk"), {"Hill": [0.0, 0.0]})
    assert propose(EvolutionStrategy(), context) == []
    assert context.rollouts < 200


def test_on_a_plain_nothing_is_proposed():
    assert propose(EvolutionStrategy(generations=3), Hill(lambda vector, seed: 1.0, {"Hill": [0.0, 0.0]})) == []


def test_a_single_rare_success_is_found_and_proposed():
    def needle(vector: list[float], seed: int) -> float:
        return float(vector[0] > 1.5 and vector[1] < -0.5)  # one in about 4,600 draws

    seeds = range(3)
    found = [
        vector_of(propose(EvolutionStrategy(generations=300), Hill(needle, {"Hill": [0.0, 0.0]}, seed=s)))
        for s in seeds
    ]
    assert [needle(vector, 0) for vector in found] == [1.0] * 3


def test_a_round_ends_when_the_best_possible_is_reached_and_still_proposes_it():
    def plateau(vector: list[float], seed: int) -> float:
        return min(1.0, vector[0])

    context = Hill(plateau, {"Hill": [0.0, 0.0]})
    assert plateau(vector_of(propose(EvolutionStrategy(generations=200), context)), 0) == 1.0
    assert context.rollouts < 200 * 6 * 10 / 4


def test_a_round_uses_no_more_rollouts_than_its_settings_say():
    context = Hill(near(5.0, 5.0), {"Hill": [0.0, 0.0]})
    propose(EvolutionStrategy(generations=4, population=6, episodes=5), context)
    assert context.rollouts <= 4 * 6 * 5 + 3 * 20


def test_fewer_train_examples_than_episodes_are_enough():
    context = Hill(near(1.0, 1.0), {"Hill": [0.0, 0.0]}, train=1)
    assert vector_of(propose(EvolutionStrategy(), context)) == pytest.approx([1.0, 1.0], abs=0.1)


def test_without_train_examples_it_says_so():
    with pytest.raises(InputError, match="needs train episodes"):
        propose(EvolutionStrategy(), Hill(near(1.0), {"Hill": [0.0]}, train=0))


@pytest.mark.parametrize("value", ["text", [], ["a"], [True, False], 1.0, None])
def test_without_a_vector_it_says_what_to_compose(value: Any):
    with pytest.raises(InputError, match=r"no.*\n  \+agent=policy \+environment=gymnasium|there is none"):
        propose(EvolutionStrategy(), Hill(near(1.0), {"Hill": value}))


def test_several_vectors_are_named_and_one_can_be_chosen():
    values = {"Hill": [0.0, 0.0], "Valley": [0.0]}
    with pytest.raises(InputError, match=r"Hill, agent/policy#weights\.Valley\n  choose one: optimizer\.variable='"):
        propose(EvolutionStrategy(), Hill(near(1.0, 1.0), values))
    for name in ("Hill", ID):
        assert vector_of(propose(EvolutionStrategy(variable=name), Hill(near(1.0, 1.0), values)))


def test_an_unknown_vector_names_the_nearest_one():
    with pytest.raises(UnknownName, match="did you mean"):
        propose(EvolutionStrategy(variable=ID + "s"), Hill(near(1.0), {"Hill": [0.0]}))


@pytest.mark.parametrize("setting", ["rounds", "generations", "population", "sigma", "episodes"])
def test_a_setting_of_nothing_is_named(setting: str):
    with pytest.raises(ConfigurationError, match=rf"optimizer\.{setting}"):
        structure({setting: 0}, EvolutionStrategy, "optimizer")


def evolve(folder: Path, *overrides: str) -> dict[str, Any]:
    parts = ("+agent=policy", "+environment=gymnasium", "+optimizer=evolution_strategy", "+gate=improvement")

    async def run() -> dict[str, Any]:
        async with Runtime.compose(*parts, *overrides, folder=folder) as runtime:
            result = await runtime.evolve()
            weights: Any = runtime.agent.get_info("policy").parameters["weights"]
            return {**result, "weights": weights}

    folder.mkdir()
    return asyncio.run(run())


SMALL = ("optimizer.population=10", "optimizer.generations=8", "optimizer.episodes=4", "rounds=1", "splits.test=20")


def test_cartpole_is_learned_from_nothing_and_any_number_of_workers_learns_the_same(tmp_path: Path):
    pytest.importorskip("autogenesis_agent_policy")
    pytest.importorskip("autogenesis_environment_gymnasium")
    one = evolve(tmp_path / "one", "workers=1", *SMALL)
    eight = evolve(tmp_path / "eight", "workers=8", *SMALL)
    assert one["weights"] == eight["weights"]
    assert one["weights"]["CartPole-v1"] != []
    test = one["scores"]["test"]
    assert test["before"]["mean"] < 30
    assert test["after"]["mean"] > 300
