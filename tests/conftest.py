"""Fixtures that the tests of several parts share."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def write_distribution() -> Callable[..., Path]:
    """Writes a plugin distribution as pip would install it: `write(folder, name, files)`; returns what goes on a path.

    `files` are those of its package by path; `module` is the entry point's, the package itself unless said otherwise.
    """

    def write(folder: Path, name: str, files: Mapping[str, str], version: str = "0.1.0", module: str = "") -> Path:
        package = name.replace("-", "_")
        info = f"{package}-{version}.dist-info"
        everything = {f"{package}/{path}": text for path, text in {"__init__.py": "", **files}.items()}
        everything[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        everything[f"{info}/entry_points.txt"] = f"[autogenesis]\n{package} = {module or package}\n"
        everything[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*everything, f"{info}/RECORD"])
        for path, text in everything.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        return folder

    return write


@pytest.fixture
def distribution(tmp_path_factory, monkeypatch, write_distribution):
    """Installs a plugin distribution for this test, here and for subprocesses: `distribution(name, files)`."""
    packages = []

    def install(name: str, files: Mapping[str, str], version: str = "0.1.0", module: str = "") -> Path:
        folder = write_distribution(tmp_path_factory.mktemp("site"), name, files, version, module)
        packages.append(name.replace("-", "_"))
        monkeypatch.syspath_prepend(folder)
        monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        return folder

    yield install
    for name in [name for name in sys.modules if name.partition(".")[0] in packages]:
        del sys.modules[name]


@pytest.fixture
def echo(distribution):
    """A plugin with an agent that says its task again: option agent/echo."""
    return distribution(
        "autogenesis-agent-echo",
        {
            "agent.py": (
                "from attrs import field, frozen, validators\n"
                "from autogenesis_core import Agent, variable\n\n\n"
                "@frozen\n"
                "class Echo(Agent):\n"
                "    uses_model = False\n"
                '    prefix: str = variable(default="")\n'
                "    times: int = field(default=1, validator=validators.gt(0))\n"
                "    words: list[str] = field(factory=list)\n\n"
                "    async def run(self, task, context):\n"
                "        return self.prefix + task * self.times\n"
            ),
            "conf/agent/echo.yaml": (
                "# @package agent\n# Says the task again\n_target_: autogenesis_agent_echo.agent:Echo\n"
                'prefix: ""\ntimes: 1\nwords: []\n'
            ),
        },
    )


@pytest.fixture
def command():
    """Runs the command line in a process of its own: `command("plugins", folder=tmp_path)`."""

    def run(*words: str, folder: Path, text: str | None = None, **environment: str):
        variables = {**os.environ, "COLUMNS": "200", **environment}
        for name in ("AUTOGENESIS_MODEL", "AUTOGENESIS_TRACE"):
            if name not in environment:
                variables.pop(name, None)
        return subprocess.run(
            [sys.executable, "-m", "autogenesis_core.cli", *words],
            cwd=folder, env=variables, input=(text or "").encode(), capture_output=True, timeout=60, check=False,
        )  # fmt: skip

    return run
