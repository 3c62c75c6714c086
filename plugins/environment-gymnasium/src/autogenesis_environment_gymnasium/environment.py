"""The environment: one Gymnasium environment, with plain Python values in and out."""

import json
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import Any

import gymnasium
from attrs import field, frozen

from autogenesis_core import JSON, Environment, EnvironmentSpec, InputError, Step
from autogenesis_environment_gymnasium.making import give_back, make, take
from autogenesis_environment_gymnasium.space import action_reader, describe, plain
from autogenesis_environment_gymnasium.text import description


@frozen(eq=False, slots=False)
class GymnasiumEnvironment(Environment):
    """A registered Gymnasium environment; one instance serves one episode at a time.

    An environment that has no step limit of its own is truncated after 1,000 steps, lest a policy that runs in a circle
    runs for ever; `settings={max_episode_steps: ...}` changes the limit of any environment.

    Arguments:
        id: the registered name with its version, e.g. `CartPole-v1`
        settings: keyword arguments of `gymnasium.make`, e.g. `{"is_slippery": false}`

    Raises UnknownName for an id that is not registered, InputError for settings that the environment does not take and
    for one that needs a package that is not installed.
    """

    id: str = "CartPole-v1"
    settings: Mapping[str, JSON] = field(factory=dict)

    @property
    def spec(self) -> EnvironmentSpec:
        """Spaces and description; its id tells settings apart: `FrozenLake-v1(is_slippery=false)`."""
        return _spec(self.id, json.dumps(dict(self.settings), sort_keys=True))

    async def reset(self, seed: int) -> Any:  # an observation is of any type
        """The first observation of the episode that `seed` (at least 0) decides, random actions included."""
        self._made.action_space.seed(seed)
        observation, _ = self._made.reset(seed=seed)
        return plain(observation)

    async def step(self, action: Any) -> Step:  # an action is of any type
        """What `action` brings; raises InputError before `reset` and for an action outside the action space."""
        if "_made" not in self.__dict__:
            raise InputError(f"no episode of {self.id} has begun", "call reset(seed) before step(action)")
        observation, reward, terminated, truncated, info = self._made.step(self._read(action))
        return Step(plain(observation), float(reward), bool(terminated), bool(truncated), plain(info))

    async def close(self) -> None:
        """Ends the episode; a further `reset` begins another."""
        made = self.__dict__.pop("_made", None)
        self.__dict__.pop("_read", None)
        if made is not None:
            give_back(made, self.id, self.settings)

    @cached_property
    def _made(self) -> gymnasium.Env[Any, Any]:
        return take(self.id, self.settings)

    @cached_property
    def _read(self) -> Callable[[Any], Any]:
        return action_reader(self._made.action_space)


@cache
def _spec(id_: str, settings: str) -> EnvironmentSpec:
    """The same for all instances, and worth more than a rollout's other overhead, so it is made once."""
    values = json.loads(settings)
    made = make(id_, values)
    try:
        shown = ",".join(f"{key}={json.dumps(value)}" for key, value in values.items())
        return EnvironmentSpec(
            f"{id_}({shown})" if shown else id_,
            describe(made.observation_space),
            describe(made.action_space),
            description(made),
        )
    finally:
        made.close()
