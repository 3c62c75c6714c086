"""Making a registered environment, with errors for people."""

import inspect
import json
import re
from collections.abc import Mapping
from typing import Any

import gymnasium
from gymnasium.envs.registration import load_env_creator

from autogenesis_core import JSON, InputError, did_you_mean, unknown

_STEPS = 1_000  # where an environment sets no limit itself
_IDLE = 64  # environments kept for reuse, of each id and settings
_REUSED = ("gymnasium.envs.classic_control.", "gymnasium.envs.toy_text.")
_idle: dict[tuple[str, str], list[gymnasium.Env[Any, Any]]] = {}


def take(id_: str, settings: Mapping[str, JSON]) -> gymnasium.Env[Any, Any]:
    """An environment that nobody else uses, new or given back; it must be reset."""
    idle = _idle.get(_key(id_, settings))
    return idle.pop() if idle else make(id_, settings)


def give_back(environment: gymnasium.Env[Any, Any], id_: str, settings: Mapping[str, JSON]) -> None:
    """Keeps an environment for the next `take` where that is safe, else closes it.

    Making one of Gymnasium's small environments takes as long as an episode (Taxi: 4 ms). These keep nothing over a
    reset, which a test holds; of a third party's environment nobody knows that, and one that draws has a window.
    """
    idle = _idle.setdefault(_key(id_, settings), [])
    entry = gymnasium.registry[id_].entry_point
    safe = isinstance(entry, str) and entry.startswith(_REUSED) and environment.render_mode is None
    if safe and len(idle) < _IDLE:
        idle.append(environment)
    else:
        environment.close()


def _key(id_: str, settings: Mapping[str, JSON]) -> tuple[str, str]:
    return id_, json.dumps(dict(settings), sort_keys=True)


def make(id_: str, settings: Mapping[str, JSON]) -> gymnasium.Env[Any, Any]:
    """A new environment.

    Only what is registered is made (Gymnasium's `module:id`, which imports any module, is not).
    Raises UnknownName for an unknown id; InputError for settings that do not fit, or for a missing package.
    """
    if id_ not in gymnasium.registry:
        near = did_you_mean(id_, gymnasium.registry)
        raise unknown("environment", id_, gymnasium.registry, f"environment.id={near}" if near else "")
    limit = {} if gymnasium.registry[id_].max_episode_steps else {"max_episode_steps": _STEPS}
    arguments: dict[str, Any] = {**limit, **settings}  # whatever the environment's creator takes
    try:
        # The checker costs more than a step of the smaller environments, and it is for their authors.
        return gymnasium.make(id_, disable_env_checker=True, **arguments)
    except (ImportError, gymnasium.error.DependencyNotInstalled) as error:
        raise _missing(id_, error) from None
    except Exception as error:
        raise _unfit(id_, settings, error) from error


def _missing(id_: str, error: Exception) -> InputError:
    extra = re.search(r"gymnasium\[[\w-]+\]", str(error))
    hint = f'pip install "{extra[0]}"' if extra else ""
    return InputError(f"{id_} needs a package that is not installed: {error}", hint)


def _unfit(id_: str, settings: Mapping[str, JSON], error: Exception) -> InputError:
    if wrong := re.search(r"unexpected keyword argument '(\w+)'", str(error)):
        near = did_you_mean(wrong[1], known := _arguments(id_))
        reason = f"{id_} has no setting '{wrong[1]}'" + (f"; did you mean {near}?" if near else "")
        return InputError(reason, f"known: {', '.join(known) or 'none'}")
    return InputError(f"{id_} cannot be made with {dict(settings)}: {type(error).__name__}: {error}")


def _arguments(id_: str) -> list[str]:
    creator = gymnasium.registry[id_].entry_point
    made = load_env_creator(creator) if isinstance(creator, str) else creator
    found = inspect.signature(made).parameters if made is not None else ()
    return sorted({*found, "max_episode_steps"} - {"kwargs"})
