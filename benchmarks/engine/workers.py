"""One worker against many: our side of the section `workers`, and the process that it kills.

`python -m engine.workers FOLDER SEED WORKERS` evolves in FOLDER, or goes on with the run that is there.
"""

import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.crash import Left, evolve, kill, lasting, start
from engine.search import GATE
from tasks.rules import rules

_SEEDS = {False: 20, True: 3}  # quick or not
_OVERRIDES = (*GATE, "optimizer.batch=3", "width=6", "rounds=8")
_MODULE = "engine.workers"


def workers(quick: bool, folder: Path) -> Mapping[str, Sequence[float]]:
    """Noisy rules, six proposals at a time, with 1 worker, with 64, and with 64 killed at a random call and resumed.

    Identical are results with all decisions, heads with their digests, and how many rollouts were counted.
    """
    same = []
    for seed in range(_SEEDS[quick]):
        places = {name: folder / f"{seed} {name}" for name in ("1", "64", "killed")}
        for name in ("1", "64"):
            start(_MODULE, places[name], seed, name).wait()
        calls = Left.read(places["64"]).calls
        at = random.Random(seed).randrange(1, calls)
        kill(start(_MODULE, places["killed"], seed, 64), places["killed"] / "calls", at)
        start(_MODULE, places["killed"], seed, 1).wait()  # with another number of workers, which is the same run
        one, *others = (Left.read(place) for place in places.values())
        if one.result is None or one.calls != one.result["spent"]["rollouts"]:
            raise RuntimeError(f"the run with one worker came to {one}")
        same += [
            100.0 * (lasting(other.result) == lasting(one.result) and other.heads == one.heads) for other in others
        ]
    return {"1 against 64 workers: runs that are identical": [sum(same) / len(same)]}


def main(folder: Path, seed: str, count: str) -> None:
    evolve(
        folder, *_OVERRIDES, f"seed={seed}", f"workers={count}", train=rules(36, 12), val=rules(24, 12), spoil=0.5,
        flip=0.15, delay=0.002,
    )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
