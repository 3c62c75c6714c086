"""The server: the uniform face of a kind's resources, with the same requests and responses for all kinds."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from autogenesis_core.errors import InputError, PluginError
from autogenesis_core.identity import JSON
from autogenesis_core.rspl.entity import Kind
from autogenesis_core.rspl.manager import Manager
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.reference import Reference
from autogenesis_core.rspl.system import System
from autogenesis_core.rspl.toolbox import Permission, Toolbox, ToolUse


@frozen
class Server:
    """`ag.prompt`, `ag.agent`, `ag.tool`, `ag.environment`, `ag.memory`. Names are without the kind."""

    kind: Kind
    _manager: Manager
    _runner: Any = None  # the runtime that runs agents; its type would be a cycle

    def list(self) -> list[str]:
        """The names of the registered resources."""
        return [name.partition("/")[2] for name in self._manager.list(self.kind)]

    def register(self, record: Record, cls: type[Any] | None = None) -> None:
        """Registers a resource; its record becomes a shipped version."""
        if record.kind != self.kind:
            raise InputError(f"{record.id} is no {self.kind}")
        self._manager.register(record, cls)
        self._manager.init()

    def unregister(self, name: str) -> None:
        """Retires a resource; its versions stay."""
        self._manager.unregister(self._id(name))

    def get(self, name: str) -> Any:  # an instance of the resource's own class
        """The built instance."""
        return self._manager.get(self._id(name))

    def get_info(self, name: str) -> Record:
        """The record in use."""
        return self._manager.get_info(self._id(name))

    def get_variables(self, name: str) -> dict[str, JSON]:
        """The values of the variables, by path."""
        return self._manager.get_variables(self._id(name))

    def set_variables(self, name: str, values: Mapping[str, JSON]) -> str:
        """Commits new values as the user's change, without evidence; returns the new version."""
        return self._manager.set_variables(self._id(name), values)

    def update(self, name: str, record: Record) -> str:
        """Commits a new record as the user's change, without evidence; returns the new version."""
        return self._manager.update(self._id(name), record)

    def restore(self, name: str, version: str) -> str:
        """Commits a new version with the record of an old one; returns the new version."""
        return self._manager.restore(Reference.parse(f"{self._id(name)}@{version}"))

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
                return await Toolbox(system.tools, self._authorize).run(name, given)
            case "agent":
                if self._runner is None:
                    raise PluginError("an agent runs within a runtime")
                return await self._runner.act(str(_wanted(given, "task")))
            case "memory":
                return await self.get(name).recall(str(_wanted(given, "query")), int(given.get("limit", 1000)))
            case _:
                environment = self.get(name)
                try:
                    await environment.reset(int(given.get("seed", 0)))
                    return [await environment.step(action) for action in given.get("actions", [])]
                finally:
                    await environment.close()

    async def _authorize(self, use: ToolUse) -> Permission | None:
        return await self._runner.hooks.authorize(use) if self._runner else None

    async def _told(self) -> None:
        if self._runner is not None:
            await self._runner.tell()

    def _id(self, name: str) -> str:
        return f"{self.kind}/{name}"


def _wanted(given: Mapping[str, Any], key: str) -> Any:  # the caller's own value
    if key not in given:
        raise InputError(f"the input has no '{key}'", f'{{"{key}": …}}')
    return given[key]
