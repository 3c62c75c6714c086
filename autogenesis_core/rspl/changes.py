"""Changes that need no running system: a resource under another name, an old version again."""

from collections.abc import Mapping, Sequence
from typing import cast

from attrs import evolve

from autogenesis_core.errors import InputError
from autogenesis_core.identity import JSON
from autogenesis_core.rspl.record import Installed, Record
from autogenesis_core.rspl.store import SHIPPED, Change, Store, Version


def copy(store: Store, branch: str, record: Record, version: str, new: str) -> str:
    """Commits `record`, which is at `version`, as a resource of its own called `new`; returns `kind/new`.

    Raises InputError if the name is taken, InvalidRecord if it is none.
    """
    copied = renamed(record, new)
    if store.history(copied.kind, copied.name, limit=1):
        raise InputError(f"{copied.id} is there already", "a copy needs a name of its own")
    change = Change(copied, None, parents=(f"{record.id}@{version}",))
    store.commit(branch, [change], event="copy", body={"author": "user", "to": [f"{record.id}@{version}"]})
    return copied.id


def renamed(record: Record, name: str) -> Record:
    """`record` under another name; a skill says its name within too."""
    if record.form != "skill":
        return evolve(record, name=name)
    skill = {**cast("Mapping[str, JSON]", record.exports["skill"]), "name": name.replace("_", "-")}
    entry = evolve(cast("Installed", record.implementation), entry=f"tool/{name}")
    return evolve(record, name=name, implementation=entry, exports={**record.exports, "skill": skill})


def restore(
    store: Store,
    branch: str,
    versions: Sequence[Version],
    event: str = "restore",
    body: Mapping[str, JSON] | None = None,
) -> tuple[str, dict[str, str]]:
    """Commits, at once, a new version of each resource with the record of an old one. Nothing is erased."""
    shipped, own = store.heads(SHIPPED), store.heads(branch)
    changes = []
    for version in versions:
        name = f"{version.kind}/{version.name}"
        head = own.get(name) or shipped.get(name)
        changes.append(Change(store.record(version.digest), head.version if head else None, version.model))
    old: list[JSON] = [f"{version.kind}/{version.name}@{version.version}" for version in versions]
    return store.commit(branch, changes, event=event, body={"author": "user", "to": old, **(body or {})})
