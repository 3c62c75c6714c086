"""What the loop costs, and how well it fills the machine: our side of the sections of that name."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.running import composed, evolved
from tasks.rules import Clock, rules

from autogenesis_core import Assessment, Candidate, Vote, hookimpl

_COUNTS = (90, 360, 1440)


class NoWorse:
    """The peers' rule in these sections: a candidate that is no worse on val is accepted."""

    @hookimpl
    async def sepl_gate(self, candidate: Candidate, assessment: Assessment) -> Vote:
        worse = sum(assessment.differences) < 0
        return Vote("no_worse", "reject" if worse else "commit", "worse" if worse else "no worse")


def overhead(quick: bool, folder: Path) -> Mapping[str, Sequence[float]]:
    """Wall time less user code, a metric call, of a whole run with so many candidates.

    As the peers', a candidate is one that was accepted after its minibatch of 3 and then scored on all of val, 50
    examples, without the parent's scores being paid for again (`deterministic=true`); here each is a commit in the
    store as well. With the comparison on train that moves the tip that is 80 calls a candidate (GEPA: 56). On are, as
    for every user, the journal with fsync and the traces.
    """
    found: dict[str, list[float]] = {}
    costs = []
    for count in _COUNTS[:2] if quick else _COUNTS:
        needed = rules(3 * count, 3 * count)  # in one pass through train every minibatch of 3 brings a candidate
        ran = evolved(
            folder / str(count), "gate=[]", "deterministic=true", "optimizer.batch=3", f"rounds={count}",
            train=needed, val=needed[:: 3 * count // 50][:50], observers=[NoWorse()],
        )  # fmt: skip
        if len(ran.result["commits"]) != count:
            raise RuntimeError(f"{len(ran.result['commits'])} candidates were accepted, {count} were meant")
        costs.append((ran.wall - ran.clock.user) / ran.rollouts * 1e6)
        found[f"overhead a metric call, journal durable, {count:,} candidates"] = [costs[-1]]
    if not quick:
        found["overhead a metric call, 1,440 candidates over 90"] = [costs[-1] / costs[0]]
    return found


def throughput(quick: bool, folder: Path) -> Mapping[str, Sequence[float]]:
    """`Runtime.measure` on 640 examples; its clock starts with the first rollout, as the peers' does with the pool."""
    shares = []
    for turn in range(3 if quick else 2):
        clock, needed = Clock(), rules(640, 100)

        async def run(turn: int = turn, clock: Clock = clock, needed: Sequence[str] = needed) -> float:
            parts = {"train": (), "val": needed, "delay": 0.05, "clock": clock}
            async with composed(folder / str(turn), "workers=64", **parts) as ag:
                start = time.perf_counter()
                await ag.measure()
                return time.perf_counter() - start

        shares.append(100 * 640 / 64 * 0.05 / asyncio.run(run()))
    return {"640 evaluations of 50 ms at 64, share of ideal": shares[1:]}  # the first is a warm-up, as the peers' is
