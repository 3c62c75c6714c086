"""What is installed: from metadata and file names only; no plugin is imported.

Its data are named tuples, because importing attrs would double the time that listing takes.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import importlib_metadata

from autogenesis_core.errors import InputError, PluginError, UnknownName, did_you_mean

GROUPS = (
    "agent", "tool", "environment", "memory", "prompt", "optimizer", "benchmark", "model", "gate", "executor",
    "observer", "store", "experiment",
)  # fmt: skip
OWN = frozenset(("_target_", "file", "_skill_"))  # what an option's file says and no override may
SEVERAL = ("tool", "gate", "observer", "prompt")
CORE = Path(__file__).parent / "conf"

# Our own distributions: only for these may an error say `pip install`; a naming rule could send people to a stranger's.
DISTRIBUTIONS = {
    "agent/callable": "autogenesis-agent-callable",
    "agent/policy": "autogenesis-agent-policy",
    "agent/tool_calling": "autogenesis-agent-tool-calling",
    "benchmark/dataset": "autogenesis-benchmark-dataset",
    "benchmark/reasoning_gym": "autogenesis-benchmark-reasoning-gym",
    "environment/gymnasium": "autogenesis-environment-gymnasium",
    "gate/auto": "autogenesis-gate-paired-test",
    "gate/cost": "autogenesis-gate-cost",
    "gate/human": "autogenesis-gate-human",
    "gate/improvement": "autogenesis-gate-improvement",
    "gate/no_regression": "autogenesis-gate-no-regression",
    "gate/paired_test": "autogenesis-gate-paired-test",
    "gate/paper": "autogenesis-gate-paper",
    "gate/safety": "autogenesis-gate-safety",
    "memory/session": "autogenesis-memory-session",
    "model/litellm": "autogenesis-model-litellm",
    "model/simulated": "autogenesis-model-simulated",
    "optimizer/evolution_strategy": "autogenesis-optimizer-evolution-strategy",
    "optimizer/proposals": "autogenesis-optimizer-proposals",
    "optimizer/reflection": "autogenesis-optimizer-reflection",
    "tool/calculator": "autogenesis-tool-calculator",
    "tool/convert_base": "autogenesis-tool-text",
    "tool/count_letters": "autogenesis-tool-text",
    "tool/find_resources": "autogenesis-tool-registry",
    "tool/load_resource": "autogenesis-tool-registry",
    "tool/propose_edit": "autogenesis-tool-registry",
    "tool/sort_words": "autogenesis-tool-text",
    "tool/use_resource": "autogenesis-tool-registry",
}


class Plugin(NamedTuple):
    """An installed distribution with an entry point in the group `autogenesis`."""

    distribution: str
    version: str
    package: str
    module: str
    conf: Path | None
    editable: bool = False
    error: str = ""


class Option(NamedTuple):
    """One choice in a configuration group: a YAML file of a plugin, of the core or of the user's `./conf`."""

    group: str
    name: str
    description: str
    path: Path
    plugin: Plugin

    @property
    def id(self) -> str:
        """`group/name`."""
        return f"{self.group}/{self.name}"


class Composed(NamedTuple):
    """A composed configuration as plain data.

    Arguments:
        config: the whole; `???` where something is missing
        choices: for each group the options chosen, in the order of the configuration
        shipped: the same choices as their plugins ship them, without experiments and overrides
    """

    config: Mapping[str, Any]  # plain data of any shape, until build.py gives it types
    choices: Mapping[str, Sequence[str]]
    shipped: Mapping[str, Any]


class Catalog:
    """All plugins and their options."""

    def __init__(self, plugins: Sequence[Plugin]) -> None:
        self.plugins = tuple(plugins)

    @classmethod
    def read(cls, folder: Path | None = None) -> "Catalog":
        """The catalogue of this Python environment, and of `./conf` below `folder`."""
        core = Plugin("autogenesis-core", core_version(), "autogenesis_core", "autogenesis_core", CORE)
        user = (folder or Path.cwd()) / "conf"
        own = [Plugin("./conf", "", "", "", user)] if user.is_dir() else []
        return cls((core, *sorted(_installed(), key=lambda plugin: plugin.distribution), *own))

    @cached_property
    def options(self) -> tuple[Option, ...]:
        """Every option, by group and name."""
        return tuple(sorted(_options(self.plugins), key=lambda option: (option.group, option.name)))

    def find(self, group: str, name: str) -> Option:
        """The option of that name; raises UnknownName with what helps, or InputError if two plugins offer it."""
        found = [option for option in self.options if option.group == group and option.name == name]
        if len(found) > 1:
            owners = " and ".join(option.plugin.distribution for option in found)
            raise InputError(f"{group} '{name}' is offered by {owners}", "uninstall all but one")
        if found:
            return found[0]
        raise self._missing(group, name)

    def names(self, group: str) -> list[str]:
        """The names that a group offers."""
        return [option.name for option in self.options if option.group == group]

    def _missing(self, group: str, name: str) -> UnknownName:
        installed = self.names(group)
        near = did_you_mean(name, installed)
        ours = DISTRIBUTIONS.get(f"{group}/{name}")
        reason = f"no {group} '{name}'" + (f"; did you mean {group}={near}?" if near and not ours else "")
        lines = [f"installed: {', '.join(installed) or 'none'}"]
        if ours:
            lines.insert(0, f"pip install {ours}")
        elif not near:
            known = {
                option.partition("/")[2]: dist
                for option, dist in DISTRIBUTIONS.items()
                if option.startswith(f"{group}/")
            }
            if other := did_you_mean(name, known):
                lines.insert(0, f"{group}={other} comes with: pip install {known[other]}")
        broken = [f"{p.distribution} is broken: {p.error}" for p in self.plugins if p.error]
        return UnknownName(reason, "\n  ".join(lines + broken))


def core_version() -> str:
    """The version of this core."""
    from autogenesis_core import __version__

    return __version__


def _installed() -> Iterator[Plugin]:
    for entry in importlib_metadata.entry_points(group="autogenesis"):
        package = entry.module.partition(".")[0]
        distribution, version, editable = "?", "?", False
        if entry.dist is not None:
            distribution, version = entry.dist.name, entry.dist.version
            editable = _editable(entry.dist)
        try:
            # The top level only: find_spec("a.b") would import a.
            spec = find_spec(package)
        except (ImportError, ValueError) as error:
            spec, problem = None, str(error)
        else:
            problem = "" if spec else f"its package {package} is not there"
        folders = list(spec.submodule_search_locations or ()) if spec else []
        conf = Path(folders[0]) / "conf" if folders else None
        conf = conf if conf and conf.is_dir() else None
        yield Plugin(distribution, version, package, entry.module, conf, editable, problem)


def _editable(distribution: importlib_metadata.Distribution) -> bool:
    origin = distribution.origin
    return bool(getattr(getattr(origin, "dir_info", None), "editable", False))


def _options(plugins: Sequence[Plugin]) -> Iterator[Option]:
    for plugin in plugins:
        for group in GROUPS if plugin.conf else ():
            folder = plugin.conf / group  # type: ignore[operator]  # the loop above is empty without it
            for path in sorted(folder.glob("*.yaml")) if folder.is_dir() else ():
                yield Option(group, path.stem, _description(path), path, plugin)


def _description(path: Path) -> str:
    """The first comment line that is no Hydra header."""
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            text = line.strip()
            if text.startswith("#") and not text.startswith("# @package"):
                return text.lstrip("# ")
            if text and not text.startswith("#"):
                break
    return ""


def import_plugin(plugin: Plugin) -> object:
    """The plugin's module, imported; raises PluginError with the cause."""
    from importlib import import_module

    try:
        return sys.modules.get(plugin.module) or import_module(plugin.module)
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"{plugin.distribution} {plugin.version} fails on import: {type(error).__name__}: {error}",
            f"pip uninstall {plugin.distribution}, or choose another option",
        ) from error
