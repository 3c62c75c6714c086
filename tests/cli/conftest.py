"""What the tests of the command line share: a tiny evolution without a model, and its store."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autogenesis_core.cli import main

# An agent that is right on as many of ten tasks as its skill says, an optimizer that proposes given skills, a gate.
PARTS = """
import asyncio
from typing import ClassVar

from attrs import frozen
from autogenesis_core import Agent, Answer, Benchmark, Edit, Hypothesis, Question, Score, Vote, hookimpl, variable


@frozen
class Skilled(Agent):
    uses_model = False
    skill: int = variable(default=3)
    nap: float = 0.0

    async def run(self, task, context):
        await asyncio.sleep(self.nap * (int(task) % 3 if task.isdigit() else 1))
        return Answer(task if task.isdigit() and int(task) % 10 < self.skill else "?" + task)


@frozen
class Digits(Benchmark):
    def examples(self, sizes, seed):
        numbers = iter(range(1000))
        return {
            split: [Question(f"{split}-{i}", str(next(numbers)), None) for i in range(size)]
            for split, size in sizes.items()
        }

    def score(self, example, outcome):
        return Score(float(outcome.text == example.input), "as it should be" if outcome.text == example.input else "no")


@frozen
class Proposes:
    screen: ClassVar[bool] = False  # each is assessed, so that the log has rejections
    skills: str = ""
    rounds: int = 3

    @hookimpl
    async def sepl_reflect(self, context):
        traces = await context.traces()
        return [Hypothesis("too little skill", ("agent/skilled#skill",), (traces[0].example.id,))]

    @hookimpl
    async def sepl_select(self, context):
        skill = int(self.skills.split()[context.round - 1])
        return [Edit("agent/skilled#skill", skill, "try it")]


@frozen
class Better:
    @hookimpl
    async def sepl_gate(self, assessment):
        before, after = assessment.baseline.mean, assessment.candidate.mean
        return Vote("better", "commit" if after > before else "reject", f"{before:.1f} to {after:.1f}", {"n": 10})
"""

CONF = "# @package {package}\n# {about}\n_target_: autogenesis_test_skilled.parts:{target}\n"


@pytest.fixture(scope="session")
def skilled_files() -> dict[str, str]:
    """The files of a plugin with everything that an evolution needs."""
    return {
        "parts.py": PARTS,
        "conf/agent/skilled.yaml": CONF.format(package="agent", about="Has a skill", target="Skilled")
        + "skill: 3\nnap: 0.0\n",
        "conf/benchmark/digits.yaml": CONF.format(package="benchmark", about="Says digits", target="Digits"),
        "conf/optimizer/proposes.yaml": CONF.format(package="optimizer", about="Proposes skills", target="Proposes")
        + "skills: 5 4 8\nrounds: 3\n",
        "conf/gate/better.yaml": CONF.format(package="gate.better", about="Takes what is better", target="Better"),
    }


EVOLVE = (
    "+agent=skilled", "+benchmark=digits", "+optimizer=proposes", "+gate=better",
    "splits.train=10", "splits.val=10", "splits.test=10",
)  # fmt: skip


@pytest.fixture(scope="session")
def evolve_words() -> tuple[str, ...]:
    """What is typed for the small evolution."""
    return EVOLVE


@pytest.fixture
def skilled(distribution, skilled_files) -> Path:
    """That plugin, installed."""
    return distribution("autogenesis-test-skilled", skilled_files)


@pytest.fixture(scope="session")
def _evolved(tmp_path_factory, write_distribution, skilled_files) -> Path:
    site = write_distribution(tmp_path_factory.mktemp("site"), "autogenesis-test-skilled", skilled_files)
    folder = tmp_path_factory.mktemp("evolved")
    environment = {**os.environ, "PYTHONPATH": str(site)}
    environment.pop("AUTOGENESIS_MODEL", None)
    words = [sys.executable, "-m", "autogenesis_core.cli", *EVOLVE]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def evolved(_evolved, tmp_path, monkeypatch) -> Path:
    """The working folder, ours alone, of an evolution that committed skill 5, rejected 4 and committed 8."""
    folder = tmp_path / "evolved"
    shutil.copytree(_evolved, folder)
    monkeypatch.chdir(folder)
    return folder


NOTES = """\
---
name: notes
description: Takes notes
---
Be brief.

## Rules
Write down what was said.
Leave out what was not.

## Style
Use short lines.
"""


@pytest.fixture
def notes(tmp_path, monkeypatch) -> Path:
    """A working folder with a prompt of three sections in its store, and its file notes.md."""
    from autogenesis_core.registry import Registry
    from autogenesis_core.sharing import read

    folder = tmp_path / "notes"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "notes.md").write_text(NOTES, encoding="utf-8")
    with Registry.open(create=True) as registry:
        registry.import_(*read(registry, folder / "notes.md"))
    return folder


@pytest.fixture(autouse=True)
def _no_model(monkeypatch):
    monkeypatch.delenv("AUTOGENESIS_MODEL", raising=False)
    monkeypatch.delenv("AUTOGENESIS_TRACE", raising=False)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)


@pytest.fixture
def typed(capsys) -> Callable[..., tuple[int, str, str]]:
    """Types a command line in this process: (exit code, output, error output)."""

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(list(words))
        found = capsys.readouterr()
        return code, found.out, found.err

    return run
