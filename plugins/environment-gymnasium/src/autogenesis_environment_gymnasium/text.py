"""What an agent that reads may know of an environment: the telling sections of its documentation."""

import inspect
import re
from typing import Any

import gymnasium

_SECTIONS = ("", "description", "goal", "map", "action space", "observation space", "rewards", "episode end")


def description(environment: gymnasium.Env[Any, Any]) -> str:
    """The environment's own words on what it is, its actions, observations and rewards; "" if it has none."""
    text = inspect.cleandoc(type(environment.unwrapped).__doc__ or "")
    parts = re.split(r"^[ ]*## +(.+?) *$", text, flags=re.MULTILINE)
    told = [("", parts[0]), *zip(parts[1::2], parts[2::2], strict=True)]
    kept = [(title, body.strip()) for title, body in told if title.lower() in _SECTIONS and body.strip()]
    return "\n\n".join(f"{title}\n{body}" if title else body for title, body in kept)
