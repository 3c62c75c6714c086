"""Runs of our engine on the rule-following task, whole: Runtime, the `reflection` optimizer, journal and store."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import frozen
from tasks.rules import Clock, Reflector, RuleAgent, Rules

from autogenesis_core import Runtime

_GIVEN = ("+optimizer=reflection", "budget.money=null", "splits.train=100000", "splits.val=100000", "splits.test=0")


@frozen
class Ran:
    """What a run came to: its result.json, its wall seconds, the seconds and calls of user code."""

    result: dict[str, Any]
    wall: float
    clock: Clock

    @property
    def rollouts(self) -> int:
        """Metric calls."""
        return int(self.result["spent"]["rollouts"])


def composed(
    folder: Path,
    *overrides: str,
    train: Sequence[str],
    val: Sequence[str],
    clock: Clock,
    spoil: float = 0.0,
    think: float = 0.0,
    **agent: Any,  # fields of RuleAgent
) -> Runtime:
    """The runtime of a task; `think` is what the reflection model takes, in seconds."""
    folder.mkdir(exist_ok=True)
    return Runtime.compose(
        *_GIVEN, *overrides, folder=folder,
        agent=RuleAgent(clock=clock, **agent), benchmark=Rules(train, val), model=Reflector(spoil, think, clock),
    )  # fmt: skip


def evolved(folder: Path, *overrides: str, observers: Sequence[object] = (), **task: Any) -> Ran:
    """A whole evolution of a task, given as to `composed`."""
    clock = Clock()
    runtime = composed(folder, *overrides, clock=clock, **task)
    for observer in observers:
        runtime.observe(observer)

    async def run() -> tuple[dict[str, Any], float]:
        async with runtime as ag:
            start = time.perf_counter()
            return await ag.evolve(), time.perf_counter() - start

    return Ran(*asyncio.run(run()), clock)
