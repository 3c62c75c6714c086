import json
import subprocess
import sys
import time

import pytest

PROBE = """
import json, sys
from autogenesis_core.cli import main
code = main(sys.argv[1:])
print("\\n" + json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]), file=sys.stderr)
"""
HEAVY = ("hydra", "omegaconf", "litellm", "sqlalchemy", "cattrs", "jinja2", "rich", "asyncio", "numpy")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def modules(*words: str) -> set[str]:
    """The top-level modules after a command line in a process of its own."""
    done = subprocess.run([sys.executable, "-c", PROBE, *words], capture_output=True, text=True, check=True)
    code, found = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    return set(found)


@pytest.mark.parametrize("words", [("--version",), ("plugins",), ("plugins", "--json"), ("--help",)])
def test_listing_and_version_import_neither_hydra_nor_any_plugin(echo, words):
    found = modules(*words)
    assert [name for name in HEAVY if name in found] == []
    assert [name for name in found if name.startswith("autogenesis_") and name != "autogenesis_core"] == []


@pytest.mark.parametrize("words", [("list",), ("log",), ("runs",), ("history", "agent/skilled")])
def test_verbs_on_the_store_import_neither_hydra_nor_any_plugin(evolved, monkeypatch, words):
    monkeypatch.chdir(evolved)
    found = modules(*words)
    assert [name for name in ("hydra", "omegaconf", "litellm", "numpy") if name in found] == []
    assert [name for name in found if name.startswith("autogenesis_") and name != "autogenesis_core"] == []


def test_a_composed_run_imports_the_selected_plugins_only(echo, distribution):
    conf = "# @package agent\n# Other\n_target_: autogenesis_agent_other.agent:Other\n"
    distribution("autogenesis-agent-other", {"conf/agent/other.yaml": conf})
    found = modules("hi", "+agent=echo")
    assert [name for name in found if name.startswith("autogenesis_") and name != "autogenesis_core"] == [
        "autogenesis_agent_echo"
    ]


def test_litellm_is_not_imported_until_a_model_is_called(echo):
    """The model is chosen here, and the agent has no use for it."""
    found = modules("hi", "+agent=echo", "+model=litellm", "model.name=openai/gpt-5-mini", "budget.money=null")
    assert "autogenesis_model_litellm" in found
    assert "litellm" not in found


@pytest.mark.parametrize("words", [("--version",), ("plugins",)])
def test_start_up_is_quick(words):
    """The aim is 0.1 s more than Python itself on an idle machine (benchmarks measure that); this notices a heavy import."""

    def seconds(*command: str) -> float:
        best = 9.0
        for _ in range(3):
            start = time.perf_counter()
            subprocess.run([sys.executable, *command], capture_output=True, check=True)
            best = min(best, time.perf_counter() - start)
        return best

    assert seconds("-m", "autogenesis_core.cli", *words) - seconds("-c", "pass") < 0.35
