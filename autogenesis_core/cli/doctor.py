"""`autogenesis doctor`: is everything there?"""

import json
import os
import platform
import sys
from pathlib import Path

from autogenesis_core.catalog import DISTRIBUTIONS, Catalog
from autogenesis_core.cli.arguments import Arguments
from autogenesis_core.errors import AutogenesisError

_KEYS = (
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GEMINI_API_KEY",
    "OPENROUTER_API_KEY",
    "AZURE_API_KEY",
    "MISTRAL_API_KEY",
)


def doctor_(arguments: Arguments) -> int:
    """Prints a line for each thing that a run needs; exit code 1 if something is broken."""
    from dotenv import find_dotenv, load_dotenv

    env = find_dotenv(usecwd=True)
    load_dotenv(env)
    rows = [_python(), *_plugins(), _model(), _keys(env), _store(arguments)]
    if arguments.json:
        print(json.dumps([{"ok": ok, "what": what, "found": found} for ok, what, found in rows], ensure_ascii=False))
    else:
        for ok, what, found in rows:
            print(f"  {'✓' if ok else '✗' if ok is False else '·'} {what:<10} {found}")
    return 1 if any(ok is False for ok, _, _ in rows) else 0


_Row = tuple[bool | None, str, str]


def _python() -> _Row:
    fits = (3, 11) <= sys.version_info < (3, 14)
    return fits, "Python", f"{platform.python_version()}" + ("" if fits else "; 3.11, 3.12 or 3.13 is needed")


def _plugins() -> list[_Row]:
    catalog = Catalog.read()
    broken = [plugin for plugin in catalog.plugins if plugin.error]
    count = len([plugin for plugin in catalog.plugins if plugin.package])
    rows: list[_Row] = [(True, "plugins", f"{len(catalog.options)} options of {count} distributions")]
    rows += [(False, "plugin", f"{plugin.distribution}: {plugin.error}") for plugin in broken]
    have = {option.id for option in catalog.options}
    if lacking := sorted({dist for option, dist in DISTRIBUTIONS.items() if option not in have}):
        rows.append((None, "not here", ", ".join(lacking)))
    return rows


def _model() -> _Row:
    name = os.environ.get("AUTOGENESIS_MODEL", "")
    return (
        (True if name else None),
        "model",
        name or "AUTOGENESIS_MODEL is not set; only the demonstration runs without",
    )


def _keys(env: str) -> _Row:
    found = [name for name in _KEYS if os.environ.get(name)]
    place = f" ({env})" if env else ""
    return (True if found else None), "keys", (", ".join(found) or "none of " + ", ".join(_KEYS)) + place


def _store(arguments: Arguments) -> _Row:
    from autogenesis_core.defaults import find_workdir
    from autogenesis_core.registry import Registry

    path = find_workdir(Path.cwd(), arguments.settings().get("workdir")) / "autogenesis.db"
    if not path.exists():
        return None, "store", f"none yet; a run makes {path}"
    try:
        with Registry.open(str(path.parent)) as registry:
            problem = registry.store.verify()
    except AutogenesisError as error:
        return False, "store", error.reason
    return problem is None, "store", problem or f"{path}: log and records verify"
