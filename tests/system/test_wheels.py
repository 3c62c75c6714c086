"""Built wheels hold what they need: their YAML, prompts and type marker."""

import os
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WHEELS = os.environ.get("AUTOGENESIS_WHEELS", "")
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml") if path.parent.name != "standard")


@pytest.fixture(scope="module", params=["core", *[path.name for path in PLUGINS]])
def packed(request):
    if not WHEELS:
        pytest.skip("no wheels are built here; nox -s wheels builds them")
    name = f"autogenesis_{request.param.replace('-', '_')}"
    wheel = next(Path(WHEELS).glob(f"{name}-*.whl"))
    source = ROOT / "autogenesis_core" if request.param == "core" else ROOT / "plugins" / request.param / "src" / name
    return source, set(zipfile.ZipFile(wheel).namelist())


def test_a_wheel_holds_every_file_of_its_package(packed):
    source, names = packed
    files = [path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {f"{source.name}/{path.relative_to(source).as_posix()}" for path in files} <= names


def test_a_wheel_is_typed(packed):
    source, names = packed
    assert f"{source.name}/py.typed" in names
