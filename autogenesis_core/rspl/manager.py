"""The context manager: the registry of a running system's resources and their versions, one for all kinds."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from attrs import define, evolve, field

from autogenesis_core.errors import AutogenesisError, Conflict, InputError, InvalidRecord, PluginError, unknown
from autogenesis_core.identity import JSON
from autogenesis_core.rspl.lifecycle import ResourceState, move_resource
from autogenesis_core.rspl.prompt import Prompt, check_prompt
from autogenesis_core.rspl.record import Installed, Record, Source
from autogenesis_core.rspl.reference import Reference
from autogenesis_core.rspl.store import SHIPPED, Change, Head, Store, Version
from autogenesis_core.structuring import structure

_STATEFUL = ("environment", "memory")


@define
class _Entry:
    shipped: Record
    cls: type[Any] | None
    instance: Any = None
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
    """

    store: Store
    branch: str = "main"
    notes: list[str] = field(factory=list)
    events: list[tuple[str, dict[str, Any]]] = field(factory=list)  # what happened since observers were last told
    _entries: dict[str, _Entry] = field(factory=dict)
    _instances: dict[str, Any] = field(factory=dict)

    def register(
        self,
        record: Record,
        cls: type[Any] | None = None,
        *,
        instance: Any = None,
        overrides: Mapping[str, JSON] | None = None,
    ) -> None:
        """Makes a resource known, as its plugin ships it; `overrides` are this run's own parameters.

        Raises InputError if its name is taken.
        """
        known = self._entries.get(record.id)
        if known and known.state != "retired":
            raise InputError(f"{record.id} is registered twice")
        if record.kind == "prompt":
            check_prompt(record)
        self._entries[record.id] = _Entry(record, cls, instance, dict(overrides or {}))
        self._tell("registered", record.id)

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
        for name, entry in self._entries.items():
            head = heads.get(name)
            if head is None or head.digest != entry.shipped.digest:
                changes.append(Change(entry.shipped, head.version if head else None))
        if not changes:
            return
        _, versions = self.store.commit(SHIPPED, changes, event="install")
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

    def state(self, name: str) -> ResourceState:
        """Where a resource stands in its lifecycle."""
        return self._entry(name).state

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

    def settle(self, names: Collection[str]) -> None:
        """Forgets this run's own parameters of resources whose record, with them in it, was just committed."""
        for name in names:
            self._entries[name].overrides.clear()

    def heads(self) -> dict[str, Head]:
        """The head of each registered resource: the branch's, or the shipped one's where it has none."""
        own, shipped = self.store.heads(self.branch), self.store.heads(SHIPPED)
        return {name: own.get(name) or shipped[name] for name in self.list()}

    def get_info(self, name: str) -> Record:
        """The record that this run works with: the head's, with the run's overrides and the installed code."""
        entry = self._entry(name)
        if entry.pin:
            version = self.store.find(Reference.parse(f"{name}@{entry.pin}"), self.branch)
            return self._working(entry, self.store.record(version.digest))
        return self._working(entry, self.store.record(self.heads()[name].digest))

    def records(self) -> tuple[dict[str, Record], dict[str, Head]]:
        """The whole working system, and the heads that it was read from."""
        heads = self.heads()
        records = {
            name: self.get_info(name)
            if self._entries[name].pin
            else self._working(self._entries[name], self.store.record(head.digest))
            for name, head in heads.items()
        }
        return records, heads

    def get(self, name: str) -> Any:  # an instance of the resource's own class
        """The built instance of a resource's working record."""
        return self.build(self.get_info(name))

    def build(self, record: Record) -> Any:  # an instance of the resource's own class
        """An instance of a record; those of stateless kinds are shared by digest.

        Raises PluginError or ConfigurationError if it cannot be built; the resource is `failed` then.
        """
        if record.digest in self._instances:
            return self._instances[record.digest]
        entry = self._entry(record.id)
        try:
            instance = self._construct(entry, record)
        except AutogenesisError:
            entry.state = move_resource(record.id, entry.state, "failed")
            self._tell("failed", record.id)
            raise
        except Exception as error:
            entry.state = move_resource(record.id, entry.state, "failed")
            self._tell("failed", record.id)
            raise PluginError(f"{record.id} cannot be built: {type(error).__name__}: {error}") from error
        if entry.state != "built":
            entry.state = move_resource(record.id, entry.state, "built")
            self._tell("built", record.id)
        if record.kind not in _STATEFUL:
            self._instances[record.digest] = instance
        return instance

    def get_variables(self, name: str) -> dict[str, JSON]:
        """The values of a resource's variables by path."""
        return self.get_info(name).values()

    def edited(self, record: Record, values: Mapping[str, JSON]) -> Record:
        """`record` with other values of variables, checked as far as it can be without running it.

        Raises InvalidRecord, UnknownName or ConfigurationError.
        """
        made = record.with_values(values)
        if made.kind == "prompt":
            check_prompt(made, record)
        else:
            self._construct(self._entry(record.id), made)
        return made

    def set_variables(self, name: str, values: Mapping[str, JSON]) -> str:
        """Commits new values as the user's own change, without evidence; returns the new version."""
        return self.update(name, self.edited(self.get_info(name), values))

    def update(self, name: str, record: Record) -> str:
        """Commits a record as the user's own change, without evidence; returns the new version."""
        if record.id != name:
            raise InvalidRecord(f"the record is of {record.id}, not of {name}")
        if record.kind == "prompt":
            check_prompt(record)
        elif self._entry(name).cls is not None:
            self._construct(self._entry(name), record)
        change = Change(record, self.heads()[name].version)
        commit, versions = self.store.commit(self.branch, [change], body={"author": "user", "evidence": None})
        self.settle([name])
        self._tell("committed", name, commit=commit, version=versions[name])
        return versions[name]

    def restore(self, reference: Reference) -> str:
        """Commits a new version with the record of an old one; returns the new version."""
        version = self.store.find(reference, self.branch)
        _, versions = restore(self.store, self.branch, [version])
        return versions[reference.id]

    def _tell(self, event: str, name: str, **data: str) -> None:
        self.events.append((event, {"name": name, **data}))

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

    def _construct(self, entry: _Entry, record: Record) -> Any:  # an instance of the resource's own class
        if record.kind == "prompt":
            return Prompt(record)
        if isinstance(record.implementation, Source):
            raise PluginError(f"{record.id} is source text, and no sandbox is installed to run it")
        if entry.instance is not None:
            return evolve(entry.instance, **record.parameters)
        if entry.cls is None:
            raise PluginError(f"{record.id} has no class to be built from")
        required = _required(entry.cls)
        given = {key: value for key, value in record.parameters.items() if value is not None or key not in required}
        return structure(given, entry.cls, record.id)


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


def _joined(first: JSON, second: JSON) -> JSON:
    """The second of two values; of two mappings both, the second's items first in rank."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return {**first, **second}
    return first if second is None else second


def _required(cls: type[Any]) -> Collection[str]:
    import attrs

    return {f.name for f in attrs.fields(cls) if f.default is attrs.NOTHING}
