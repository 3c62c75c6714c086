"""The offline demonstration over fixed seeds: what it shows, how long it takes. The model in it is simulated.

`python benchmarks/demonstration.py [--quick]` prints one JSON object a figure; 20 seeds, with --quick 5.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from autogenesis_core import Runtime


async def run(seed: int) -> tuple[dict[str, Any], float]:
    """The result of one seed in a store of its own, and its seconds."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        async with Runtime.compose(
            "+agent=tool_calling", "+optimizer=reflection", f"seed={seed}", folder=Path(folder)
        ) as ag:
            result = await ag.evolve()
        return result, time.perf_counter() - start


def main() -> None:
    seeds = range(5 if "--quick" in sys.argv else 20)
    found = [asyncio.run(run(seed)) for seed in seeds]
    results = [result for result, _ in found]
    for split in ("val", "test"):
        known = [result["scores"][split] for result in results if split in result["scores"]]  # val: if it was assessed
        for when in ("before", "after"):
            _print(f"{split} {when}", [scores[when]["mean"] for scores in known])
    changes = [result["scores"]["test"]["change"] for result in results]
    _print("gain on test", [change["delta"] for change in changes])
    _print("p of the gain on test", [change["p"] for change in changes])
    _print("runs that end significantly below their start on test", [float(c["interval"][1] < 0) for c in changes])
    _print("commits", [float(len(result["commits"])) for result in results])
    rejections = [sum(r["decision"] != "commit" and bool(r["edits"]) for r in result["rounds"]) for result in results]
    _print("rejections", [float(count) for count in rejections])
    _print("calls", [float(result["spent"]["calls"]) for result in results])
    _print("seconds", [seconds for _, seconds in found])


def _print(name: str, values: list[float]) -> None:
    figure = {
        "name": f"demonstration (simulated model), {name}",
        "value": round(statistics.median(values), 4),
        "unit": "median",
        "range": [round(min(values), 4), round(max(values), 4)],
        "seeds": len(values),
    }
    print(json.dumps({**figure, "against": None, "ratio": None, "target": None, "met": None}))


if __name__ == "__main__":
    main()
