"""Spaces as JSON, and values between Gymnasium's types and plain Python."""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from autogenesis_core import JSON, InputError

# Spaces, observations and actions are whatever an environment defines, hence Any.
Space = gymnasium.Space[Any]


def describe(space: Space) -> dict[str, JSON]:
    """A space as JSON data: its type and its limits, an infinite limit left out or null."""
    match space:
        case spaces.Discrete(n=n, start=start):
            first: dict[str, JSON] = {"start": int(start)} if start else {}
            return {"type": "discrete", "n": int(n), **first}
        case spaces.Box(shape=shape, low=low, high=high):
            return {"type": "box", "shape": [*shape], **_limits("low", low), **_limits("high", high)}
        case spaces.MultiDiscrete(nvec=nvec):
            return {"type": "multi_discrete", "n": nvec.tolist()}
        case spaces.MultiBinary(shape=shape):
            return {"type": "multi_binary", "shape": [*shape]}
        case spaces.Tuple(spaces=parts):
            return {"type": "tuple", "items": [describe(part) for part in parts]}
        case spaces.Dict(spaces=parts):
            return {"type": "dict", "properties": {key: describe(part) for key, part in parts.items()}}
    return {"type": type(space).__name__.lower(), "text": repr(space)}


def plain(value: Any) -> Any:
    """`value` without NumPy in it: lists, numbers, and containers of them."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def action_reader(space: Space) -> Callable[[Any], Any]:
    """Turns a plain action into what the environment takes; it raises InputError for one outside `space`."""
    if isinstance(space, spaces.Discrete):
        return _discrete_reader(int(space.start), int(space.start + space.n))

    def read(action: Any) -> Any:
        try:
            value = _typed(space, action)
        except (TypeError, ValueError, KeyError, OverflowError):
            value = None
        if value is None or not space.contains(value):
            raise _no_action(action, str(describe(space)))
        return value

    return read


def _discrete_reader(start: int, end: int) -> Callable[[Any], int]:
    def read(action: Any) -> int:
        if isinstance(action, bool) or not isinstance(action, int | np.integer) or not start <= action < end:
            raise _no_action(action, f"a whole number from {start} to {end - 1}")
        return int(action)

    return read


def _no_action(action: object, wanted: str) -> InputError:
    text = repr(action)
    shown = text if len(text) <= 80 else f"{text[:77]}..."
    return InputError(f"{shown} is no action here", f"an action is {wanted}")


def _typed(space: Space, value: Any) -> Any:
    if isinstance(space, spaces.Tuple):
        return tuple(_typed(part, item) for part, item in zip(space.spaces, value, strict=True))
    if isinstance(space, spaces.Dict):
        return {key: _typed(part, value[key]) for key, part in space.spaces.items()}
    if isinstance(space, spaces.Box | spaces.MultiDiscrete | spaces.MultiBinary):
        return np.asarray(value, dtype=space.dtype)
    return value


def _limits(name: str, limit: Any) -> dict[str, JSON]:
    """One number where all are the same, else as many as the box has."""
    finite = np.isfinite(limit)
    if not finite.any():
        return {}
    if finite.all() and (limit == limit.flat[0]).all():
        return {name: float(limit.flat[0])}
    return {name: np.where(finite, limit, np.asarray(None)).tolist()}
