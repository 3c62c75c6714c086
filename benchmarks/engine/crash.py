"""`kill -9` and resume, as the peers' yardstick has it: our side of the section `crash`, and the process to be killed.

`python -m engine.crash FOLDER` evolves in FOLDER, or goes on with the run that is there. Its metric calls are counted
in a file, so that those of the killed process count too.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen
from engine.running import composed
from engine.search import GATE
from tasks.rules import Clock, rules

_RULES, _VAL, _DELAY = 60, 50, 0.002  # the yardstick's
_OVERRIDES = (*GATE, "optimizer.batch=3", "width=4", "rounds=24", "workers=16")
_KILLS = {False: 100, True: 3}  # quick or not
_MODULE = "engine.crash"
_TIMED = ("seconds", "latency", "front")  # what no two runs share: a front is of latencies among others


@frozen
class Left:
    """What processes left in a folder: their calls, the result and heads, and the rollouts in the journal."""

    calls: int
    result: dict[str, Any] | None
    heads: Mapping[str, str]
    recorded: int

    @classmethod
    def read(cls, folder: Path) -> "Left":
        """As of now; the journal's last line may be torn."""
        log = folder / "calls"
        result = next(iter(folder.glob("workdir/runs/*/result.json")), None)
        journal = next(iter(folder.glob("workdir/runs/*/journal.jsonl")), None)
        lines = journal.read_text().split("\n")[:-1] if journal else []
        return cls(
            log.read_text().count("\n") if log.exists() else 0,
            json.loads(result.read_text()) if result else None,
            _heads(folder / "workdir/autogenesis.db") if result else {},
            sum(line.partition(" ")[2].startswith('["rollout"') for line in lines),
        )


def _heads(path: Path) -> dict[str, str]:
    from autogenesis_core.rspl.store import Store

    store = Store.open(path)
    try:
        if fault := store.verify():
            raise RuntimeError(f"the store is damaged: {fault}")
        return {name: f"{head.version} {head.digest}" for name, head in store.heads("demo").items()}
    finally:
        store.close()


def crash(quick: bool, folder: Path) -> Mapping[str, Sequence[float]]:
    """Whole evolutions of noisy rules, killed at a random call; the same run with nothing killed is the measure."""
    start(_MODULE, folder / "whole").wait()
    whole = Left.read(folder / "whole")
    if not whole.result or not whole.result["commits"] or whole.calls != whole.result["spent"]["rollouts"]:
        raise RuntimeError(f"the run that was not killed came to {whole}")
    rng, names = random.Random(0), ("repeated", "resumed", "same", "uncounted")
    found: dict[str, list[float]] = {name: [] for name in names}
    for number in range(_KILLS[quick]):
        place = folder / str(number)
        kill(start(_MODULE, place), place / "calls", rng.randrange(1, whole.calls))
        killed = Left.read(place)
        code = start(_MODULE, place).wait()
        after = Left.read(place)
        in_flight = killed.calls - killed.recorded
        found["repeated"].append(after.calls - whole.calls - in_flight)
        found["resumed"].append(100.0 * (code == 0))
        found["same"].append(100.0 * (lasting(after.result) == lasting(whole.result) and after.heads == whole.heads))
        found["uncounted"].append(after.calls - in_flight - after.result["spent"]["rollouts"] if after.result else 0)
    return {
        "kill -9: metric calls repeated beyond those in flight": found["repeated"],
        "kill -9: runs that were resumed": [sum(found["resumed"]) / len(found["resumed"])],
        "kill -9: the same result": [sum(found["same"]) / len(found["same"])],
        "kill -9: metric calls not counted": found["uncounted"],
    }


def lasting(value: Any) -> Any:  # JSON of any shape
    """A result without what is measured by the clock."""
    if isinstance(value, dict):
        return {key: lasting(item) for key, item in value.items() if key not in _TIMED}
    return [lasting(item) for item in value] if isinstance(value, list) else value


def start(module: str, folder: Path, *arguments: object) -> subprocess.Popen[bytes]:
    """A process of its own that evolves in a folder, or goes on there."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", module, str(folder), *map(str, arguments)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=Path(__file__).parents[1], start_new_session=True, **quiet)


def kill(process: subprocess.Popen[bytes], log: Path, calls: int) -> None:
    """Kills our own child's process group when it has made so many calls."""
    while process.poll() is None and (not log.exists() or log.stat().st_size < 2 * calls):
        time.sleep(0.001)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def evolve(folder: Path, *overrides: str, **task: Any) -> None:
    """An evolution of a task, given as to `composed`, or the rest of one; `calls` in the folder counts its calls."""
    runtime = composed(folder, *overrides, clock=Clock(), log=str(folder / "calls"), **task)
    begun = next(iter(folder.glob("workdir/runs/*/journal.jsonl")), None)

    async def run() -> None:
        async with runtime as ag:
            await ag.evolve(resume=begun.parent.name if begun else "")

    asyncio.run(run())


def main(folder: Path) -> None:
    needed = {"train": rules(_RULES, _RULES), "val": rules(_VAL, _RULES)}
    evolve(folder, *_OVERRIDES, **needed, spoil=0.5, flip=0.15, delay=_DELAY)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
