"""A composed configuration → frozen objects, all errors at once; targets only inside their own plugin's package."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import attrs

from autogenesis_core.catalog import OWN, Catalog, Composed, Option, Plugin, import_plugin
from autogenesis_core.errors import ConfigurationError, InputError, PluginError, did_you_mean
from autogenesis_core.identity import JSON
from autogenesis_core.rspl.entity import KINDS, Kind
from autogenesis_core.rspl.prompt import parse_prompt
from autogenesis_core.rspl.record import Installed, Record, source_hash
from autogenesis_core.rspl.skill import read_skill
from autogenesis_core.rspl.tool import Tool
from autogenesis_core.services.secrets import check_no_secret, structure_with_secrets
from autogenesis_core.settings import Composition, Part, Resource, Settings
from autogenesis_core.structuring import Problems, structure

_SETTINGS = tuple(field.name for field in attrs.fields(Settings))


def build(composed: Composed, catalog: Catalog, folder: Path) -> Composition:
    """The parts of a run; raises ConfigurationError with every problem of the configuration and its path."""
    builder = _Builder(composed, catalog)
    settings = builder.settings()
    built = {group: [builder.option(group, name) for name in names] for group, names in composed.choices.items()}
    builder.strays()
    if builder.problems:
        raise ConfigurationError(builder.problems)
    resources = [item for group in built.values() for item in group if isinstance(item, Resource)]
    parts = {group: [item for item in items if isinstance(item, Part)] for group, items in built.items()}
    plugins = list({id(p): p for p in builder.plugins}.values())
    return Composition(
        settings=settings,
        resources=[*_prompts(plugins, resources), *resources],
        model=_only(parts, "model"),
        benchmark=_only(parts, "benchmark"),
        executor=_only(parts, "executor"),
        optimizer=next(iter(parts.get("optimizer", ())), None),
        gates=parts.get("gate", []),
        observers=parts.get("observer", []),
        modules=[Part(p.distribution, import_plugin(p), p.distribution) for p in plugins if p.package],
        plugins=plugins,
        composed=composed,
        find_class=lambda record: find_class(record, catalog),
        folder=folder,
    )


class _Builder:
    def __init__(self, composed: Composed, catalog: Catalog) -> None:
        self.composed = composed
        self.catalog = catalog
        self.problems: Problems = []
        self.plugins: list[Plugin] = []

    def settings(self) -> Settings:
        data = {key: value for key, value in self.composed.config.items() if key in _SETTINGS}
        try:
            return structure(data, Settings, "")
        except ConfigurationError as error:
            self.problems += [(path.lstrip("."), text) for path, text in error.problems]
            return Settings()

    def option(self, group: str, name: str) -> Resource | Part | None:
        if group == "experiment":
            return None
        option = self.catalog.find(group, name)
        path = self._path(group, name)
        data, shipped = _entry(self.composed.config, path), _entry(self.composed.shipped, path)
        if option.plugin not in self.plugins:
            self.plugins.append(option.plugin)
        if data is None or shipped is None:
            owner = f"{option.path.name} of {option.plugin.distribution}"
            if not any(key in option.path.read_text(encoding="utf-8") for key in ("_target_:", "file:", "_skill_:")):
                raise PluginError(f"{owner} has no _target_", "_target_: package.module:Class")
            raise PluginError(f"{owner} must begin with # @package {path}")
        if group == "prompt":
            return _prompt(option, shipped)
        if "_skill_" in shipped:
            return _skill(option, shipped)
        cls = _target(option, data, shipped)
        parameters = _parameters(data)
        try:
            instance = structure_with_secrets(parameters, cls, path)
        except ConfigurationError as error:
            self.problems += error.problems
            return None
        if group not in KINDS:
            return Part(f"{group} {name}", instance, option.plugin.distribution)
        plain = _parameters(shipped)
        overrides = {key: value for key, value in parameters.items() if plain.get(key, ...) != value}
        plain = {field.name: plain.get(field.name, _default(field)) for field in parameter_fields(cls)}
        record = describe(group, name, option.description, cls, option.plugin.distribution, plain)
        check_no_secret(attrs.evolve(record, parameters={**record.parameters, **overrides}))
        return Resource(record, cls, overrides)

    def strays(self) -> None:
        """Keys that belong to nothing chosen."""
        known = {*_SETTINGS, *self.composed.choices}
        for key, value in self.composed.config.items():
            if key in ("tool", "gate", "observer", "prompt"):
                inner = value if isinstance(value, dict) else {}
                if inner.keys() & OWN:
                    raise self._headless(key)
                chosen = self.composed.choices.get(key, ())
                self.problems += [
                    (f"{key}.{name}", f"not chosen; +{key}={name}") for name in inner if name not in chosen
                ]
            elif key not in known and value is not None:
                near = did_you_mean(key, known)
                groups = dict.fromkeys(("agent", "model", "benchmark", "environment", "memory", "optimizer"), True)
                text = f"no {key} is chosen; +{key}=…" if key in groups else "unknown"
                self.problems.append((key, text + (f"; did you mean {near}?" if near else "")))

    def _headless(self, group: str) -> PluginError:
        """The error for a file that put its content beside those of its group's other options."""
        for option in self.catalog.options:
            header = f"# @package {group}.{option.name}"
            if option.group == group and not option.path.read_text(encoding="utf-8").startswith(header):
                return PluginError(f"{option.path.name} of {option.plugin.distribution} must begin with {header}")
        return PluginError(f"{group}._target_ cannot be set")

    def _path(self, group: str, name: str) -> str:
        return f"{group}.{name}" if group in ("tool", "gate", "observer", "prompt") else group


def describe(
    kind: str, name: str, description: str, cls: type[Any], distribution: str, parameters: Mapping[str, JSON]
) -> Record:
    """The record of a resource: a class, its parameters, and what a model sees of it."""
    exports: dict[str, JSON] = {}
    if issubclass(cls, Tool):
        description = cls.describe()[0] or description
        exports = {"form": "native", **cls.exports()}
    trainable = {field.name: bool(field.metadata.get("trainable", False)) for field in parameter_fields(cls)}
    made: Kind = kind  # type: ignore[assignment]  # Record checks it
    entry = Installed(distribution, f"{kind}/{name}", source_hash(cast("Any", cls)))
    record = Record(made, name, description, entry, parameters, exports, trainable)
    check_no_secret(record)
    return record


def parameter_fields(cls: type[Any]) -> list["attrs.Attribute[Any]"]:
    """The attrs fields of a resource's class that are parameters of its record."""
    if not attrs.has(cls):
        raise PluginError(f"{cls.__module__}.{cls.__qualname__} is no attrs class", "decorate it with @attrs.frozen")
    return [field for field in attrs.fields(cls) if field.init and field.metadata.get("parameter", True)]


def _default(field: "attrs.Attribute[Any]") -> JSON:
    default: Any = field.default  # attrs types it as the field's own
    if hasattr(default, "takes_self"):  # an attrs.Factory, whose type is a function's to mypy
        default = default.factory()
    return cast("JSON", None if default is attrs.NOTHING else default)


def _entry(config: Mapping[str, Any], path: str) -> dict[str, Any] | None:
    value: Any = config
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) and value.keys() & OWN else None


def _parameters(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key != "_target_" and value != "???"}


def _target(option: Option, data: Mapping[str, Any], shipped: Mapping[str, Any]) -> type[Any]:
    target = str(data.get("_target_", ""))
    module, _, name = target.partition(":")
    where = f"{option.id} of {option.plugin.distribution}"
    if target != shipped.get("_target_"):
        raise InputError(f"the target of {where} may not be changed", f"leave out {option.group}._target_")
    if not option.plugin.package or module.partition(".")[0] != option.plugin.package or not name:
        raise PluginError(f"{where} may only have a target inside its own package, not '{target}'")
    import_plugin(option.plugin)
    try:
        found = getattr(__import__(module, fromlist=[name]), name)
    except (Exception, SystemExit) as error:
        raise PluginError(f"{where} fails on import: {type(error).__name__}: {error}") from error
    if not isinstance(found, type):
        raise PluginError(f"{where} has a target that is no class: {target}")
    return found


def _prompts(plugins: list[Plugin], resources: list[Resource]) -> list[Resource]:
    """The prompt files of the selected plugins; a prompt that the configuration chose by name stands before them."""
    chosen = {resource.record.id for resource in resources}
    found = []
    for plugin in plugins:
        folder = plugin.conf.parent / "prompts" if plugin.conf and plugin.package else None
        for path in sorted(folder.glob("*.md")) if folder and folder.is_dir() else ():
            record = parse_prompt(path.read_text(encoding="utf-8-sig"), path.stem, plugin.distribution)
            if record.id not in chosen:
                found.append(Resource(record))
    return found


def _prompt(option: Option, shipped: Mapping[str, Any]) -> Resource:
    root = option.path.parents[2].resolve()
    path = (root / str(shipped.get("file", ""))).resolve()
    if root not in path.parents or not path.is_file():
        raise PluginError(
            f"{option.id} of {option.plugin.distribution}: there is no file '{shipped.get('file')}' in it"
        )
    return Resource(parse_prompt(path.read_text(encoding="utf-8-sig"), option.name, option.plugin.distribution))


def _skill(option: Option, shipped: Mapping[str, Any]) -> Resource:
    """The skill in the folder that an option names, below its package or the project's folder."""
    root = option.path.parents[2].resolve()
    path = (root / str(shipped["_skill_"])).resolve()
    if root not in path.parents or not path.is_dir():
        raise PluginError(f"{option.id} of {option.plugin.distribution}: there is no folder '{shipped['_skill_']}'")
    record, artifacts = read_skill(path, option.plugin.distribution)
    if record.name != option.name:
        raise PluginError(
            f"{option.id} of {option.plugin.distribution} is a skill called '{path.name}'",
            f"call the file {record.name}.yaml",
        )
    return Resource(record, artifacts=artifacts)


def find_class(record: Record, catalog: Catalog) -> type[Any]:
    """The installed class of a record of the store, by its distribution and entry.

    Raises UnknownName or PluginError, with what to install, if it is not there.
    """
    import yaml

    assert isinstance(record.implementation, Installed)
    distribution, entry = record.implementation.distribution, record.implementation.entry
    group, _, name = entry.partition("/")
    option = catalog.find(group, name)
    if option.plugin.distribution != distribution:
        raise PluginError(f"{record.id} is of {distribution}, but {entry} is {option.plugin.distribution}'s here")
    data = yaml.safe_load(option.path.read_text(encoding="utf-8"))
    return _target(option, data, data)


def _only(parts: Mapping[str, list[Part]], group: str) -> Any:  # each group's class is its own
    return parts[group][0].instance if parts.get(group) else None


def given_name(agent: Any) -> str:  # an instance of any Agent class
    """The name of an agent that a program gives: its function's, else its class's, as a resource may be named."""
    name = getattr(getattr(agent, "function", None), "__name__", type(agent).__name__)
    return re.sub(r"[^a-z0-9_]", "_", name.lower()).strip("_")[:64] or "function"
