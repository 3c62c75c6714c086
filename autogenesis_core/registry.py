"""The registry of a store without a running system: list, show, compare, restore, roll back, tell the story."""

from collections.abc import Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from types import TracebackType
from typing import Self

from attrs import frozen

from autogenesis_core.defaults import find_workdir
from autogenesis_core.errors import InputError, unknown
from autogenesis_core.identity import JSON
from autogenesis_core.rspl.manager import restore
from autogenesis_core.rspl.prompt import to_markdown
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.reference import Reference
from autogenesis_core.rspl.store import LogEntry, Store, Version

_UNDOABLE = ("commit", "rollback", "restore")


@frozen(slots=False)
class Registry:
    """A store, and the branch that names mean.

    ::

        with Registry.open() as registry:
            print(registry.text("prompt/tool_calling@champion"))
    """

    store: Store
    branch: str

    @classmethod
    def open(cls, workdir: str | None = None, branch: str | None = None, folder: Path | None = None) -> "Registry":
        """The registry of the store in `workdir`, else in the nearest one upwards from `folder`.

        Raises InputError if there is none, UnknownName for an unknown branch, StoreError for a file that is no store.
        """
        store = Store.open(find_workdir(folder or Path.cwd(), workdir) / "autogenesis.db", create=False)
        branches = store.branches()
        if branch and branch not in branches:
            store.close()
            raise unknown("branch", branch, branches)
        return cls(store, branch or ("demo" if "demo" in branches and "main" not in branches else "main"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.close()

    def heads(self, kind: str = "") -> dict[str, dict[str, str]]:
        """Every resource's version by branch."""
        found: dict[str, dict[str, str]] = {}
        for branch in self.store.branches():
            for name, head in self.store.heads(branch).items():
                if name.startswith(kind):
                    found.setdefault(name, {})[branch] = head.version
        return dict(sorted(found.items()))

    def find(self, name: str) -> Version:
        """The version that `kind/name`, `kind/name@version`, `@champion` or `@branch` means; raises UnknownName."""
        return self.store.find(Reference.parse(name), self.branch)

    def record(self, name: str) -> Record:
        """The record of that version."""
        return self.store.record(self.find(name).digest)

    def text(self, name: str) -> str:
        """The record as people read it: a prompt as its file, anything else as indented JSON."""
        return as_text(self.record(name))

    def history(self, name: str) -> list[tuple[Version, LogEntry]]:
        """Every version of a resource, newest first, with the log entry that made it."""
        version = self.find(name)
        versions = self.store.history(version.kind, version.name)
        return [(found, self.store.entries(id_=found.commit)[0]) for found in versions]

    def diff(self, old: str, new: str = "") -> list[str]:
        """A unified diff of two versions' texts; without `new`, against the head."""
        before = self.find(old)
        after = self.find(new or f"{before.kind}/{before.name}")
        names = [f"{version.kind}/{version.name}@{version.version}" for version in (before, after)]
        texts = [as_text(self.store.record(version.digest)).splitlines() for version in (before, after)]
        return list(unified_diff(texts[0], texts[1], names[0], names[1], lineterm=""))

    def restore(self, name: str) -> tuple[str, dict[str, str]]:
        """Commits a new version with the record of an old one; returns the commit and the new version by resource."""
        reference = Reference.parse(name)
        if not reference.at:
            raise InputError("restore needs a version", f"autogenesis restore {reference.id}@1.0.0")
        return restore(self.store, self.branch, [self.find(name)])

    def rollback(self, name: str) -> tuple[str, dict[str, str]]:
        """Undoes a commit, or all commits of a run, at once: each resource as it was before.

        Returns the commit and the new version by resource. Raises UnknownName if nothing of that name can be undone,
        InputError if it means several commits.
        """
        entries = self.store.entries(run=name) or self.store.entries(id_=name)
        undone = [entry for entry in entries if entry.event in _UNDOABLE]
        if not undone:
            raise unknown("commit or run to undo", name, self._undoable())
        if len({entry.run or entry.id for entry in undone}) > 1:
            raise InputError(f"'{name}' means several commits", "give more of its letters")
        before: dict[str, str] = {}
        for entry in undone:
            for change in entry.body["changes"]:
                before.setdefault(change["resource"], change["from"])
        versions = [self.find(f"{resource}@{version}") for resource, version in before.items()]
        body: Mapping[str, JSON] = {"undoes": [entry.id for entry in undone]}
        return restore(self.store, str(undone[0].body["branch"]), versions, "rollback", body)

    def log(self, name: str = "") -> Sequence[LogEntry]:
        """The log, oldest first; of a run, or of one commit; raises UnknownName if there is none of that name."""
        entries = (self.store.entries(run=name) or self.store.entries(id_=name)) if name else self.store.entries()
        if name and not entries:
            raise unknown("run or commit", name, {entry.run for entry in self.store.entries() if entry.run})
        return entries

    def _undoable(self) -> set[str]:
        return {entry.run or entry.id for entry in self.store.entries() if entry.event in _UNDOABLE}


def as_text(record: Record) -> str:
    """A record as people read it: a prompt as its file, anything else as indented JSON."""
    import json

    if record.kind == "prompt":
        return to_markdown(record)
    data = {key: value for key, value in record.to_json().items() if key not in ("kind", "name")}
    return json.dumps(data, indent=2, ensure_ascii=False, default=dict) + "\n"


__all__ = ["LogEntry", "Registry", "Version", "as_text"]
