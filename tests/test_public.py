import ast
import inspect
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import autogenesis_core
from autogenesis_core import errors, hookspecs

ROOT = Path(__file__).parents[1]
CORE = ROOT / "autogenesis_core"
PROJECTS = [ROOT / "pyproject.toml", *sorted(ROOT.glob("plugins/*/pyproject.toml"))]
PACKAGES = [CORE, *sorted(path for path in ROOT.glob("plugins/*/src/*") if (path / "__init__.py").is_file())]
HOOKS = [name for name in vars(hookspecs) if name.startswith(("rspl_", "sepl_"))]


def promised() -> dict[str, str]:
    """What type checkers see: public name → the module that it is imported from."""
    tree = ast.parse((CORE / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name: node.module or "" for node in imports for alias in node.names}


def kind_and_name(name: str) -> tuple[int, str]:
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_the_public_names_are_sorted():
    assert autogenesis_core.__all__ == sorted(autogenesis_core.__all__, key=kind_and_name)
    assert len(autogenesis_core.__all__) == len(set(autogenesis_core.__all__))


def test_type_checkers_see_exactly_the_public_names():
    assert {*promised(), "__version__"} == set(autogenesis_core.__all__)


@pytest.mark.parametrize("name", sorted(promised()))
def test_a_public_name_is_what_type_checkers_say(name):
    assert getattr(autogenesis_core, name) is getattr(import_module(promised()[name]), name)


def test_every_error_is_public():
    trees = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, Exception)}
    assert trees <= set(autogenesis_core.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="autogenesis_core.*no_such_name"):
        autogenesis_core.no_such_name  # noqa: B018


def test_importing_the_core_imports_nothing_else():
    code = "import sys, autogenesis_core; print([m for m in sys.modules if m.startswith('autogenesis_core.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", [name for name in sorted(promised()) if name != "JSON"])
def test_a_public_class_or_function_says_what_it_is(name):
    value = getattr(autogenesis_core, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert (value.__doc__ or "").strip()


def project(path: Path) -> dict:
    return tomllib.loads(path.read_text())["project"]


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_every_distribution_has_the_cores_version(path):
    assert project(path)["version"] == autogenesis_core.__version__


@pytest.mark.parametrize("path", PROJECTS[1:], ids=lambda path: path.parent.name)
def test_first_party_requirements_fit_the_cores_version(path):
    major, minor, _ = autogenesis_core.__version__.split(".")
    wanted = f">={major}.{minor},<{major}.{int(minor) + 1}"
    own = [line for line in project(path)["dependencies"] if line.startswith("autogenesis-")]
    assert own
    assert [line for line in own if not line.endswith(wanted)] == []


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_every_distribution_is_for_the_same_pythons(path):
    assert project(path)["requires-python"] == ">=3.11,<3.14"


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: path.name)
def test_every_package_is_typed(path):
    assert (path / "py.typed").is_file()


def test_every_plugin_folder_has_a_package():
    folders = {path.parent.name for path in PROJECTS[1:]} - {"standard"}
    assert folders == {path.parents[1].name for path in PACKAGES[1:]}


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_documented(hook):
    specification = getattr(hookspecs, hook)
    assert inspect.iscoroutinefunction(specification)
    assert (specification.__doc__ or "").strip()
    assert f"`{hook}" in (ROOT / "docs" / "reference" / "hooks.md").read_text()


def test_there_are_exactly_the_hooks_of_the_design():
    assert sorted(HOOKS) == [
        "rspl_authorize", "rspl_observe", "rspl_register",
        "sepl_commit", "sepl_evaluate", "sepl_gate", "sepl_improve", "sepl_interim", "sepl_observe", "sepl_parent",
        "sepl_reflect", "sepl_select",
    ]  # fmt: skip


def importers(*packages: str) -> set[str]:
    """The core's files that import one of these packages, at any depth and in any form that can be read."""
    found = set()
    for path in CORE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                function = getattr(node.func, "id", getattr(node.func, "attr", ""))
                names += [str(node.args[0].value)] if function in ("import_module", "__import__") else []
            if any(name.partition(".")[0] in packages for name in names):
                found.add(str(path.relative_to(CORE)))
    return found


def test_only_compose_imports_hydra_or_omegaconf():
    assert importers("hydra", "omegaconf") == {"compose.py"}


def test_only_catalog_reads_the_metadata_of_installed_distributions():
    assert importers("importlib_metadata") == {"catalog.py"}
    tree = [path for path in CORE.rglob("*.py") if "importlib.metadata" in path.read_text()]
    assert tree == []


def test_the_core_imports_neither_litellm_nor_any_plugin():
    assert importers("litellm") == set()
    assert importers(*(path.name for path in PACKAGES[1:])) == set()
