import asyncio
import os
import subprocess
import sys

import pytest

from autogenesis_core import Runtime
from autogenesis_core.testing import FunctionModel

KINDS = ("agent", "benchmark", "environment", "gate", "memory", "optimizer", "tool")


@pytest.fixture
def made(tmp_path, monkeypatch, typed):
    """Makes plugins with `new` and installs them: their sources on the path, and a hand-made dist-info beside each."""
    monkeypatch.chdir(tmp_path)
    packages = []

    def make(kind: str, name: str):
        assert typed("new", kind, name)[0] == 0
        package = f"autogenesis_{kind}_{name}"
        folder = tmp_path / package.replace("_", "-")
        info = folder / "src" / f"{package}-0.1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {folder.name}\nVersion: 0.1.0\n")
        (info / "entry_points.txt").write_text(f"[autogenesis]\n{kind}_{name} = {package}\n")
        (info / "RECORD").write_text("")
        monkeypatch.syspath_prepend(folder / "src")
        monkeypatch.setenv("PYTHONPATH", str(folder / "src"), prepend=os.pathsep)
        packages.append(package)
        return folder

    yield make
    for name in [name for name in sys.modules if name.partition(".")[0] in packages]:
        del sys.modules[name]


def pytest_of(*folders):
    words = ["-p", "no:hydra_pytest", "-p", "no:cacheprovider", "-q", "--import-mode=importlib", "-W", "error"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words, *map(str, folders)], capture_output=True, text=True, check=False
    )


def test_a_new_plugin_of_every_kind_passes_its_own_tests(made):
    done = pytest_of(*(made(kind, "some_thing") / "tests" for kind in KINDS))
    assert done.returncode == 0, done.stdout
    assert "failed" not in done.stdout


def test_a_new_plugins_tests_fail_when_it_is_broken(made):
    folder = made("tool", "dice")
    code = folder / "src" / "autogenesis_tool_dice" / "dice.py"
    code.write_text(code.read_text().replace("text: what to repeat", ""))
    done = pytest_of(folder / "tests")
    assert (done.returncode, "test_its_schema_and_description_serve_a_model" in done.stdout) == (1, True)


def test_new_plugins_evolve_together(made):
    for kind in ("agent", "benchmark", "gate", "optimizer"):
        made(kind, "mine")

    async def evolve():
        words = [f"+{kind}=mine" for kind in ("agent", "benchmark", "gate", "optimizer")]
        async with Runtime.compose(*words, "splits.val=8", "splits.test=8", model=Sums()) as ag:
            return await ag.evolve()

    result = asyncio.run(evolve())
    assert (result["optimizer"], result["gates"], result["agent"]) == ("mine", ["mine"], "mine")
    assert {entry["decision"] for entry in result["rounds"]} <= {"commit", "reject"}
    assert result["rounds"][0]["edits"]


def Sums() -> FunctionModel:  # noqa: N802  # it reads as the model it makes
    """A model that answers 1 to whatever it is asked."""
    return FunctionModel(lambda request: "1")


def test_a_new_tool_runs(made):
    made("tool", "dice")

    async def run():
        async with Runtime.compose("+tool=dice") as ag:
            return await ag.tool.run("dice", {"text": "six", "times": 2})

    assert asyncio.run(run()).text == "six six"


def test_a_new_tool_is_under_40_lines_of_its_own(made):
    folder = made("tool", "dice")
    paths = [path for path in folder.rglob("*") if path.suffix in (".py", ".yaml")]
    lines = [line for path in paths for line in path.read_text().splitlines()]
    assert 0 < len(lines) < 40


def test_a_new_plugin_is_listed_with_its_settings(made, typed):
    made("agent", "mine")
    assert "agent" in typed("plugins", "agent")[1]
    code, out, _ = typed("plugins", "agent=mine")
    assert (code, "The agent mine" in out) == (0, True)
    assert "instruction" in out


def test_a_new_plugin_is_installed_by_pip(tmp_path, typed, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    typed("new", "tool", "dice")
    words = [
        "install",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--target",
        "site",
        "./autogenesis-tool-dice",
    ]
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run([sys.executable, "-m", "pip", *words], check=True, capture_output=True, env=environment)
    files = {path.name for path in (tmp_path / "site" / "autogenesis_tool_dice").rglob("*") if path.is_file()}
    assert {"__init__.py", "py.typed", "dice.py", "dice.yaml"} <= files
    done = command("plugins", "tool=dice", folder=tmp_path, PYTHONPATH=str(tmp_path / "site"))
    assert (done.returncode, b"autogenesis-tool-dice 0.1.0" in done.stdout) == (0, True)


def test_it_prints_what_to_type_next(tmp_path, typed, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = typed("new", "tool", "roll_dice")
    assert (code, err) == (0, "")
    for line in ("pip install -e autogenesis-tool-roll-dice", "pytest autogenesis-tool-roll-dice", "tool=roll_dice"):
        assert line in out


def test_the_folder_can_be_named(tmp_path, typed, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert typed("new", "tool", "dice", "plugins/tool-dice")[0] == 0
    assert (tmp_path / "plugins" / "tool-dice" / "pyproject.toml").is_file()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "new takes a kind and a name"), (("tool",), "new takes a kind and a name"),
        (("tool", "a", "b", "c"), "new takes a kind and a name"), (("tol", "dice"), "did you mean tool?"),
        (("tool", "Dice"), "is no name for a plugin"), (("tool", "../up"), "is no name for a plugin"),
        (("tool", "di-ce"), "is no name for a plugin"), (("tool", "1st"), "is no name for a plugin"),
        (("tool", "dice", "taken"), "is there already"), (("tool", "dice", "seed=3"), "new"),
    ],
)  # fmt: skip
def test_wrong_input_is_an_error_and_writes_nothing(tmp_path, typed, monkeypatch, words, reason):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    code, out, err = typed("new", *words)
    assert (code, out, reason in err) == (2, "", True)
    assert [path.name for path in tmp_path.rglob("*")] == ["taken"]


def test_with_json_it_prints_one_json_object(tmp_path, typed, monkeypatch):
    import json

    monkeypatch.chdir(tmp_path)
    assert isinstance(json.loads(typed("new", "tool", "dice", "--json")[1]), dict)
