import asyncio
import math
from typing import Any

import numpy as np
import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from autogenesis_agent_policy.agent import PolicyAgent
from autogenesis_core import (
    ConfigurationError,
    Context,
    Environment,
    EnvironmentSpec,
    EpisodeRun,
    InputError,
    Step,
    Toolbox,
    ToolSet,
    structure,
)

CART = EnvironmentSpec("Cart", {"type": "box", "shape": [4]}, {"type": "discrete", "n": 2})


@define(eq=False)
class Track(Environment):
    """Shows observations one after another, and keeps the actions that it gets for them."""

    spec: EnvironmentSpec  # type: ignore[misc]
    observations: list[Any]
    actions: list[Any] = field(factory=list)

    async def reset(self, seed: int) -> Any:
        return self.observations[0]

    async def step(self, action: Any) -> Step:
        self.actions.append(action)
        done = len(self.actions) == len(self.observations)
        return Step(None if done else self.observations[len(self.actions)], 0.5, terminated=done)


def context(environment: Environment | None) -> Context:
    return Context(Toolbox(ToolSet({}, {})), 0, environment=EpisodeRun(environment, 0) if environment else None)


def actions(agent: PolicyAgent, spec: EnvironmentSpec, *observations: Any) -> list[Any]:
    track = Track(spec, list(observations))
    asyncio.run(agent.run("", context(track)))
    return track.actions


def completed(spec: EnvironmentSpec, hidden: int = 0) -> PolicyAgent:
    values: Any = PolicyAgent(hidden=hidden).complete(spec)
    return PolicyAgent(values["weights"], hidden)


def reference(weights: list[float], inputs: list[float], outputs: int, hidden: int, *, bias: bool) -> list[float]:
    """The policy's scores, written down once more in the plainest way."""
    layer = np.array([*inputs, 1.0] if bias else inputs)
    rest = np.array(weights)
    if hidden:
        first = hidden * len(layer)
        layer = np.array([*np.tanh(rest[:first].reshape(hidden, -1) @ layer), 1.0])
        rest = rest[first:]
    return (rest.reshape(outputs, -1) @ layer).tolist()


boxes = st.lists(st.integers(1, 4), max_size=3).map(lambda shape: {"type": "box", "shape": shape})
discretes = st.builds(
    lambda n, start: {"type": "discrete", "n": n, "start": start}, st.integers(1, 6), st.integers(-2, 2)
)
limits = st.sampled_from([{}, {"low": -2.0, "high": 3.0}, {"low": 0.0}, {"high": 1.0}])
limited = st.builds(lambda box, limit: {**box, **limit}, boxes, limits)


def observation_of(space: dict[str, Any], draw: Any) -> Any:
    if space["type"] == "discrete":
        return draw(st.integers(space["start"], space["start"] + space["n"] - 1))
    size = math.prod(space["shape"])
    numbers = draw(st.lists(st.floats(-1e3, 1e3), min_size=size, max_size=size))
    return np.reshape(numbers, space["shape"]).tolist()


@given(st.data(), st.one_of(boxes, discretes), st.one_of(limited, discretes), st.integers(0, 4))
def test_actions_have_the_shape_and_the_limits_of_their_space(data: Any, seen: Any, done: Any, hidden: int):
    spec = EnvironmentSpec("Any", seen, done)
    action = actions(completed(spec, hidden), spec, observation_of(seen, data.draw))[0]
    if done["type"] == "discrete":
        assert type(action) is int
        assert done["start"] <= action < done["start"] + done["n"]
    else:
        assert np.shape(action) == tuple(done["shape"])
        low, high = done.get("low", -math.inf), done.get("high", math.inf)
        assert np.all((low <= np.array(action)) & (np.array(action) <= high))


@given(st.data(), st.one_of(boxes, discretes), st.integers(2, 30), st.integers(0, 5))
def test_a_discrete_action_is_the_one_of_the_highest_score(data: Any, seen: Any, n: int, hidden: int):
    spec = EnvironmentSpec("Any", seen, {"type": "discrete", "n": n})
    observation = observation_of(seen, data.draw)
    agent = completed(spec, hidden)
    one_hot = seen["type"] == "discrete"
    inputs = np.eye(seen["n"])[observation - seen["start"]] if one_hot else np.ravel(observation)
    scores = reference(agent.weights["Any"], inputs.tolist(), n, hidden, bias=not one_hot)
    assert scores[actions(agent, spec, observation)[0]] == pytest.approx(max(scores))


@pytest.mark.parametrize("size", [3, 40])  # below and above the size from which on numpy does the sums
def test_a_continuous_action_is_the_scaled_tanh_of_its_score(size: int):
    spec = EnvironmentSpec("Arm", {"type": "box", "shape": [size]}, {"type": "box", "shape": [2], "low": -1, "high": 3})
    agent = completed(spec, 2)
    observation = [math.sin(index) for index in range(size)]
    scores = reference(agent.weights["Arm"], observation, 2, 2, bias=True)
    assert actions(agent, spec, observation)[0] == pytest.approx([1 + 2 * math.tanh(score) for score in scores])


def test_a_score_without_limits_is_the_action():
    spec = EnvironmentSpec("Free", {"type": "box", "shape": [1]}, {"type": "box", "shape": [1]})
    assert actions(PolicyAgent({"Free": [3.0, 4.0]}), spec, [2.0]) == [[10.0]]


def test_limits_may_differ_by_number_and_be_missing_for_some():
    box = {"type": "box", "shape": [2], "low": [0.0, -1.0], "high": [None, 1.0]}
    spec = EnvironmentSpec("Half", {"type": "discrete", "n": 1}, box)
    assert actions(PolicyAgent({"Half": [-5.0, 100.0]}), spec, 0) == [[0.0, 1.0]]


def test_weights_of_a_discrete_observation_are_a_table():
    spec = EnvironmentSpec("Grid", {"type": "discrete", "n": 3}, {"type": "discrete", "n": 2})
    agent = PolicyAgent({"Grid": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]})
    assert actions(agent, spec, 0, 1, 2, 0) == [0, 1, 0, 0]


def test_the_answer_says_the_return_as_the_episode_counted_it():
    answer = asyncio.run(completed(CART).run("", context(Track(CART, [[0.0] * 4] * 3))))
    assert answer == "return 1.5 in 3 steps"


def test_the_same_weights_act_the_same():
    observations = [[math.sin(index + part) for part in range(4)] for index in range(50)]
    assert actions(completed(CART), CART, *observations) == actions(completed(CART), CART, *observations)


def test_initial_weights_are_small_differ_by_environment_and_repeat():
    first, again = completed(CART).weights["Cart"], completed(CART).weights["Cart"]
    other = EnvironmentSpec("Cart2", CART.observation, CART.action)
    assert first == again != completed(other).weights["Cart2"]
    assert len(first) == 10
    assert 0 < max(map(abs, first)) < 1


def test_weights_of_other_environments_are_kept():
    agent = PolicyAgent({"Other": [1.0]})
    values: Any = agent.complete(CART)["weights"]
    assert values["Other"] == [1.0]
    assert values.keys() == {"Other", "Cart"}


def test_present_weights_are_not_replaced():
    assert completed(CART).complete(CART) == {}
    assert PolicyAgent().complete(None) == {}


def test_without_an_environment_it_says_how_to_get_one():
    with pytest.raises(InputError, match=r"\+environment=gymnasium"):
        asyncio.run(PolicyAgent().run("", context(None)))


@pytest.mark.parametrize("call", [lambda agent: agent.complete(CART), lambda agent: actions(agent, CART, [0.0] * 4)])
def test_weights_of_the_wrong_length_say_what_is_expected(call: Any):
    with pytest.raises(InputError, match=r"7 weights for Cart; hidden=0 needs 10\n  agent.weights=\{\}"):
        call(PolicyAgent({"Cart": [0.0] * 7}))


def test_weights_of_another_number_of_hidden_units_say_which():
    weights = completed(CART, 3).weights
    with pytest.raises(InputError, match=r"agent\.hidden=3"):
        PolicyAgent(weights, 0).complete(CART)
    with pytest.raises(InputError, match=r"agent\.hidden=0"):
        PolicyAgent(completed(CART).weights, 3).complete(CART)


def test_missing_weights_are_an_error():
    with pytest.raises(InputError, match="no weights for Cart; it has: Other"):
        actions(PolicyAgent({"Other": [1.0]}), CART, [0.0] * 4)


def test_other_spaces_are_refused_by_name():
    spec = EnvironmentSpec("Cards", {"type": "tuple", "items": []}, {"type": "discrete", "n": 2})
    with pytest.raises(InputError, match="box and discrete observations; those of Cards are tuple"):
        PolicyAgent().complete(spec)


def test_a_wrong_setting_is_named():
    with pytest.raises(ConfigurationError, match=r"agent\.hidden"):
        structure({"hidden": -1}, PolicyAgent, "agent")
