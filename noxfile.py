"""Local checks and CI are the same sessions. By default: lint, types, tests."""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import nox

ROOT = Path(__file__).parent
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml") if path.parent.name != "standard")
ALL = ["-e", ".", *(part for path in PLUGINS for part in ("-e", str(path.relative_to(ROOT))))]
PYTHONS = ["3.11", "3.12", "3.13"]
TEST = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "test")
GROUPS = nox.project.load_toml("pyproject.toml")

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True


def group(name: str) -> tuple[str, ...]:
    return nox.project.dependency_groups(GROUPS, name)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, and the arrows between parts."""
    session.install(*group("lint"), *ALL)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", "--no-cache")


@nox.session
def types(session: nox.Session) -> None:
    """mypy, strict."""
    session.install(*ALL, *group("types"), *TEST)
    sources = [str(next((path / "src").iterdir()).relative_to(ROOT)) for path in PLUGINS]
    session.run("mypy", "autogenesis_core", *sources)


@nox.session
def tests(session: nox.Session) -> None:
    """Everything in one environment, on this Python."""
    session.install(*ALL, *TEST)
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session
@nox.parametrize("plugin", [path.name for path in PLUGINS])
def alone(session: nox.Session, plugin: str) -> None:
    """Each plugin with the core and nothing else."""
    session.install(".", f"./plugins/{plugin}", *TEST)
    session.run("pytest", f"plugins/{plugin}")


@nox.session(python=PYTHONS)
def pythons(session: nox.Session) -> None:
    """The tests on every Python."""
    session.install(*ALL, *TEST)
    session.run("pytest", "-n", "auto")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation; a warning is an error."""
    session.install(*ALL, *group("docs"))
    session.run("sphinx-build", "-W", "-q", "-b", "html", "docs", "docs/_build/html")


@nox.session
def wheels(session: nox.Session) -> None:
    """Built wheels hold their YAML and prompts, and work without this checkout."""
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    session.install("uv")
    session.run("uv", "build", "-q", "--all-packages", "--wheel", "--out-dir", str(dist))
    session.install(*map(str, sorted(dist.glob("*.whl"))), *TEST)
    session.run("pytest", "tests/system/test_wheels.py", env={"AUTOGENESIS_WHEELS": str(dist)})


@nox.session
def clone(session: nox.Session) -> None:
    """The README's two commands in a fresh clone with a fresh virtual environment."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "autogenesis"
        session.run("git", "clone", "-q", str(ROOT), str(fresh), external=True)
        python = Path(folder) / "venv" / "bin" / "python"
        session.run(sys.executable, "-m", "venv", str(python.parents[1]), external=True)
        with session.chdir(fresh):
            session.run(str(python), "-m", "pip", "install", "-q", "uv", external=True)
            uv = (str(python.parent / "uv"), "run", "--python", sys.executable)
            session.run(*uv, "autogenesis", "+agent=tool_calling", "+optimizer=reflection", external=True)
            found = session.run(*uv, "autogenesis", "runs", "--json", external=True, silent=True)
            assert json.loads(str(found))[-1]["simulated_model"] is True
            session.run(*uv, "nox", "--list", external=True, silent=True)


@nox.session
def torture(session: nox.Session) -> None:
    """The store under 8 writers and 200 kills, runs under 100 kills and one at each write, 10,000 malformed inputs."""
    session.install(*ALL, *TEST)
    files = (
        "tests/rspl/test_torture.py",
        "tests/rspl/test_registry_machine.py",
        "tests/sepl/test_killed.py",
        "tests/sepl/test_resume.py",
        "tests/system/test_malformed.py",
    )
    session.run("pytest", "-n", "auto", *files, env={"AUTOGENESIS_TORTURE": "1"})


@nox.session
def full(session: nox.Session) -> None:
    """All Pythons, each plugin alone, docs, wheels."""
    for name in ("pythons", "alone", "docs", "wheels", "clone"):
        session.notify(name)


@nox.session
def bench(session: nox.Session) -> None:
    """Every benchmark, quick unless told otherwise; figures are printed and decide nothing."""
    session.install(*ALL)
    for path in sorted(ROOT.glob("benchmarks/*.py")):
        session.run("python", str(path), *(session.posargs or ["--quick"]))
