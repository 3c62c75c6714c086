"""The policy as a function: observation → action.

A vector of weights holds one row for each output: as many weights as inputs, and last a bias. A discrete observation
is one-hot, so a weight of it is its own bias, and its first layer has none. With hidden units, their rows come first.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import mul
from typing import Any

import numpy as np
from attrs import frozen

from autogenesis_core import JSON, EnvironmentSpec, InputError

Space = Mapping[str, JSON]
Numbers = list[float]
Layer = Callable[[Any], Numbers]  # from an observation, which is of any type, or from numbers
_PURE = 64  # weights; from here on numpy is faster than pure Python (2 us a call against 3), below it is slower


@frozen
class Shape:
    """Numbers of inputs, hidden units and outputs, and whether the inputs are one-hot."""

    inputs: int
    hidden: int
    outputs: int
    one_hot: bool

    @classmethod
    def of(cls, spec: EnvironmentSpec, hidden: int) -> "Shape":
        """The shape of a policy for `spec`; raises InputError for spaces that are neither box nor discrete."""
        inputs, outputs = _length(spec, spec.observation, "observations"), _length(spec, spec.action, "actions")
        return cls(inputs, hidden, outputs, spec.observation["type"] == "discrete")

    @property
    def first(self) -> int:
        """Weights of one unit of the first layer."""
        return self.inputs + (not self.one_hot)

    @property
    def size(self) -> int:
        """Weights in all."""
        if not self.hidden:
            return self.outputs * self.first
        return self.hidden * self.first + self.outputs * (self.hidden + 1)

    def hidden_for(self, size: int) -> int | None:
        """The number of hidden units that `size` weights are right for, or None."""
        if size == self.outputs * self.first:
            return 0
        hidden, rest = divmod(size - self.outputs, self.first + self.outputs)
        return hidden if hidden > 0 and not rest else None


def build(spec: EnvironmentSpec, hidden: int, weights: Sequence[float]) -> Callable[[Any], Any]:
    """The policy with `weights`, which are as many as its shape says."""
    shape = Shape.of(spec, hidden)
    units = hidden or shape.outputs
    first, second = weights[: units * shape.first], weights[units * shape.first :]
    scores = _states(first, shape.inputs, spec.observation) if shape.one_hot else _boxed(first, units, spec.observation)
    if hidden:
        scores = _through_tanh(scores, _affine(second, shape.outputs))
    head = _choice(spec.action) if spec.action["type"] == "discrete" else _continuous(spec.action)
    act = _chain(scores, head)
    return cache(act) if shape.one_hot else act  # a state's action is always the same


def _length(spec: EnvironmentSpec, space: Space, what: str) -> int:
    match space:
        case {"type": "discrete", "n": int(n)}:
            return n
        case {"type": "box", "shape": [*shape]}:
            sizes: Any = shape
            return math.prod(sizes)
    raise InputError(
        f"agent/policy knows box and discrete {what}; those of {spec.id} are {space.get('type', 'of no type')}"
    )


def _states(weights: Sequence[float], inputs: int, space: Space) -> Layer:
    start: Any = space.get("start", 0)
    return lambda observation: list(weights[observation - start :: inputs])


def _boxed(weights: Sequence[float], outputs: int, space: Space) -> Layer:
    layer = _affine(weights, outputs)
    shape: Any = space["shape"]
    return layer if len(shape) == 1 else lambda observation: layer(np.ravel(observation).tolist())


def _affine(weights: Sequence[float], outputs: int) -> Layer:
    width = len(weights) // outputs
    if len(weights) >= _PURE:
        matrix = np.asarray(weights).reshape(outputs, width)
        rows, biases = matrix[:, :-1], matrix[:, -1]
        return lambda numbers: (rows @ np.asarray(numbers) + biases).tolist()
    units = [weights[at : at + width] for at in range(0, len(weights), width)]

    def pure(numbers: Numbers) -> Numbers:
        extended = [*numbers, 1.0]
        return [sum(map(mul, unit, extended)) for unit in units]

    return pure


def _through_tanh(first: Layer, second: Layer) -> Layer:
    return lambda observation: second([math.tanh(score) for score in first(observation)])


def _chain(scores: Layer, head: Callable[[Numbers], Any]) -> Callable[[Any], Any]:
    return lambda observation: head(scores(observation))


def _choice(space: Space) -> Callable[[Numbers], int]:
    """The action of the highest score, the first of equals."""
    start: Any = space.get("start", 0)
    return lambda scores: start + scores.index(max(scores))


def _continuous(space: Space) -> Callable[[Numbers], Any]:
    """tanh of each score, scaled to its limits; a score without both limits is the action, cut at the one it has."""
    shape: Any = space["shape"]
    lows, highs = (np.broadcast_to(np.asarray(space.get(name)), shape).ravel().tolist() for name in ("low", "high"))
    limits = list(zip(lows, highs, strict=True))

    def act(scores: Numbers) -> Any:
        actions = [_scaled(score, *limit) for score, limit in zip(scores, limits, strict=True)]
        return actions if len(shape) == 1 else np.reshape(actions, shape).tolist()

    return act


def _scaled(score: float, low: float | None, high: float | None) -> float:
    if low is not None and high is not None:
        score = low + (math.tanh(score) + 1) / 2 * (high - low)
    return min(max(score, -math.inf if low is None else low), math.inf if high is None else high)
