"""`autogenesis new KIND NAME`: a plugin that installs, passes its contract and runs."""

import json
import re
from importlib.resources import files
from pathlib import Path
from string import Template

from autogenesis_core.catalog import SEVERAL, core_version
from autogenesis_core.cli.arguments import Arguments
from autogenesis_core.errors import InputError, unknown

_SETTINGS = {"agent": "instruction: Answer the question.\n"}  # what can be set stands in the YAML
_KINDS = ("agent", "benchmark", "environment", "gate", "memory", "optimizer", "tool")


def new_(arguments: Arguments) -> int:
    """Writes the plugin's folder; refuses one that is there."""
    if not 2 <= len(arguments.words) <= 3 or arguments.overrides:
        raise InputError("new takes a kind and a name", "autogenesis new tool dice")
    kind, name = arguments.words[0], arguments.words[1]
    if kind not in _KINDS:
        raise unknown("kind", kind, _KINDS)
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", name):
        raise InputError(f"'{name}' is no name for a plugin", "names are lower-case letters, digits and _")
    folder = Path(arguments.words[2] if len(arguments.words) == 3 else f"autogenesis-{kind}-{name.replace('_', '-')}")
    if folder.exists():
        raise InputError(f"{folder} is there already", "name another folder as the third word")
    for path, text in plugin_files(kind, name).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    if arguments.json:
        print(json.dumps({"folder": str(folder), "files": sorted(plugin_files(kind, name))}))
        return 0
    print(f"  {folder}\n\n  pip install -e {folder}\n  pytest {folder}\n  autogenesis plugins {kind}={name}")
    return 0


def plugin_files(kind: str, name: str) -> dict[str, str]:
    """The files of a new plugin by path."""
    package = f"autogenesis_{kind}_{name}"
    core = core_version()
    values = {
        "kind": kind,
        "name": name,
        "package": package,
        "distribution": package.replace("_", "-"),
        "Class": "".join(part.capitalize() for part in name.split("_")) + kind.capitalize(),
        "target": name if kind == "tool" else "".join(p.capitalize() for p in name.split("_")) + kind.capitalize(),
        "Contract": f"{kind.capitalize()}Contract",
        "at": f"{kind}.{name}" if kind in SEVERAL else kind,
        "core": ".".join(core.split(".")[:2]),
        "next": f"{core.split('.')[0]}.{int(core.split('.')[1]) + 1}",
    }
    source = files("autogenesis_core.cli") / "templates"
    paths = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        f"src/{package}/__init__.py": "init.py",
        f"src/{package}/{name}.py": f"{kind}.py",
        f"src/{package}/conf/{kind}/{name}.yaml": "conf.yaml",
        f"tests/test_{kind}_{name}.py": "test.py",
    }
    made = {
        path: Template((source / f"{template}.txt").read_text(encoding="utf-8")).substitute(values)
        for path, template in paths.items()
    }
    conf = f"src/{package}/conf/{kind}/{name}.yaml"
    return {**made, conf: made[conf] + _SETTINGS.get(kind, ""), f"src/{package}/py.typed": ""}
