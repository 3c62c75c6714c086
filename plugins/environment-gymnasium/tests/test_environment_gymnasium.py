import asyncio
import importlib.util
import json
from collections.abc import Iterator, Sequence
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from autogenesis_core import ConfigurationError, InputError, UnknownName, structure
from autogenesis_environment_gymnasium.environment import GymnasiumEnvironment

SMALL = sorted(
    id_
    for id_, spec in gymnasium.registry.items()
    if str(spec.entry_point).startswith(("gymnasium.envs.classic_control.", "gymnasium.envs.toy_text."))
    and id_ != "CartPole-v0"  # Gymnasium warns that it is old
)


class Garden(gymnasium.Env[Any, Any]):
    """Spaces within spaces, and a wind that is drawn from the action space."""

    observation_space = spaces.Dict({"place": spaces.Discrete(5, start=2), "wind": spaces.Box(-1, 1, (2, 2))})
    action_space = spaces.Tuple([spaces.Discrete(3), spaces.Box(*np.array([[0, -1], [np.inf, 1]], np.float32))])
    render_mode = None

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return self._seen(), {}

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(action)
        return self._seen(), np.float64(action[1][0]), np.bool_(False), False, {"ways": np.arange(2)}

    def _seen(self) -> Any:
        wind = self.action_space.sample()[1]
        return {"place": np.int64(2), "wind": np.outer(wind, wind).astype(np.float32)}


@pytest.fixture
def garden() -> Iterator[str]:
    gymnasium.register("Garden-v1", entry_point=Garden)
    yield "Garden-v1"
    del gymnasium.registry["Garden-v1"]


async def play(environment: GymnasiumEnvironment, seed: int, actions: Sequence[Any]) -> list[Any]:
    seen = [await environment.reset(seed)]
    for action in actions:
        step = await environment.step(action)
        seen.append((step.observation, step.reward, step.terminated, step.truncated, step.info))
        if step.done:
            break
    await environment.close()
    return seen


def some_actions(id_: str, count: int) -> list[Any]:
    space = gymnasium.spec(id_).make(disable_env_checker=True).action_space
    space.seed(5)
    return [np.asarray(space.sample()).tolist() for _ in range(count)]


def steps(id_: str, seed: int, actions: Sequence[Any], **settings: Any) -> list[Any]:
    return asyncio.run(play(GymnasiumEnvironment(id_, settings), seed, actions))


def test_cartpole_is_a_box_of_four_numbers_with_two_actions():
    spec = GymnasiumEnvironment().spec
    assert (spec.id, spec.action) == ("CartPole-v1", {"type": "discrete", "n": 2})
    assert (spec.observation["type"], spec.observation["shape"]) == ("box", [4])
    assert spec.observation["high"] == [pytest.approx(4.8), None, pytest.approx(0.41887903), None]


def test_a_limit_that_is_the_same_everywhere_is_one_number():
    assert GymnasiumEnvironment("Pendulum-v1").spec.action == {"type": "box", "shape": [1], "low": -2.0, "high": 2.0}


def test_an_infinite_limit_is_left_out(garden: str):
    action = GymnasiumEnvironment(garden).spec.action
    assert action == {
        "type": "tuple",
        "items": [{"type": "discrete", "n": 3}, {"type": "box", "shape": [2], "low": [0.0, -1.0], "high": [None, 1.0]}],
    }


def test_spaces_within_spaces_are_described(garden: str):
    place = GymnasiumEnvironment(garden).spec.observation["properties"]["place"]
    assert place == {"type": "discrete", "n": 5, "start": 2}


def test_settings_are_part_of_the_id():
    assert GymnasiumEnvironment("FrozenLake-v1").spec.id == "FrozenLake-v1"
    settings = {"map_name": "8x8", "is_slippery": False}
    assert GymnasiumEnvironment("FrozenLake-v1", settings).spec.id == 'FrozenLake-v1(is_slippery=false,map_name="8x8")'


def test_settings_reach_the_environment():
    down_and_right = [1, 1, 2, 1, 2, 2]
    assert steps("FrozenLake-v1", 0, down_and_right, is_slippery=False)[-1][1:3] == (1.0, True)


def test_the_text_tells_the_actions_and_no_history():
    text = GymnasiumEnvironment("FrozenLake-v1").spec.text
    assert "0: Move left" in text
    assert "Version History" not in text


@pytest.mark.parametrize("id_", SMALL)
def test_an_environment_that_is_used_again_plays_like_a_new_one(id_: str):
    actions = some_actions(id_, 30)
    new = gymnasium.make(id_, disable_env_checker=True)
    steps(id_, 1, actions[::-1])
    seen = steps(id_, 2, actions)
    observation, _ = new.reset(seed=2)
    expected = [np.asarray(observation).tolist()]
    for action in actions[: len(seen) - 1]:
        observation, *rest, _ = new.step(np.asarray(action, new.action_space.dtype) if type(action) is list else action)
        expected.append([np.asarray(observation).tolist(), *rest])
    assert [np.asarray(seen[0]).tolist(), *([o, *rest[:3]] for o, *rest in seen[1:])] == expected


def test_the_same_seed_gives_the_same_episode_random_actions_included(garden: str):
    actions = [[0, [1.0, 0.0]]] * 5
    assert steps(garden, 3, actions) == steps(garden, 3, actions)
    assert steps(garden, 3, actions) != steps(garden, 4, actions)


def test_values_are_plain_data(garden: str):
    for seen in (steps(garden, 0, [[2, [0.5, 0.5]]]), steps("Taxi-v4", 0, [0]), steps("Blackjack-v1", 0, [1])):
        assert json.loads(json.dumps(seen, allow_nan=False)) == json.loads(json.dumps(seen))
    assert steps(garden, 0, [[2, [0.5, 0.5]]])[1][1:] == (0.5, False, False, {"ways": [0, 1]})


@pytest.mark.parametrize("action", [2, -1, True, 1.0, "left", None, [0]])
def test_an_action_outside_a_discrete_space_is_an_error_that_says_what_is_one(action: Any):
    with pytest.raises(InputError, match="a whole number from 0 to 1"):
        steps("CartPole-v1", 0, [action])


@pytest.mark.parametrize("action", [[2.5], [0.0, 0.0], "up", None, [float("nan")], {}])
def test_an_action_outside_a_box_is_an_error(action: Any):
    with pytest.raises(InputError, match="is no action here"):
        steps("Pendulum-v1", 0, [action])


@pytest.mark.parametrize("action", [[0], [3, [0.0, 0.0]], [0, [-1.0, 0.0]], 0])
def test_an_action_outside_a_tuple_is_an_error(garden: str, action: Any):
    with pytest.raises(InputError, match="is no action here"):
        steps(garden, 0, [action])


def test_an_unknown_id_names_the_nearest_one():
    with pytest.raises(UnknownName, match="no environment 'CartPol-v1'; did you mean CartPole-v1"):
        _ = GymnasiumEnvironment("CartPol-v1").spec


def test_an_id_cannot_import_a_module():
    with pytest.raises(UnknownName):
        _ = GymnasiumEnvironment("this:CartPole-v1").spec


def test_an_unknown_setting_names_the_nearest_one():
    with pytest.raises(InputError, match="no setting 'is_slipery'; did you mean is_slippery"):
        _ = GymnasiumEnvironment("FrozenLake-v1", {"is_slipery": False}).spec


def test_a_setting_of_the_wrong_value_is_an_error_that_names_it():
    with pytest.raises(InputError, match=r"FrozenLake-v1 cannot be made with \{'map_name': '9x9'\}"):
        _ = GymnasiumEnvironment("FrozenLake-v1", {"map_name": "9x9"}).spec


@pytest.mark.skipif(importlib.util.find_spec("Box2D") is not None, reason="Box2D is installed here")
def test_a_missing_extra_says_what_to_install():
    with pytest.raises(InputError, match=r'LunarLander-v3 needs .*\n  pip install "gymnasium\[box2d\]"'):
        _ = GymnasiumEnvironment("LunarLander-v3").spec


def test_an_environment_without_a_limit_gets_one():
    seen = steps("CliffWalking-v1", 0, [0] * 2000)
    assert (len(seen), seen[-1][3]) == (1001, True)


def test_the_limit_can_be_set():
    assert len(steps("CliffWalking-v1", 0, [0] * 20, max_episode_steps=7)) == 8


def test_a_step_needs_a_reset_also_after_close():
    async def use() -> None:
        environment = GymnasiumEnvironment()
        with pytest.raises(InputError, match="call reset"):
            await environment.step(0)
        await environment.close()
        await environment.reset(0)
        await environment.step(0)
        await environment.close()
        await environment.close()
        with pytest.raises(InputError, match="call reset"):
            await environment.step(0)
        assert await environment.reset(0) == await GymnasiumEnvironment().reset(0)

    asyncio.run(use())


def test_closing_closes_an_environment_of_another_package(garden: str, monkeypatch: pytest.MonkeyPatch):
    closed = []
    monkeypatch.setattr(Garden, "close", lambda self: closed.append(self))
    steps(garden, 0, [])
    assert len(closed) == 1


def test_two_episodes_at_once_do_not_disturb_each_other():
    async def both() -> list[list[Any]]:
        return list(await asyncio.gather(*(play(GymnasiumEnvironment(), seed, [0, 1, 1, 0]) for seed in (1, 2))))

    assert asyncio.run(both()) == [steps("CartPole-v1", seed, [0, 1, 1, 0]) for seed in (1, 2)]


def test_a_wrong_type_in_the_configuration_is_named():
    with pytest.raises(ConfigurationError, match=r"environment\.id"):
        structure({"id": 5}, GymnasiumEnvironment, "environment")
