"""The lock file: the exact versions and contents of a composed system, which runs from it with no store.

It holds the composed configuration, the versions of the plugins, and the resources as `autogenesis export` writes them.
Secrets stay references, and code is what is installed: a plugin whose code differs is reported.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autogenesis_core.catalog import Composed
from autogenesis_core.errors import InputError
from autogenesis_core.rspl.manager import Manager
from autogenesis_core.rspl.reference import Reference
from autogenesis_core.rspl.store import Store
from autogenesis_core.rspl.transfer import Document, export, import_
from autogenesis_core.settings import Composition

FORMAT = "autogenesis-lock/1"
_KEYS = {"format", "plugins", "config", "choices", "shipped", "resources"}
_SIZE = 200_000_000  # bytes


def lock_of(composition: Composition, manager: Manager) -> str:
    """The lock file of a running system, as text."""
    composed = composition.composed
    names = [Reference.parse(f"{name}@{manager.get_state(name).version}") for name in sorted(manager.list())]
    data = {
        "format": FORMAT,
        "plugins": {plugin.distribution: plugin.version for plugin in composition.plugins},
        "config": composed.config,
        "choices": composed.choices,
        "shipped": composed.shipped,
        "resources": json.loads(export(manager.store, names, history=False).to_json()),
    }
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read_lock(path: Path) -> tuple[Composed, Mapping[str, Any]]:
    """The configuration and the resources of a lock file; raises InputError for anything else."""
    try:
        if path.stat().st_size > _SIZE:
            raise InputError(f"{path} has more than {_SIZE:,} bytes, which no lock file has")
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the lock file {path} cannot be read: {error}", "autogenesis freeze … > FILE") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT or data.keys() != _KEYS:
        raise InputError(f"{path} is no lock file of this version", "autogenesis freeze … > FILE")
    plugins, config, choices, shipped = (data[key] for key in ("plugins", "config", "choices", "shipped"))
    fine = all(isinstance(part, dict) for part in (plugins, config, choices, shipped, data["resources"]))
    if not fine or not all(
        isinstance(names, list) and all(isinstance(n, str) for n in names) for names in choices.values()
    ):
        raise InputError(f"{path} is no lock file: a part of it has another form", "autogenesis freeze … > FILE")
    return Composed(config, choices, shipped), data["resources"]


def import_lock(store: Store, resources: Mapping[str, Any], branch: str) -> None:
    """Brings a lock file's resources into an empty store, as the heads of `branch`."""
    imported = import_(store, Document.from_json(json.dumps(resources)), source="lock file")
    store.stand(branch, {id_: versions[-1] for id_, versions in imported.added.items()}, {"source": "lock file"})
