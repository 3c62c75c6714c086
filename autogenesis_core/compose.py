"""Composition of a configuration: the only module that imports hydra or omegaconf. It ends in plain dicts."""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.errors import HydraException, OverrideParseException
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from autogenesis_core.catalog import CORE, GROUPS, OWN, SEVERAL, Catalog, Composed
from autogenesis_core.errors import ConfigurationError, InputError
from autogenesis_core.services.secrets import is_secret_variable

OVERRIDE = re.compile(r"(?P<prefix>[+~]*)(?P<key>[A-Za-z_][\w./@]*)(?:=(?P<value>.*))?", re.DOTALL)


def compose(overrides: Sequence[str], catalog: Catalog) -> Composed:
    """The configuration that `overrides` compose: `agent=x` and `+agent=x` alike, `tool=[a,b]`, `agent.max_steps=5`.

    Raises UnknownName for an option that is not installed, InputError for what cannot be composed.
    """
    chosen, values = _split(overrides)
    for group, names in chosen.items():
        for name in names:
            catalog.find(group, name)
    _register(catalog)
    none = {group for group, names in chosen.items() if not names}
    config, choices = _without(none, *_compose([*_choice_overrides(chosen), *values], catalog))
    for group, names in choices.items():
        for name in names:
            catalog.find(group, name)
    shipped = config
    if values or "experiment" in choices:
        plain = {group: names for group, names in choices.items() if group != "experiment"}
        shipped, _ = _compose(_choice_overrides(plain), catalog)
    return Composed(config, choices, shipped)


def choices_of(overrides: Sequence[str], catalog: Catalog) -> Mapping[str, Sequence[str]]:
    """What `overrides` choose; only an experiment must be composed to know it."""
    chosen, _ = _split(overrides)
    return compose(overrides, catalog).choices if chosen.get("experiment") else {k: v for k, v in chosen.items() if v}


def _split(overrides: Sequence[str]) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    chosen: dict[str, tuple[str, ...]] = {}
    values: list[str] = []
    for override in overrides:
        match = OVERRIDE.fullmatch(override)
        if not match or (match["value"] is None and "~" not in match["prefix"]):
            raise InputError(
                f"'{override}' is no setting",
                "settings are written like agent=tool_calling or agent.max_steps=5",
            )
        key, value = match["key"], match["value"]
        if key in GROUPS:
            if key in chosen:
                hint = f"write {key}=[a,b]" if key in SEVERAL else f"one {key} at a time"
                raise InputError(f"{key} is chosen twice", hint)
            chosen[key] = () if "~" in match["prefix"] or value in ("null", "", None) else _names(key, value)
        elif "~" in match["prefix"]:
            values.append(f"~{key}")
        else:
            values.append(f"++{key}={_value(override, value or '')}")
    return chosen, values


def _names(group: str, value: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in value.strip("[]").split(",") if name.strip())
    if len(names) > 1 and group not in SEVERAL:
        raise InputError(f"only one {group} can be chosen, not {', '.join(names)}", f"{group}={names[0]}")
    for name in names:
        if not re.fullmatch(r"[\w\-]+", name):
            raise InputError(f"'{name}' is no name of an option", f"see: autogenesis plugins {group}")
    return names


def _value(override: str, value: str) -> str:
    """`value` as Hydra's grammar reads it; what it cannot read is text."""
    try:
        parsed = _parser().parse_override(f"++x={value}")
        if not parsed.is_sweep_override():
            return value
    except (OverrideParseException, HydraException):
        pass
    if re.fullmatch(r"\[[^\[\]{}]*\]", value):  # a list of texts that Hydra's grammar would want in quotes
        return f"[{','.join(_value(override, item.strip()) for item in value[1:-1].split(',') if item.strip())}]"
    if "${" in value:
        raise InputError(
            f"'{override}' cannot be read", "text with ${ does not go through the configuration; use a file"
        )
    # Inside Hydra's quotes a backslash is special only before a quote, so only those are doubled.
    return "'" + re.sub(r"(\\*)('|$)", lambda m: m[1] * 2 + ("\\'" if m[2] else ""), value, flags=re.DOTALL) + "'"


def _choice_overrides(chosen: Mapping[str, Sequence[str]]) -> list[str]:
    """Hydra's form of the choices; every group is in the primary defaults, so none needs a `+`."""
    return [
        f"{group}=[{','.join(names)}]" if group in SEVERAL else f"{group}={names[0]}"
        for group, names in chosen.items()
        if names
    ]


def _without(
    groups: Collection[str], config: dict[str, Any], choices: dict[str, tuple[str, ...]]
) -> tuple[dict[str, Any], dict[str, tuple[str, ...]]]:
    """Without the groups of which nothing is wanted; Hydra cannot take back what an experiment chose."""
    kept = {group: names for group, names in choices.items() if group not in groups}
    return {key: None if key in groups else value for key, value in config.items()}, kept


def _compose(overrides: list[str], catalog: Catalog) -> tuple[dict[str, Any], dict[str, tuple[str, ...]]]:
    try:
        with initialize_config_dir(str(CORE), version_base="1.3"):
            composed = hydra_compose("autogenesis", overrides, return_hydra_config=True)
        choices = cast("dict[str, Any]", OmegaConf.to_container(composed.hydra.runtime.choices))
        own = OmegaConf.masked_copy(composed, [str(key) for key in composed if key != "hydra"])
        written = OmegaConf.to_container(own)
        config = cast("dict[str, Any]", OmegaConf.to_container(own, resolve=True))
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        missing = re.search(r"Could not (?:find|load) '(\w+)/([\w\-]+)'", str(error))
        if missing and missing[1] in GROUPS:
            catalog.find(missing[1], missing[2])
        raise InputError(f"the configuration cannot be composed: {str(error).strip().splitlines()[0]}") from None
    _refuse_secrets(written)
    return config, {group: names for group in GROUPS if (names := _chosen(group, choices, config))}


def _refuse_secrets(data: Any, path: str = "") -> None:  # a configuration before its interpolations
    """Raises ConfigurationError for `${oc.env:API_KEY}`, whose value would stand in the configuration that is kept."""
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            _refuse_secrets(value, f"{path}.{key}" if path else str(key))
    elif isinstance(data, str):
        names = [name for name in re.findall(r"\boc\.env:\s*(\w+)", data) if is_secret_variable(name)]
        if names:
            problem = f"${{oc.env:{names[0]}}} would be stored and shown; write {{secret: {names[0]}}}"
            raise ConfigurationError([(path, problem)])


def _chosen(group: str, choices: Mapping[Any, Any], config: Mapping[str, Any]) -> tuple[str, ...]:
    """The options chosen in a group. Hydra reports no lists; there the keys tell, as each file has its own."""
    if group in SEVERAL:
        entries = config.get(group) or {}
        return tuple(name for name, entry in entries.items() if isinstance(entry, dict) and len(entry.keys() & OWN))
    return () if choices.get(group) in (None, "null") else (str(choices[group]),)


@lru_cache(maxsize=1)
def _parser() -> OverridesParser:
    return OverridesParser.create()


class _SearchPath(SearchPathPlugin):
    """Adds every plugin's `conf` folder and the user's; registered here, so that no other Hydra program sees it."""

    catalog: Catalog

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        for plugin in self.catalog.plugins:
            if plugin.conf and plugin.conf != CORE:
                search_path.append(plugin.distribution, f"file://{plugin.conf}")


def _register(catalog: Catalog) -> None:
    _SearchPath.catalog = catalog
    Plugins.instance().register(_SearchPath)
