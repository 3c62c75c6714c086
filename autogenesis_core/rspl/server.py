"""The server: the uniform face of a kind's resources, with the same requests and responses for all kinds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import field, frozen, validators

from autogenesis_core.errors import InputError, PluginError
from autogenesis_core.identity import JSON
from autogenesis_core.rspl import contract as contracts
from autogenesis_core.rspl.contract import Contract
from autogenesis_core.rspl.entity import Kind
from autogenesis_core.rspl.library import Library
from autogenesis_core.rspl.manager import Manager, State
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.reference import Reference
from autogenesis_core.rspl.retrieval import Found
from autogenesis_core.rspl.store import Bump
from autogenesis_core.rspl.system import System
from autogenesis_core.rspl.toolbox import Permission, Toolbox, ToolUse
from autogenesis_core.structuring import structure


@frozen
class _Task:
    """What an agent runs on."""

    task: str


@frozen
class _Recall:
    """What a memory runs on; `limit` is in tokens."""

    query: str
    limit: int = field(default=1000, validator=validators.ge(0))


@frozen
class _Episode:
    """What an environment runs on; an action is of any type."""

    seed: int = 0
    actions: list[Any] = field(factory=list)


@frozen
class Server:
    """`ag.prompt`, `ag.agent`, `ag.tool`, `ag.environment`, `ag.memory`. Names are without the kind."""

    kind: Kind
    _manager: Manager
    _runner: Any = None  # the runtime that runs agents; its type would be a cycle

    def init(self) -> Sequence[str]:
        """Brings what is registered into the store, as shipped versions; returns the names."""
        self._manager.init()
        return self.list()

    def register(
        self, record: Record, cls: type[Any] | None = None, *, artifacts: Mapping[str, bytes] | None = None
    ) -> str:
        """Registers a resource, and returns its version; its record becomes a shipped one.

        Prompts and skills need no class; `artifacts` are a skill's files by SHA-256 (see `read_skill`).
        """
        if record.kind != self.kind:
            raise InputError(f"{record.id} is no {self.kind}")
        self._manager.register(record, cls, artifacts=artifacts)
        self._manager.init()
        return self.get_state(record.name).version

    def unregister(self, name: str) -> None:
        """Retires a resource in this system; its versions stay."""
        self._manager.unregister(self._id(name))

    def get(self, name: str) -> Any:  # an instance of the resource's own class
        """The built instance."""
        return self._manager.get(self._id(name))

    def get_info(self, name: str) -> Record:
        """The record in use."""
        return self._manager.get_info(self._id(name))

    def list(self) -> Sequence[str]:
        """The names of the registered resources."""
        return [name.partition("/")[2] for name in self._manager.list(self.kind)]

    def retrieve(self, query: str, k: int = 4) -> Sequence[Found]:
        """The `k` resources of this kind that fit a query best, registered here or in the store."""
        return self._manager.retrieve(query, k, self.kind)

    def get_state(self, name: str) -> State:
        """Where a resource stands: in its lifecycle, and at which version."""
        return self._manager.get_state(self._id(name))

    def get_variables(self, name: str) -> dict[str, JSON]:
        """The values of the variables, by path."""
        return self._manager.get_variables(self._id(name))

    def set_variables(self, name: str, values: Mapping[str, JSON]) -> str:
        """Commits new values as the user's change, without evidence; returns the new version."""
        return self._manager.set_variables(self._id(name), values)

    def update(
        self, name: str, record: Record, *, bump: Bump = "patch", artifacts: Mapping[str, bytes] | None = None
    ) -> str:
        """Commits a new record as the user's change, without evidence; returns the new version."""
        return self._manager.update(self._id(name), record, bump=bump, artifacts=artifacts)

    def copy(self, name: str, new: str) -> str:
        """A resource of its own with the same content, called `new`; returns its version."""
        self._manager.copy(self._id(name), new)
        return self.get_state(new).version

    def restore(self, name: str, version: str) -> str:
        """Commits a new version with the record of an old one; returns the new version."""
        return self._manager.restore(Reference.parse(f"{self._id(name)}@{version}"))

    def contract(self, names: Sequence[str] | None = None) -> Contract:
        """What the resources of this kind, or those named, can do: arguments, limits, examples; made once a version."""
        chosen = self.list() if names is None else names
        title = self._whole if names is None else f"some {self.kind}s"
        return contracts.contract([self.get_info(name) for name in chosen], title)

    def save_contract(self, path: Path | str, names: Sequence[str] | None = None) -> Contract:
        """Writes the contract to a file, whole or not at all; returns it."""
        made = self.contract(names)
        contracts.save(made, Path(path))
        return made

    def load_contract(self, path: Path | str) -> Contract:
        """A saved contract; raises InputError for a file that is none, or is not of these resources as they are."""
        found = contracts.load(Path(path))
        names = None if found.name == self._whole else [name for name in found.names if name in self.list()]
        if found != self.contract(names):
            raise InputError(f"the contract in {path} is out of date", "write it anew with save_contract")
        return found

    def save_to_json(self, path: Path | str | None = None) -> str:
        """The records and the whole version history of this kind as JSON, written to `path` if one is given."""
        from autogenesis_core.rspl.transfer import export

        store = self._manager.store
        names = [Reference.parse(id_) for id_ in store.resources() if id_.startswith(f"{self.kind}/")]
        text = export(store, names).to_json()
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    def load_from_json(self, source: Path | str) -> Mapping[str, Sequence[str]]:
        """Brings exported versions into the store; returns the new ones by `kind/name`.

        `source` is a path, or the text itself. Raises InputError for anything that is no such export of this kind.
        """
        from autogenesis_core.rspl.transfer import Document, import_

        text = source if isinstance(source, str) and source.lstrip().startswith("{") else _text(Path(source))
        document = Document.from_json(text)
        if others := [id_ for id_ in document.resources if not id_.startswith(f"{self.kind}/")]:
            raise InputError(f"this holds {others[0]}, which is no {self.kind}", "autogenesis import takes all kinds")
        return import_(self._manager.store, document).added

    async def build(self, name: str) -> Any:  # an instance of the resource's own class
        """Makes the instance, and returns it."""
        try:
            return self._manager.get(self._id(name))
        finally:
            await self._told()

    async def run(self, name: str, input: Mapping[str, Any]) -> Any:  # noqa: A002  # the protocol's word; values are the resource's own
        """Runs a resource on structured input.

        A prompt renders to messages, a tool gives a ToolResult, an agent (`{"task": …}`) an Answer, a memory
        (`{"query": …, "limit": …}`) its events, an environment (`{"seed": …, "actions": […]}`) its steps.
        Raises UnknownName, InputError or ConfigurationError for wrong input.
        """
        self._manager.get_info(self._id(name))
        try:
            return await self._run(name, input)
        finally:
            await self._told()

    async def _run(self, name: str, given: Mapping[str, Any]) -> Any:  # an answer of the kind's own
        match self.kind:
            case "prompt":
                return self.get(name).render(**given)
            case "tool":
                system = System({self._id(name): self._manager.get_info(self._id(name))}, self._manager)
                library = Library(system, self._authorize)
                return await Toolbox(system.tools, self._authorize, library=library).run(name, given)
            case "agent":
                if self._runner is None:
                    raise PluginError("an agent runs within a runtime")
                return await self._runner.act(structure(given, _Task, "input").task, agent=name)
            case "memory":
                recall = structure(given, _Recall, "input")
                return await self.get(name).recall(recall.query, recall.limit)
            case _:
                episode = structure(given, _Episode, "input")
                environment = self.get(name)
                try:
                    await environment.reset(episode.seed)
                    return [await environment.step(action) for action in episode.actions]
                finally:
                    await environment.close()

    async def _authorize(self, use: ToolUse) -> Permission | None:
        return await self._runner.hooks.authorize(use) if self._runner else None

    async def _told(self) -> None:
        if self._runner is not None:
            await self._runner.tell()

    @property
    def _whole(self) -> str:
        return f"all-{self.kind}s" if self.kind != "memory" else "all-memories"

    def _id(self, name: str) -> str:
        return f"{self.kind}/{name}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None
