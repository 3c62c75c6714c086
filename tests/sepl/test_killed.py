"""`kill -9` of a process that evolves, at random instants. Small here; `nox -s torture` sets AUTOGENESIS_TORTURE."""

import importlib.util
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("evolving.py")
SPEC = importlib.util.spec_from_file_location("evolving", PROGRAM)
evolving = sys.modules.setdefault("evolving", importlib.util.module_from_spec(SPEC))
SPEC.loader.exec_module(evolving)

KILLS = 50 if evolving.FULL else 1  # of each kind
OPTIONS = {
    "width 1": {"delay": 0.005, "rounds": 6},
    "width 3": {"delay": 0.02, "width": 3, "workers": 4, "seed": 4},
}


@pytest.fixture(scope="module", params=OPTIONS)
def evolution(request, tmp_path_factory):
    """Options, what an undisturbed run comes to, and how many seconds it takes from its first line on."""
    options = OPTIONS[request.param]
    folder = tmp_path_factory.mktemp("whole")
    process = begun(folder, options)
    start = time.monotonic()
    said, _ = process.communicate()
    seconds = time.monotonic() - start
    return options, evolving.found(folder, json.loads(said)), seconds


def begun(folder, options):
    """A process that evolves below `folder`, as soon as its journal has a line."""
    command = [sys.executable, str(PROGRAM), str(folder), json.dumps(options)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while process.poll() is None and not any(
        path.stat().st_size for path in folder.glob("workdir/runs/*/journal.jsonl")
    ):
        time.sleep(0.001)
    return process


@pytest.mark.parametrize("kill", range(KILLS))
def test_a_killed_run_goes_on_to_the_same_end_and_repeats_only_what_was_in_flight(tmp_path, evolution, kill):
    options, expected, seconds = evolution
    calls = tmp_path / "calls"
    options = {**options, "calls": str(calls)}
    draw = random.Random(f"{kill} {options}")
    process = begun(tmp_path, options)
    time.sleep(draw.uniform(0, seconds))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode in (0, -signal.SIGKILL)
    result = evolving.check_resumed(tmp_path, options, expected)
    made = calls.read_text().splitlines()
    assert len(made) - len(set(made)) <= options.get("workers", 1)
    assert len(set(made)) == result["spent"]["rollouts"]


@pytest.mark.skipif(not evolving.FULL, reason="nox -s torture")
def test_a_run_that_is_killed_again_and_again_comes_to_the_same_end(tmp_path, evolution):
    options, expected, seconds = evolution
    calls = tmp_path / "calls"
    options = {**options, "calls": str(calls)}
    process, kills = begun(tmp_path, options), 0
    while process.poll() is None and kills < 3:
        time.sleep(seconds / 4)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += 1
        process = begun(tmp_path, {**options, "resume": evolving.the_run(tmp_path)})
    process.communicate()
    result = evolving.check_resumed(tmp_path, options, expected)
    made = calls.read_text().splitlines()
    assert len(made) - len(set(made)) <= kills * options.get("workers", 1)
    assert len(set(made)) == result["spent"]["rollouts"]
