"""Start-up of the command line against what cannot be avoided: the interpreter, and importing Hydra.

`python benchmarks/startup.py [--quick]` prints one JSON object a figure.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time

PYTHON = [sys.executable, "-c"]
CLI = [sys.executable, "-m", "autogenesis_core.cli"]
HYDRA = "import hydra, omegaconf; from hydra import compose, initialize_config_dir"
COMPOSED = (
    "from autogenesis_core import Runtime; "
    "Runtime.compose('+agent=tool_calling', '+tool=[calculator]', '+model=simulated')"
)


def seconds(commands: dict[str, list[str]], runs: int) -> dict[str, float]:
    """The median wall time of each command, taken in turn so that drift of the machine meets all alike."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        for run in range(runs + 1):
            for name, command in commands.items():
                start = time.perf_counter()
                subprocess.run(command, cwd=folder, check=True, capture_output=True)
                if run:  # the first warms the file cache
                    times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    runs = 5 if "--quick" in sys.argv else 20
    found = seconds(
        {
            "python -c pass": [*PYTHON, "pass"],
            "import hydra": [*PYTHON, HYDRA],
            "--version": [*CLI, "--version"],
            "--help": [*CLI, "--help"],
            "plugins": [*CLI, "plugins"],
            "composed run, not started": [*PYTHON, COMPOSED],
        },
        runs,
    )
    bare, hydra = found["python -c pass"], found["import hydra"]
    for name in ("--version", "--help", "plugins"):
        _print(
            f"autogenesis {name}, over python -c pass", found[name] - bare, "python -c pass", found[name] / bare, 0.1
        )
    _print(
        "compose, over import hydra",
        found["composed run, not started"] - hydra,
        "import hydra",
        found["composed run, not started"] / hydra,
        None,
    )
    _print("import hydra, over python -c pass", hydra - bare, "python -c pass", hydra / bare, None)


def _print(name: str, value: float, against: str, ratio: float, target: float | None) -> None:
    row = {"name": name, "value": round(value * 1000, 1), "unit": "ms", "against": against, "ratio": round(ratio, 2)}
    target_ms = None if target is None else target * 1000
    print(json.dumps({**row, "target": target_ms, "met": None if target is None else value <= target}))


if __name__ == "__main__":
    main()
