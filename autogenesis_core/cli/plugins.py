"""`autogenesis plugins`: what is installed, without importing any of it."""

import json

from autogenesis_core.catalog import GROUPS, SEVERAL, Catalog, Option, import_plugin
from autogenesis_core.cli.arguments import Arguments
from autogenesis_core.errors import PluginError, unknown

_WIDTH = 56


def plugins_(arguments: Arguments) -> int:
    """Lists options; of one kind; or shows one option's settings. `--check` imports every plugin."""
    catalog = Catalog.read()
    word = arguments.words[0].lstrip("+") if arguments.words else ""
    group, _, name = word.partition("=")
    if group and group not in GROUPS:
        raise unknown("kind", group, GROUPS)
    if name:
        return _one(catalog.find(group, name), arguments.json)
    options = [option for option in catalog.options if not group or option.group == group]
    broken = _broken(catalog, check="--check" in arguments.flags)
    code = 1 if broken and "--check" in arguments.flags else 0
    if arguments.json:
        print(json.dumps({"options": [_row(option) for option in options], "broken": broken}, ensure_ascii=False))
        return code
    names = {option: option.name + (" ✗" if option.plugin.distribution in broken else "") for option in options}
    width = max(map(len, names.values()), default=0)
    for option in options:
        plugin = option.plugin
        owner = f"{plugin.distribution} {plugin.version}" + ("  editable" if plugin.editable else "")
        print(f"  {option.group:<12} {names[option]:<{width}}  {_short(option.description):<{_WIDTH}}  {owner}")
    for distribution, problem in broken.items():
        print(f"  ✗ {distribution}: {problem}")
    count = len({option.plugin.distribution for option in options})
    print(f"  {len(options)} options of {count} distributions · autogenesis plugins KIND=NAME shows one")
    return code


def _broken(catalog: Catalog, *, check: bool) -> dict[str, str]:
    found = {plugin.distribution: plugin.error for plugin in catalog.plugins if plugin.error}
    for plugin in catalog.plugins if check else ():
        if plugin.package and not plugin.error:
            try:
                import_plugin(plugin)
            except PluginError as error:
                found[plugin.distribution] = error.reason
    return found


def _one(option: Option, as_json: bool) -> int:
    if as_json:
        print(json.dumps({**_row(option), "yaml": option.path.read_text(encoding="utf-8")}, ensure_ascii=False))
        return 0
    print(f"{option.group}={option.name}  {option.description}")
    print(f"  {option.plugin.distribution} {option.plugin.version} · {option.path}")
    prefix = f"{option.group}.{option.name}" if option.group in SEVERAL else option.group
    for line in option.path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "_target_")):
            print(f"  {prefix}.{line}" if not line.startswith(" ") else f"  {line}")
    return 0


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def _row(option: Option) -> dict[str, object]:
    plugin = option.plugin
    return {
        "kind": option.group, "name": option.name, "description": option.description,
        "distribution": plugin.distribution, "version": plugin.version, "editable": plugin.editable,
    }  # fmt: skip
