"""The registry of a store without a running system: find, compare, explain, change, undo, share."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from attrs import evolve, frozen

from autogenesis_core.defaults import find_workdir
from autogenesis_core.errors import Conflict, InputError, InvalidRecord, StoreError, unknown
from autogenesis_core.identity import JSON, digest
from autogenesis_core.loading import default_branch
from autogenesis_core.rspl.changes import copy, restore
from autogenesis_core.rspl.contract import Contract, contract
from autogenesis_core.rspl.contract import load as load_contract
from autogenesis_core.rspl.contract import save as save_contract
from autogenesis_core.rspl.dependence import Dependent, lost_arguments, naming
from autogenesis_core.rspl.difference import BlamedLine, Difference, blame, difference, render, to_json
from autogenesis_core.rspl.entity import KINDS
from autogenesis_core.rspl.instance import check_content
from autogenesis_core.rspl.lifecycle import VersionState
from autogenesis_core.rspl.prompt import parse_prompt, to_markdown
from autogenesis_core.rspl.reader import BY_HAND, Proposal
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.reference import Reference
from autogenesis_core.rspl.retrieval import Found, Index
from autogenesis_core.rspl.skill import skill_record, to_folder
from autogenesis_core.rspl.store import SHIPPED, AliasMove, Change, LogEntry, Removed, Store, Version

if TYPE_CHECKING:
    from autogenesis_core.rspl.transfer import Document, Edit, Imported

_UNDOABLE = ("commit", "rollback", "restore")
_HISTORY = 100_000  # versions that blame goes back at the most
_AT_ONCE = 500  # records that it reads at once


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
    def open(
        cls, workdir: str | None = None, branch: str | None = None, folder: Path | None = None, *, create: bool = False
    ) -> "Registry":
        """The registry of the store in `workdir`, else in the nearest one upwards from `folder`.

        With `create`, of a new one if there is none; else raises InputError. Raises UnknownName for an unknown branch,
        StoreError for a file that is no store.
        """
        store = Store.open(find_workdir(folder or Path.cwd(), workdir) / "autogenesis.db", create=create)
        try:
            return cls(store, branch if create and branch else default_branch(store, branch))
        except BaseException:
            store.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.close()

    # Names and records

    def heads(self, kind: str = "") -> dict[str, dict[str, str]]:
        """Every resource's version by branch, of one kind, one resource or all."""
        if "/" in kind:
            self._resource(kind)
        elif kind and kind not in KINDS:
            raise unknown("kind", kind, KINDS)
        found: dict[str, dict[str, str]] = {}
        for branch in self.store.branches():
            for name, head in self.store.heads(branch).items():
                if not kind or name == kind or name.startswith(f"{kind}/"):
                    found.setdefault(name, {})[branch] = head.version
        return dict(sorted(found.items()))

    def find(self, name: str, when: float | None = None) -> Version:
        """The version that `kind/name`, `kind/name@version`, `@champion`, `@alias` or `@branch` means.

        With `when`, in seconds since 1970, what it meant then. Raises UnknownName.
        """
        return self.store.find(Reference.parse(name), self.branch, when)

    def record(self, name: str) -> Record:
        """The record of that version."""
        return self.store.record(self.find(name).digest)

    def text(self, name: str) -> str:
        """The record as people read and edit it: a prompt or skill as its file, anything else as indented JSON."""
        return self._text(self.record(name))

    def retrieve(self, query: str, k: int = 4, kind: str | None = None) -> Sequence[Found]:
        """The `k` resources that fit a query best, as they stand on this branch; raises InputError for a bad `k`."""
        with Index(self._records(kind or "").values()) as index:
            return index.search(query, k)

    def contract(self, names: Sequence[str] = ()) -> Contract:
        """What resources can do: those named, as `kind/name` or `kind`; all of them without a name."""
        records: dict[str, Record] = {}
        for name in names or ("",):
            records |= {name: self.record(name)} if "/" in name else self._records(name)
        return contract(records.values(), names[0] if len(names) == 1 else "resources")

    # Versions and lineage

    def history(self, name: str, *, limit: int = -1, before: int | None = None) -> list[tuple[Version, LogEntry]]:
        """The versions of a resource, newest first, each with the log entry that made it; a page of them with `limit`.

        `before` is the number of the last page's last version.
        """
        resource = self._resource(name)
        versions = self.store.history(resource.kind, resource.name, limit=limit, before=before)
        entries = self.store.entries_at(version.seq for version in versions)
        return [(version, entries[version.seq]) for version in versions]

    def diff(self, old: str, new: str = "") -> tuple[Difference, ...]:
        """What differs between two versions; without `new`, from `old` to the head."""
        before = self.find(old)
        after = self.find(new or before.id)
        return difference(self.store.record(before.digest), self.store.record(after.digest))

    def blame(self, name: str) -> dict[str, list[tuple[BlamedLine, Version, LogEntry]]]:
        """For each variable (of one, with `#path`), its lines, each with the version and log entry that wrote it."""
        reference = Reference.parse(name)
        versions = self._lineage(self.store.find(reference, self.branch))
        lines = blame(self._recorded(list(versions.values())))
        if reference.path and reference.path not in lines:
            raise unknown("variable", name, (f"{reference.id}#{path}" for path in lines))
        entries = self.store.entries_at(version.seq for version in versions.values())
        return {
            path: [(line, versions[line.version], entries[versions[line.version].seq]) for line in found]
            for path, found in lines.items()
            if reference.path in ("", path)
        }

    def aliases(self, name: str) -> dict[str, str]:
        """The version that each alias of a resource means."""
        resource = self._resource(name)
        return self.store.aliases(resource.kind, resource.name)

    def alias_moves(self, name: str) -> list[AliasMove]:
        """Every move of every alias of a resource, oldest first."""
        resource = self._resource(name)
        return self.store.alias_moves(resource.kind, resource.name)

    def set_alias(self, name: str, alias: str, *, remove: bool = False) -> Version:
        """Lets an alias mean the version that `name` means, or nothing; returns that version."""
        version = self.find(name)
        self.store.set_alias(version.id, alias, None if remove else version.version)
        return version

    def create_branch(self, name: str) -> dict[str, str]:
        """A new branch with the heads of this one; returns them, version by resource."""
        return self.store.create_branch(name, self.branch)

    def mark(self, name: str, state: VersionState) -> Version:
        """Moves a version along its lifecycle: active, deprecated, archived; raises LifecycleError."""
        version = self.find(_with_version("mark", name))
        self.store.set_state(version.kind, version.name, version.version, state)
        return evolve(version, state=state)

    # Changes

    def update(self, name: str, text: str, *, expected: str = "") -> tuple[str, dict[str, str]]:
        """Commits `text`, in the form that `text()` gives, as the user's own change to a head, without evidence.

        Returns the commit and the new version; of text that changes nothing, "" and nothing. Raises InvalidRecord for
        what may not be stored, Conflict if the head is not at the version `expected`, where that is given.
        """
        record, artifacts = self.edited(name, text)
        head = self.find(self._resource(name).id)
        if expected and head.version != expected:
            raise Conflict(f"{head.id} moved from {expected} to {head.version} in the meantime")
        if record.digest == head.digest:
            return "", {}
        body: dict[str, JSON] = {"author": "user", "evidence": None}
        change = Change(record, head.version)
        return self.store.commit(self.branch, [change], body=body, artifacts=artifacts)

    def edited(self, name: str, text: str) -> tuple[Record, dict[str, bytes]]:
        """The record that `text` makes of a resource's head, and a skill's artifacts; raises InvalidRecord."""
        import json

        resource = self._resource(name)
        before = self.record(resource.id)
        if not text.strip():
            raise InvalidRecord(
                f"the text of {before.id} is empty", "to be rid of it, leave it out of what you compose"
            )
        try:
            content = text.encode()
        except UnicodeEncodeError:
            raise InvalidRecord(f"the text of {before.id} holds what is no Unicode") from None
        if before.kind == "prompt":
            made = parse_prompt(text, before.name, "")
            if made.name != before.name:
                raise InvalidRecord(f"the front matter names '{made.name}', not '{before.name}'", "autogenesis copy")
            return evolve(made, implementation=before.implementation), {}
        if before.form == "skill":
            files = {**to_folder(before, self.store.artifact), "SKILL.md": content}
            made, artifacts = skill_record(files, "")
            if made.name != before.name:
                raise InvalidRecord(f"the front matter names '{made.name}', not '{before.name}'", "autogenesis copy")
            return evolve(made, implementation=before.implementation), artifacts
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidRecord(f"{before.id} is JSON, and this is none: {error}") from None
        if not isinstance(data, dict):
            raise InvalidRecord(f"{before.id} is a JSON object")
        made = Record.from_json({"kind": before.kind, "name": before.name, **data})
        if made.id != before.id:
            raise InvalidRecord(f"this is {made.id}, not {before.id}", "autogenesis copy")
        if made.implementation != before.implementation or made.exports != before.exports:
            raise InvalidRecord("its implementation and exports are its plugin's", "edit description or parameters")
        return made, {}

    def copy(self, name: str, new: str) -> str:
        """Commits the content of a version as a resource of its own, called `new` or `kind/new`; returns its id."""
        version = self.find(name)
        kind, slash, short = new.rpartition("/")
        if slash and kind != version.kind:
            raise InputError(f"a copy of {version.id} is a {version.kind}, not a {kind}")
        record = self.store.record(version.digest)
        return copy(self.store, self.branch, record, version.version, short)

    def restore(self, name: str) -> tuple[str, dict[str, str]]:
        """Commits a new version with the record of an old one; returns the commit and the new version by resource."""
        return restore(self.store, self.branch, [self.find(_with_version("restore", name))])

    def rollback(self, name: str) -> tuple[str, dict[str, str]]:
        """Undoes a commit, or all commits of a run, at once: each resource as it was before.

        Returns the commit and the new version by resource. Raises UnknownName if nothing of that name can be undone,
        InputError if it means several commits.
        """
        undone = self._undone(name)
        before = _before(undone)
        if made := [resource for resource, version in before.items() if version is None]:
            raise InputError(
                f"{made[0]} was made by it, and nothing was there before", f"autogenesis history {made[0]}"
            )
        versions = [self.find(f"{resource}@{version}") for resource, version in before.items()]
        body: Mapping[str, JSON] = {"undoes": [entry.id for entry in undone]}
        return restore(self.store, str(undone[0].body["branch"]), versions, "rollback", body)

    def dependents(self, name: str) -> list[Dependent]:
        """What leans on the present form of what a rollback or restore of `name` would change, and stays as it is.

        That is a text that names an argument which its tool would not have any more, and a resource whose last edit
        said that it needs this one (`Edit.needs`).
        """
        then = {self.find(name).id: self.find(name).version} if "/" in name else _before(self._undone(name))
        records = self._records("")
        others = {id_: record for id_, record in records.items() if id_ not in then}
        found: list[Dependent] = []
        for id_, version in then.items():
            now = records[id_]
            lost = lost_arguments(now, self.record(f"{id_}@{version}")) if version else []
            found += [Dependent(text, id_, argument) for argument in lost for text in naming(others, now, argument)]
        return [*found, *self._declared(others, then)]

    def _declared(self, others: Collection[str], on: Collection[str]) -> Iterator[Dependent]:
        """The resources whose last edit said that it needs one of `on`."""
        seqs = {id_: self.find(id_).seq for id_ in others}
        entries = self.store.entries_at(seqs.values())
        for id_, seq in seqs.items():
            edits = [edit for edit in entries[seq].body.get("edits", ()) if edit["variable"].startswith(f"{id_}#")]
            for need in sorted({need for edit in edits for need in edit.get("needs", ())} & set(on)):
                yield Dependent(id_, need, "", entries[seq].id)

    def changed_since(self, name: str) -> dict[str, list[str]]:
        """What a rollback of a commit or run would take back besides: later versions by resource."""
        undone = self._undone(name)
        own = {f"{change['resource']}@{change['version']}" for entry in undone for change in entry.body["changes"]}
        branch, first = undone[0].body["branch"], undone[0].seq
        later: dict[str, list[str]] = {}
        for resource in sorted({id_.partition("@")[0] for id_ in own}):
            found = self.store.history(*resource.split("/", 1))
            names = [v.version for v in found if v.branch == branch and v.seq > first and str(v) not in own]
            if names:
                later[resource] = names[::-1]
        return later

    def propose(self, name: str, text: str, reason: str, *, group: str = "") -> tuple[str, list[str]]:
        """Keeps a person's edit of a resource's head for the gates to judge; it changes nothing.

        Arguments:
            text: what the resource should be, in the form that `text()` gives
            group: of an earlier proposal that belongs to the same change, here or in another resource

        Returns the group and the proposals' ids. Raises InvalidRecord for what may not be stored, InputError for text
        that changes nothing, or something besides the values of trainable variables.
        """
        head = self.record(self._resource(name).id)
        made, artifacts = self.edited(head.id, text)
        check_content(made, head)
        old, new = head.values(), made.values()
        changed = {path: value for path, value in new.items() if old.get(path, ...) != value}
        if not changed and made.digest == head.digest:
            raise InputError(f"that is {head.id} as it stands", f"autogenesis show {head.id}")
        fixed = [path for path in changed if not head.is_trainable(path)]
        if fixed or artifacts or old.keys() != new.keys() or head.with_values(changed) != made:
            what = f"#{fixed[0]} is not trainable" if fixed else "it changes more than the values of variables"
            raise InputError(f"this edit of {head.id} cannot be judged: {what}", f"autogenesis edit {head.id}")
        values = {f"{head.id}#{path}": value for path, value in changed.items()}
        group = group or f"{BY_HAND}{digest([values])[:8]}"
        return group, [self.store.propose(group, variable, value, reason) for variable, value in values.items()]

    def proposals(self, state: str = "open") -> list[Proposal]:
        """What agents proposed while they ran, oldest first."""
        return self.store.proposals(state)

    # The store

    def log(self, name: str = "", *, limit: int = -1) -> Sequence[LogEntry]:
        """The log, oldest first, of all or the last `limit` entries; of a run, a commit or a resource, if named.

        Raises UnknownName if there is none of that name.
        """
        if "/" in name:
            resource = self._resource(name)
            seqs = self.store.seqs(resource.kind, resource.name)
            return list(self.store.entries_at(seqs[len(seqs) - limit :] if 0 <= limit < len(seqs) else seqs).values())
        entries = (self.store.entries(run=name, limit=limit) or self.store.entries(id_=name)) if name else None
        entries = self.store.entries(limit=limit) if entries is None else entries
        if name and not entries:
            raise unknown("run or commit", name, {entry.run for entry in self.store.entries() if entry.run})
        return entries

    def audit(self) -> str | None:
        """What is wrong first with the store: the log's chain, a digest, a version, a head; None if nothing is."""
        return self.store.verify()

    def gc(self, *, dry_run: bool = False) -> Removed:
        """Removes what nothing refers to, never a version, and the journals of runs that have ended with a result.

        A run without its journal can be neither resumed nor replayed. With `dry_run` it only counts.
        """
        journals = sum(_remove_journal(path, dry_run) for path in self.store.path.parent.glob("runs/*/journal.jsonl"))
        return evolve(self.store.gc(dry_run=dry_run), journals=journals)

    def backup(self, path: Path | str) -> None:
        """A copy of the whole store in one file; raises InputError if `path` is there."""
        self.store.backup(Path(path))

    # Sharing

    def export(self, names: Sequence[str] = (), *, history: bool = True) -> "Document":
        """Resources with their whole history, or as they stand; all of them without names. It has `to_json()`."""
        from autogenesis_core.rspl.transfer import export

        return export(self.store, [Reference.parse(n) for n in names] or None, history=history, branch=self.branch)

    def import_(self, document: "Document", edits: Sequence["Edit"] = (), *, source: str = "") -> "Imported":
        """Brings an exported document into this store, whole or not at all; nothing that is here changes or is lost.

        `edits`, what reviewers changed of it, are committed on this branch.
        """
        from autogenesis_core.rspl.transfer import import_

        return import_(self.store, document, source=source, edits=edits, branch=self.branch)

    def _resource(self, name: str) -> Reference:
        reference = Reference.parse(name)
        if not self.store.history(reference.kind, reference.name, limit=1):
            raise unknown("resource", reference.id, self.store.resources())
        return Reference(reference.kind, reference.name)

    def _records(self, kind: str) -> dict[str, Record]:
        """Every head of this branch, or the shipped one where it has none, by `kind/name`; raises UnknownName."""
        if kind and kind not in KINDS:
            raise unknown("kind", kind, KINDS)
        heads = {**self.store.heads(SHIPPED), **self.store.heads(self.branch)}
        chosen = {name: head.digest for name, head in heads.items() if not kind or head.kind == kind}
        records = self.store.records(chosen.values())
        return {name: records[digest] for name, digest in chosen.items()}

    def _recorded(self, versions: Sequence[Version]) -> Iterator[tuple[str, Record]]:
        """Versions with their records, some at a time: all of a long history could be more than fits."""
        for begin in range(0, len(versions), _AT_ONCE):
            some = versions[begin : begin + _AT_ONCE]
            records = self.store.records(version.digest for version in some)
            yield from ((str(version), records[version.digest]) for version in some)

    def _lineage(self, version: Version) -> dict[str, Version]:
        """A version and its first parents, oldest first; a copy's are those of what it was copied from."""
        found = [version]
        known: dict[str, Version] = {}
        while found[-1].parents and len(found) < _HISTORY:
            parent = found[-1].parents[0]
            reference = Reference.parse(parent if "/" in parent else f"{found[-1].id}@{parent}")
            if str(reference) not in known:
                known |= {str(v): v for v in self.store.history(reference.kind, reference.name)}
            above = known.get(str(reference))
            if above is None:
                break  # the rest was not imported
            found.append(above)
        return {str(version): version for version in reversed(found)}

    def _undone(self, name: str) -> list[LogEntry]:
        entries = self.store.entries(run=name) or self.store.entries(id_=name)
        undone = [entry for entry in entries if entry.event in _UNDOABLE]
        if not undone:
            if re.fullmatch(r"\w+", name) and (self.store.path.parent / "runs" / name).is_dir():
                raise InputError(
                    f"run {name} committed nothing, so there is nothing to undo", f"autogenesis log {name}"
                )
            known = {entry.run or entry.id for entry in self.store.entries() if entry.event in _UNDOABLE}
            raise unknown("commit or run to undo", name, known)
        if len({entry.run or entry.id for entry in undone}) > 1:
            raise InputError(f"'{name}' means several commits", "give more of its letters")
        heads, before = self.store.heads(str(undone[0].body["branch"])), _before(undone)
        if all(
            version and id_ in heads and self.find(f"{id_}@{version}").digest == heads[id_].digest
            for id_, version in before.items()
        ):
            stands = ", ".join(f"{id_}@{heads[id_].version}" for id_ in before)
            raise InputError(
                f"there is nothing to undo: {stands} is as it was before {name}",
                f"autogenesis history {next(iter(before))}",
            )
        return undone

    def _text(self, record: Record) -> str:
        if record.form == "skill":
            return to_folder(record, self.store.artifact)["SKILL.md"].decode()
        return as_text(record)


def _before(undone: Sequence[LogEntry]) -> dict[str, str]:
    """The version of each resource before the first of some entries of the log; None of one that they made."""
    before: dict[str, str] = {}
    for entry in undone:
        for change in entry.body["changes"]:
            before.setdefault(change["resource"], change["from"])
    return before


def as_text(record: Record) -> str:
    """A record as people read it: a prompt as its file, anything else as indented JSON."""
    import json

    if record.kind == "prompt":
        return to_markdown(record)
    data = {key: value for key, value in record.to_json().items() if key not in ("kind", "name")}
    return json.dumps(data, indent=2, ensure_ascii=False, default=dict) + "\n"


def _remove_journal(path: Path, dry_run: bool) -> bool:
    """Whether the journal is one of an ended run, and was removed; raises StoreError if it cannot be."""
    if not _has_ended(path.parent):
        return False
    try:
        with _alone(path) as alone:
            if alone and not dry_run:
                path.unlink()
            return alone
    except OSError as error:
        raise StoreError(f"the journal {path} cannot be removed: {error}") from None


def _has_ended(folder: Path) -> bool:
    """Whether a run has its result; what failed or was broken off has one too, and may be resumed."""
    from autogenesis_core.runfolder import read_json

    try:
        result = read_json(folder / "result.json")
    except StoreError:
        return False
    return bool(result) and "failed" not in result


@contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Whether no process writes a journal, and none can begin to: an ended run may be going on for more rounds."""
    try:
        import fcntl
    except ImportError:  # Windows removes no file that is open elsewhere
        yield True
        return
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _with_version(verb: str, name: str) -> str:
    reference = Reference.parse(name)
    if not reference.at:
        raise InputError(f"{verb} needs a version", f"autogenesis {verb} {reference.id}@1.0.0")
    return name


__all__ = [
    "AliasMove", "BlamedLine", "Contract", "Difference", "Found", "LogEntry", "Proposal", "Record", "Registry",
    "Removed", "Version", "VersionState", "as_text", "difference", "load_contract", "render", "save_contract",
    "to_json",
]  # fmt: skip
