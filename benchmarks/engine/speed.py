"""What the loop costs, how well it fills the machine, and what it costs that nothing is lost."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch

from attrs import define
from engine.running import composed, evolved
from engine.search import GATE
from tasks.rules import Clock, rules

from autogenesis_core import hookimpl
from autogenesis_core.sepl.journal import Journal

_COUNTS = (90, 360, 1440)
_SLOTS, _DELAY, _THINK, _RULES = 64, 0.05, 0.2, 60  # b_loop_throughput's
_WIDTH = 16
_PAIRS = {False: 3, True: 1}  # of runs with and without a journal, in a round; quick or not


@define(eq=False)
class Began:
    """Notes when a run started."""

    at: float = 0.0

    @hookimpl
    async def sepl_observe(self, event: str) -> None:
        """Takes the time."""
        if event == "started":
            self.at = time.perf_counter()


def overhead(quick: bool, folder: Path) -> Mapping[str, Sequence[float]]:
    """Wall time less user code, a metric call, of a whole run with so many candidates.

    As the peers', a candidate is one that was accepted after its minibatch of 3 and then scored on all of val, 50
    examples, without the parent's scores being paid for again (`deterministic=true`), and that stays because it is no
    worse there (`gate=paper`); here each is a commit in the store as well. With the comparison on train that moves the
    tip that is 66 calls a candidate (GEPA: 56). On are, as for every user, the journal with fsync and the traces.
    """
    found: dict[str, list[float]] = {}
    costs = []
    for count in _COUNTS[:2] if quick else _COUNTS:
        needed = rules(3 * count, 3 * count)  # in one pass through train every minibatch of 3 brings a candidate
        ran = evolved(
            folder / str(count), "gate=paper", "deterministic=true", "optimizer.batch=3", f"rounds={count}",
            train=needed, val=needed[:: 3 * count // 50][:50],
        )  # fmt: skip
        if len(ran.result["commits"]) != count:
            raise RuntimeError(f"{len(ran.result['commits'])} candidates were accepted, {count} were meant")
        costs.append((ran.wall - ran.clock.user) / ran.rollouts * 1e6)
        found[f"overhead a metric call, journal durable, {count:,} candidates"] = [costs[-1]]
    if not quick:
        found["overhead a metric call, 1,440 candidates over 90"] = [costs[-1] / costs[0]]
    return found


def throughput(quick: bool, folder: Path) -> Mapping[str, Sequence[float]]:
    """`Runtime.measure` on 640 examples, from where it says that it started: the peers' are ready by then, too."""
    shares = []
    for turn in range(3 if quick else 2):
        clock, needed = Clock(), rules(640, 100)

        async def run(turn: int = turn, clock: Clock = clock, needed: Sequence[str] = needed) -> float:
            parts = {"train": (), "val": needed, "delay": 0.05, "clock": clock}
            async with composed(folder / str(turn), "workers=64", **parts) as ag:
                ag.observe(began := Began())
                await ag.measure()
                return time.perf_counter() - began.at

        shares.append(100 * 640 / 64 * 0.05 / asyncio.run(run()))
    return {"640 evaluations of 50 ms at 64, share of ideal": shares[1:]}  # the first is a warm-up, as the peers' is


def loop(quick: bool, folder: Path) -> Mapping[str, Sequence[float]]:
    """b_loop_throughput's run: until what is committed scores 0.5 on val; 16 proposals side by side.

    The gate is that of the sections on decisions. A proposal asks the reflection model twice, 200 ms each.
    """
    ran = evolved(
        folder / "run", *GATE, "optimizer.batch=3", f"width={_WIDTH}", f"workers={_SLOTS}", "rounds=100", "goal=0.5",
        train=rules(_RULES, _RULES), val=rules(50, _RULES), delay=_DELAY, think=_THINK,
    )  # fmt: skip
    if not ran.result["stopped"].startswith("val reached"):
        raise RuntimeError(f"the loop ended before its goal: {ran.result['stopped']}")
    name = "whole loop to val 0.5 at 64"
    share = 100 * ran.rollouts / ran.wall / (_SLOTS / _DELAY)
    return {name: [ran.wall], f"{name}, metric calls": [ran.rollouts], f"{name}, share of ideal": [share]}


def durability(quick: bool, folder: Path) -> Mapping[str, Sequence[float]]:
    """Wall of a run over that of the same run whose journal is never written, in percent more.

    260 calls of 20 ms one after the other, as the peer's yardstick has it. The store and the traces are on in both.
    """
    costs = []
    for number in range(_PAIRS[quick]):
        walls = {}
        for kept in (True, False):
            with nullcontext() if kept else patch.object(Journal, "_write", lambda *_: None):
                ran = evolved(
                    folder / f"{number} {kept}", *GATE, "optimizer.batch=3", "workers=1", "rounds=1000",
                    "budget.rollouts=260", train=rules(_RULES, _RULES), val=rules(50, _RULES), delay=0.02,
                )  # fmt: skip
            walls[kept] = ran.wall / ran.rollouts
        costs.append(100 * (walls[True] / walls[False] - 1))
    return {"cost of durability": costs}
