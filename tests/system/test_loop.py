"""Whole runs through the command line: the demonstration, a policy without any language model, real data."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DATA = Path(__file__).parents[3] / "shared" / "data"
DEMONSTRATION = ("+agent=tool_calling", "+optimizer=reflection")


def autogenesis(folder: Path, *words: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "AUTOGENESIS_MODEL"}
    command = [sys.executable, "-m", "autogenesis_core.cli", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def result(folder: Path, *words: str) -> dict:
    return json.loads(autogenesis(folder, *words, "--json"))


def without_times(found: dict) -> dict:
    spent = {key: value for key, value in found["spent"].items() if key != "seconds"}
    return {**found, "spent": spent, "objectives": None}


def measured(folder: Path) -> dict:
    words = ("+agent=tool_calling", "+experiment=demonstration")
    return without_times(result(folder, *words))["scores"]


def test_the_demonstration_gets_better_and_says_that_its_model_is_simulated(tmp_path):
    said = autogenesis(tmp_path, *DEMONSTRATION)

    assert "demonstration: simulated model" in said
    assert "not that an optimizer is good" in said
    scores = json.loads(next((tmp_path / "workdir" / "runs").glob("*/result.json")).read_text())["scores"]
    assert scores["val"]["before"]["mean"] <= 0.6
    assert scores["test"]["change"]["interval"][0] > 0


def test_a_second_run_starts_from_the_first_ones_heads_and_rollback_brings_the_first_score_back(tmp_path):
    first = measured(tmp_path)
    run = result(tmp_path, *DEMONSTRATION)
    again = result(tmp_path, *DEMONSTRATION)
    assert again["scores"]["test"]["before"] == run["scores"]["test"]["after"]

    for found in (again, run):
        if found["commits"]:
            autogenesis(tmp_path, "rollback", found["run"])
    assert measured(tmp_path) == first


def test_same_seed_same_result_with_1_and_with_16_workers(tmp_path):
    found = []
    for workers in (1, 16):
        folder = tmp_path / str(workers)
        folder.mkdir()
        found.append(without_times(result(folder, *DEMONSTRATION, "seed=2", f"workers={workers}")))
    assert found[0] == found[1]


def test_a_task_is_answered_with_the_simulated_model(tmp_path):
    words = ("What is 17 * 23?", "+agent=tool_calling", "+model=simulated")
    assert "391" in autogenesis(tmp_path, *words)


def test_a_policy_learns_cart_pole_without_any_language_model(tmp_path):
    words = ("+agent=policy", "+environment=gymnasium", "environment.id=CartPole-v1", "+optimizer=evolution_strategy")
    found = result(tmp_path, *words)

    test = found["scores"]["test"]
    assert (found["model"], test["before"]["n"]) == (None, 100)
    assert test["before"]["mean"] < 40
    assert test["after"]["mean"] >= 475

    assert result(tmp_path, "replay", found["run"])["same"]
    again = result(tmp_path, "verify", found["run"], "--fresh")["scores"]["test"]
    assert (again["before"]["mean"] < 40, again["after"]["mean"] >= 475) == (True, True)


def test_a_policy_learns_frozen_lake_beside_what_it_learnt_before(tmp_path):
    words = ("+agent=policy", "+environment=gymnasium", "+optimizer=evolution_strategy", "splits.test=50")
    result(tmp_path, *words, "environment.id=CartPole-v1", "rounds=1")
    found = result(tmp_path, *words, "environment.id=FrozenLake-v1", "rounds=1")
    assert found["scores"]["test"]["after"]["mean"] > found["scores"]["test"]["before"]["mean"] + 0.3

    cart = result(tmp_path, *words[:2], "environment.id=CartPole-v1", "splits.train=0", "splits.val=0")
    assert cart["scores"]["test"]["mean"] >= 475


def test_real_data_improves_in_the_same_way(tmp_path):
    path = DATA / "bbh" / "multistep_arithmetic_two.json"
    if not path.is_file():
        pytest.skip(f"the data set is not here: {path.name} of BIG-Bench Hard")
    words = (*DEMONSTRATION, "+model=simulated", "+tool=calculator", "+benchmark=dataset", f"benchmark.path={path}")
    scores = result(tmp_path, *words)["scores"]
    assert scores["test"]["change"]["interval"][0] > 0


def test_what_a_memory_keeps_changes_a_later_step(tmp_path):
    """The second question is answered as the first one's text asked, because the session remembers it."""
    code = """
import asyncio
from autogenesis_core import Runtime

async def answers(*words):
    async with Runtime.compose("+agent=tool_calling", "+model=simulated", *words) as ag:
        await ag.act("From now on give only the value, never a sentence.")
        return [(await ag.act(f"What is {n} * 23?")).text for n in range(11, 31)]

plain, remembering = asyncio.run(answers()), asyncio.run(answers("+memory=session"))
print(sum(text.lstrip("-").isdigit() for text in plain), sum(text.lstrip("-").isdigit() for text in remembering))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    plain, remembering = map(int, done.stdout.split())
    assert remembering >= plain + 5
