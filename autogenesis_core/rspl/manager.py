"""The context manager: the registry of a running system's resources and their versions, one for all kinds."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from attrs import define, evolve, field, frozen

from autogenesis_core.errors import (
    AutogenesisError,
    Conflict,
    InputError,
    InvalidRecord,
    PluginError,
    unknown,
)
from autogenesis_core.identity import JSON
from autogenesis_core.rspl.changes import copy, renamed, restore
from autogenesis_core.rspl.instance import check_content, construct
from autogenesis_core.rspl.lifecycle import ResourceState, move_resource
from autogenesis_core.rspl.prompt import check_prompt
from autogenesis_core.rspl.record import Installed, Record, Source
from autogenesis_core.rspl.reference import Reference
from autogenesis_core.rspl.retrieval import Found, Index
from autogenesis_core.rspl.store import SHIPPED, Bump, Change, Head, Store
from autogenesis_core.services.secrets import check_no_secret

_STATEFUL = ("environment", "memory")


@frozen
class State:
    """Where a resource of a running system stands: in its lifecycle, and at which version.

    Arguments:
        id: `kind/name`
        branch: the branch that the head is of; `shipped` for one that this system's branch never changed
        pinned: whether this run holds it at its version
        reason: why it could not be built, if it is `failed`
    """

    id: str
    lifecycle: ResourceState
    version: str
    digest: str
    branch: str
    pinned: bool = False
    reason: str = ""


@define
class _Entry:
    shipped: Record
    cls: type[Any] | None
    instance: Any = None
    artifacts: Mapping[str, bytes] = field(factory=dict)
    stored: bool = False  # brought from the store; no plugin of this composition ships it
    reason: str = ""
    overrides: dict[str, JSON] = field(factory=dict)
    fill: dict[str, JSON] = field(factory=dict)
    state: ResourceState = "registered"
    pin: str = ""


@define
class Manager:
    """Registers, builds, versions and restores resources on one branch.

    Arguments:
        branch: where versions are committed; a resource without a head there stands where the shipped one does
        notes: lines for the person: heads that did not follow an upgrade, installed code that differs
        find_class: the installed class of a record that no selected plugin ships; raises what a person should read
    """

    store: Store
    branch: str = "main"
    find_class: Callable[[Record], type[Any]] | None = None
    notes: list[str] = field(factory=list)
    events: list[tuple[str, dict[str, Any]]] = field(factory=list)  # what happened since observers were last told
    _entries: dict[str, _Entry] = field(factory=dict)
    _instances: dict[str, Any] = field(factory=dict)
    _others: dict[str, Record] | None = None
    _index: tuple[frozenset[str], Index] | None = None

    def register(
        self,
        record: Record,
        cls: type[Any] | None = None,
        *,
        instance: Any = None,
        overrides: Mapping[str, JSON] | None = None,
        artifacts: Mapping[str, bytes] | None = None,
    ) -> None:
        """Makes a resource known, as its plugin ships it; `overrides` are this run's own parameters.

        Raises InputError if its name is taken.
        """
        known = self._entries.get(record.id)
        if known and known.state != "retired":
            raise InputError(f"{record.id} is registered twice")
        check_content(record)
        self._entries[record.id] = _Entry(record, cls, instance, artifacts or {}, overrides=dict(overrides or {}))
        self._tell("registered", record.id)

    def adopt(self, reference: Reference) -> None:
        """Makes a resource of the store known that no selected plugin ships; with a version, it is pinned to it.

        Raises UnknownName if the store has none; PluginError if what implements it is not installed.
        """
        version = self.store.find(reference, self.branch)
        if version.id not in self.list():
            record = self.store.record(version.digest)
            cls = self._installed(record)
            self._entries[record.id] = _Entry(record, cls, stored=True)
            self._tell("registered", record.id)
        if reference.at:
            self._entry(version.id).pin = version.version

    def init(self) -> None:
        """Brings the shipped records into the store: a new version on branch `shipped` for each that changed."""
        while True:
            try:
                return self._install()
            except Conflict:
                continue  # another system started at the same time; what it brought is there now

    def _install(self) -> None:
        heads = self.store.heads(SHIPPED)
        changes = []
        artifacts: dict[str, bytes] = {}
        for name, entry in self._entries.items():
            head = heads.get(name)
            if not entry.stored and (head is None or head.digest != entry.shipped.digest):
                changes.append(Change(entry.shipped, head.version if head else None))
                artifacts |= entry.artifacts
        if not changes:
            return
        _, versions = self.store.commit(SHIPPED, changes, event="install", artifacts=artifacts)
        for name, head in self.store.heads(self.branch).items() if self.branch != SHIPPED else ():
            if name in versions and name in heads:
                self.notes.append(
                    f"{name}: the plugin ships a new version {versions[name]}; {self.branch} stays at {head.version}"
                )

    def unregister(self, name: str) -> None:
        """Retires a resource in this system; its versions stay in the store."""
        entry = self._entry(name)
        entry.state = move_resource(name, entry.state, "retired")
        self._tell("retired", name)

    def list(self, kind: str | None = None) -> list[str]:
        """The names (`kind/name`) of what is registered, of one kind or all."""
        return [
            name
            for name, entry in self._entries.items()
            if entry.state != "retired" and (kind is None or entry.shipped.kind == kind)
        ]

    def get_state(self, name: str) -> State:
        """Where a resource stands: in its lifecycle, and at which version."""
        entry, head = self._entry(name), self._head(name)
        return State(
            name, entry.state, entry.pin or head.version, self.get_info(name).digest, head.branch, bool(entry.pin),
            entry.reason,
        )  # fmt: skip

    def retrieve(
        self, query: str, k: int = 4, kind: str | None = None, records: Mapping[str, Record] | None = None
    ) -> Sequence[Found]:
        """The `k` resources that fit a query best, of `records` or of everything; raises InputError for a bad `k`."""
        records = self.library() if records is None else records
        key = frozenset(record.digest for record in records.values())
        if self._index is None or self._index[0] != key:
            self.close()
            self._index = key, Index(records.values())
        return self._index[1].search(query, k, kind)

    def begin(self) -> None:
        """A run begins: what it may find in the store is what is there now."""
        self._others = None

    def library(self, *, fresh: bool = True) -> dict[str, Record]:
        """Everything that may be found and used: what is registered here, and the heads of the store besides.

        Unless it is to be `fresh`, the store's are those that this run saw first.
        """
        if fresh or self._others is None:
            self._others = self._read_others()
        return {**self._others, **{name: self.get_info(name) for name in self.list()}}

    def _read_others(self) -> dict[str, Record]:
        heads = {**self.store.heads(SHIPPED), **self.store.heads(self.branch)}
        others = {id_: head for id_, head in heads.items() if id_ not in self._entries}
        records = self.store.records(head.digest for head in others.values())
        return {id_: records[head.digest] for id_, head in others.items()}

    def close(self) -> None:
        """Gives back the index of `retrieve`."""
        if self._index is not None:
            self._index[1].close()
            self._index = None

    def pin(self, text: str) -> None:
        """Holds a resource at `kind/name@version`."""
        reference = Reference.parse(text)
        self._entry(reference.id).pin = self.store.find(reference, self.branch).version

    @property
    def pinned(self) -> Collection[str]:
        """The resources that are held at a version."""
        return {name for name, entry in self._entries.items() if entry.pin}

    def fill(self, name: str, values: Mapping[str, JSON]) -> None:
        """Gives parameters that the record may lack, e.g. initial weights for a new environment; none is replaced."""
        self._entry(name).fill.update(values)

    @property
    def filled(self) -> dict[str, dict[str, JSON]]:
        """What was given by `fill`, by resource."""
        return {name: dict(entry.fill) for name, entry in self._entries.items() if entry.fill}

    def settle(self, names: Collection[str]) -> None:
        """Forgets this run's own parameters of resources whose record, with them in it, was just committed."""
        for name in names:
            self._entries[name].overrides.clear()

    def heads(self) -> dict[str, Head]:
        """The head of each registered resource: the branch's, or the shipped one's where it has none."""
        own, shipped = self.store.heads(self.branch), self.store.heads(SHIPPED)
        return {name: own.get(name) or shipped.get(name) or self._head(name) for name in self.list()}

    def _head(self, name: str) -> Head:
        """One head; of a resource that stands on another branch only, where it was adopted from."""
        kind, _, short = name.partition("/")
        for branch in (self.branch, SHIPPED):
            if head := self.store.head(branch, kind, short):
                return head
        pin = self._entries[name].pin
        version = self.store.find(Reference.parse(f"{name}@{pin}"), self.branch)
        return Head(version.branch, version.kind, short, version.version, version.digest, version.model)

    def get_info(self, name: str) -> Record:
        """The record that this run works with: the head's, with the run's overrides and the installed code."""
        entry = self._entry(name)
        if entry.pin:
            version = self.store.find(Reference.parse(f"{name}@{entry.pin}"), self.branch)
            return self._working(entry, self.store.record(version.digest))
        return self._working(entry, self.store.record(self._head(name).digest))

    def records(self, versions: Mapping[str, str] | None = None) -> tuple[dict[str, Record], dict[str, Head]]:
        """The whole working system, and the heads that it was read from: those of now, or of the `versions` named.

        Raises UnknownName for a version that is not in the store.
        """
        heads = self.heads()
        for name, version in (versions or {}).items():
            found = self.store.find(Reference.parse(f"{name}@{version}"), self.branch)
            if name in heads:
                heads[name] = evolve(heads[name], version=version, digest=found.digest, model=found.model)
        records = {
            name: self.get_info(name)
            if self._entries[name].pin
            else self._working(self._entries[name], self.store.record(head.digest))
            for name, head in heads.items()
        }
        return records, heads

    def standing(self, name: str) -> dict[str, Record]:
        """The composed resources as `name` has them, free of pins and of this run's own parameters.

        Arguments:
            name: `champion`, the heads; a branch; or an alias. A resource that it does not name stands at its head.

        Raises UnknownName if it names none of them.
        """
        heads, named = self.heads(), set[str]()
        branch = self.store.heads(name) if name in self.store.branches() else {}
        records = {}
        for id_, head in heads.items():
            version = head.version if name == "champion" else branch[id_].version if id_ in branch else None
            version = version or self.store.aliases(head.kind, head.name).get(name)
            named |= {id_} if version else set()
            found = self.store.find(Reference.parse(f"{id_}@{version or head.version}"), self.branch)
            records[id_] = self._working(evolve(self._entries[id_], overrides={}), self.store.record(found.digest))
        if not named:
            aliases = {alias for head in heads.values() for alias in self.store.aliases(head.kind, head.name)}
            raise unknown("branch or alias of these resources", name, {"champion", *self.store.branches(), *aliases})
        return records

    def get(self, name: str) -> Any:  # an instance of the resource's own class
        """The built instance of a resource's working record."""
        return self.build(self.get_info(name))

    def build(self, record: Record) -> Any:  # an instance of the resource's own class
        """An instance of a record; those of stateless kinds are shared by digest.

        Raises PluginError or ConfigurationError if it cannot be built; the resource is `failed` then.
        """
        # One of the library's has no entry: using it does not make it a part of the system.
        known = record.id in self._entries
        entry = self._entry(record.id) if known else _Entry(record, self._installed(record), stored=True)
        cached = self._instances.get(record.digest)
        try:
            instance = self._construct(entry, record) if cached is None else cached
        except AutogenesisError as error:
            self._fail(entry, record.id, " ".join(str(error).split()), known)
            raise
        except Exception as error:
            self._fail(entry, record.id, f"{type(error).__name__}: {error}", known)
            raise PluginError(f"{record.id} cannot be built: {type(error).__name__}: {error}") from error
        # One that failed has failed with a newer record, if this one was built before.
        if known and (entry.state == "registered" or (entry.state == "failed" and cached is None)):
            entry.state, entry.reason = move_resource(record.id, entry.state, "built"), ""
            self._tell("built", record.id)
        if record.kind not in _STATEFUL:
            self._instances[record.digest] = instance
        return instance

    def _fail(self, entry: _Entry, name: str, reason: str, known: bool) -> None:
        if known:
            entry.state, entry.reason = move_resource(name, entry.state, "failed"), reason
            self._tell("failed", name)

    def get_variables(self, name: str) -> dict[str, JSON]:
        """The values of a resource's variables by path."""
        return self.get_info(name).values()

    def edited(self, record: Record, values: Mapping[str, JSON]) -> Record:
        """`record` with other values of variables, checked as far as it can be without running it.

        Raises InvalidRecord, UnknownName or ConfigurationError.
        """
        made = record.with_values(values)
        check_no_secret(made)
        if made.kind == "prompt":
            check_prompt(made, record)
        else:
            self._construct(self._entry(record.id), made)
        return made

    def propose(self, run: str, variable: str, value: JSON, reason: str) -> str:
        """Keeps a proposal to give a variable (`kind/name#path`) a new value; returns its id. It changes nothing.

        Raises UnknownName for what is no trainable variable, InvalidRecord for a value that may not be stored.
        """
        reference = Reference.parse(variable)
        record = self.library().get(reference.id)
        if record is None:
            raise unknown("resource", reference.id, self.library())
        trainable = [path for path in record.values() if record.is_trainable(path) and record.id not in self.pinned]
        if reference.path not in trainable:
            raise unknown("trainable variable", variable, [f"{record.id}#{path}" for path in trainable])
        made = record.with_values({reference.path: value})
        check_content(made, record)
        if record.id in self._entries:
            self.edited(record, {reference.path: value})
        return self.store.propose(run, variable, value, reason)

    def set_variables(self, name: str, values: Mapping[str, JSON]) -> str:
        """Commits new values as the user's own change, without evidence; returns the new version."""
        return self.update(name, self.edited(self.get_info(name), values))

    def update(
        self, name: str, record: Record, *, bump: Bump = "patch", artifacts: Mapping[str, bytes] | None = None
    ) -> str:
        """Commits a record as the user's own change, without evidence; returns the new version.

        Raises InvalidRecord or ConfigurationError for one that may not be stored or cannot be built.
        """
        if record.id != name:
            raise InvalidRecord(f"the record is of {record.id}, not of {name}")
        check_content(record)
        entry = self._entry(name)
        if entry.cls is not None:
            self._construct(entry, record)
        change = Change(record, self._head(name).version, bump=bump)
        body: dict[str, JSON] = {"author": "user", "evidence": None}
        commit, versions = self.store.commit(self.branch, [change], body=body, artifacts=artifacts)
        self.settle([name])
        self._tell("committed", name, commit=commit, version=versions[name])
        return versions[name]

    def copy(self, name: str, new: str) -> str:
        """A resource of its own with the content of `name`, known and committed as `kind/new`; returns its id."""
        record, head = self.get_info(name), self._head(name)
        copied = copy(self.store, self.branch, record, head.version, new)
        entry = self._entry(name)
        self._entries[copied] = _Entry(renamed(record, new), entry.cls, entry.instance, stored=True)
        self._tell("registered", copied)
        return copied

    def restore(self, reference: Reference) -> str:
        """Commits a new version with the record of an old one; returns the new version."""
        version = self.store.find(reference, self.branch)
        _, versions = restore(self.store, self.branch, [version])
        return versions[reference.id]

    def _tell(self, event: str, name: str, **data: str) -> None:
        self.events.append((event, {"name": name, **data}))

    def shipped(self, name: str) -> Record:
        """The record as its plugin ships it, with this run's own parameters."""
        entry = self._entry(name)
        return self._working(entry, entry.shipped)

    def _entry(self, name: str) -> _Entry:
        entry = self._entries.get(name)
        if entry is None or entry.state == "retired":
            raise unknown("resource", name, self.list())
        return entry

    def _working(self, entry: _Entry, record: Record) -> Record:
        """A stored record as this run uses it: with the installed code's hash, and with the run's own parameters."""
        if record.kind == "prompt":
            return record
        if isinstance(record.implementation, Installed) and record.implementation != entry.shipped.implementation:
            note = f"{record.id}: the installed code differs from the code of its version"
            if note not in self.notes:
                self.notes.append(note)
            record = evolve(record, implementation=entry.shipped.implementation, exports=entry.shipped.exports)
        added = {name: value for name, value in entry.shipped.parameters.items() if name not in record.parameters}
        parameters = {**record.parameters, **added}
        for name, value in entry.fill.items():
            parameters[name] = _joined(value, parameters.get(name))
        for name, value in entry.overrides.items():
            parameters[name] = _joined(parameters.get(name), value)
        return evolve(record, parameters=parameters) if parameters != record.parameters else record

    def _installed(self, record: Record) -> type[Any] | None:
        """The class that implements a record of the store; prompts and skills need none."""
        if record.kind == "prompt" or record.form == "skill" or isinstance(record.implementation, Source):
            return None
        if self.find_class is None:
            raise PluginError(f"{record.id} needs {record.implementation.distribution}, which is not composed here")
        return self.find_class(record)

    def _construct(self, entry: _Entry, record: Record) -> Any:  # an instance of the resource's own class
        shipped = entry.artifacts
        return construct(
            record, entry.cls, entry.instance, lambda key: shipped[key] if key in shipped else self.store.artifact(key)
        )


def _joined(first: JSON, second: JSON) -> JSON:
    """The second of two values; of two mappings both, the second's items first in rank."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return {**first, **second}
    return first if second is None else second
