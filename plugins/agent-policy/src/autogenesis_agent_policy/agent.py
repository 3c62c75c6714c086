"""The agent: acts in the composed environment by its policy until the episode ends."""

import random
from collections.abc import Mapping, Sequence
from typing import ClassVar

from attrs import field, frozen, validators

from autogenesis_agent_policy.policy import Shape, build
from autogenesis_core import JSON, Agent, Context, EnvironmentSpec, InputError, derive, variable

_SPREAD = 0.1  # standard deviation of the initial weights: near zero, yet the actions do not all tie


@frozen
class PolicyAgent(Agent):
    """A linear policy, or one with one layer of tanh units, that is a function of nothing but its weights.

    Arguments:
        weights: a vector for each environment, by the id of its spec; the trainable variables
        hidden: tanh units between observation and action; 0 is a linear policy
    """

    uses_model: ClassVar[bool] = False

    weights: Mapping[str, list[float]] = variable(factory=dict)
    hidden: int = field(default=0, validator=validators.ge(0))

    async def run(self, task: str, context: Context) -> str:
        """The return and the number of steps of one episode.

        Raises InputError without an environment, for spaces that are neither box nor discrete, and for a vector of the
        wrong length.
        """
        episode = context.environment
        if episode is None:
            raise InputError("agent/policy acts in an environment, and none is composed", "+environment=gymnasium")
        spec = episode.spec
        act = build(spec, self.hidden, self._checked(spec))
        observation = await episode.reset()
        while not (step := await episode.step(act(observation))).done:
            observation = step.observation
        return f"return {episode.reward:g} in {episode.steps} steps"

    def complete(self, environment: EnvironmentSpec | None) -> Mapping[str, JSON]:
        """Initial weights for an environment that has none yet, beside those of the others; see `initial`."""
        if environment is None:
            return {}
        if environment.id in self.weights:
            self._checked(environment)
            return {}
        weights: dict[str, JSON] = {key: [*values] for key, values in self.weights.items()}
        return {"weights": weights | {environment.id: [*initial(environment, self.hidden)]}}

    def _checked(self, spec: EnvironmentSpec) -> Sequence[float]:
        shape = Shape.of(spec, self.hidden)
        if spec.id not in self.weights:
            raise InputError(f"agent/policy has no weights for {spec.id}; it has: {', '.join(self.weights) or 'none'}")
        weights = self.weights[spec.id]
        if len(weights) != shape.size:
            raise InputError(
                f"agent/policy has {len(weights)} weights for {spec.id}; hidden={self.hidden} needs {shape.size}",
                _remedy(shape, len(weights)),
            )
        return weights


def initial(spec: EnvironmentSpec, hidden: int) -> list[float]:
    """Small normal numbers that are a function of the spec's id alone, so that every run begins alike."""
    rng = random.Random(derive("weights", spec.id))  # noqa: S311  # reproducible, not secret
    return [rng.gauss(0.0, _SPREAD) for _ in range(Shape.of(spec, hidden).size)]


def _remedy(shape: Shape, length: int) -> str:
    fits = shape.hidden_for(length)
    return "agent.weights={}   (begins anew)" if fits is None else f"agent.hidden={fits}   (fits these weights)"
