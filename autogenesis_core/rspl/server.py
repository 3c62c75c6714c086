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
from autogenesis_core.rspl.toolbox import Toolbox
from autogenesis_core.services.tracing import Tracer


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
        return self._manager.get(self._id(name))

    async def run(self, name: str, input: Mapping[str, Any]) -> Any:  # noqa: A002  # the protocol's word; values are the resource's own
        """Runs a resource on structured input.

        A prompt renders to messages, a tool gives a ToolResult, an agent (`{"task": …}`) an Answer, a memory
        (`{"query": …, "limit": …}`) its events, an environment (`{"seed": …, "actions": […]}`) its steps.
        """
        system = System({name_: self._manager.get_info(name_) for name_ in self._manager.list()}, self._manager)
        match self.kind:
            case "prompt":
                return self.get(name).render(**input)
            case "tool":
                self._manager.get_info(self._id(name))
                return await Toolbox(system.tools, tracer=Tracer()).run(name, input)
            case "agent":
                if self._runner is None:
                    raise PluginError("an agent runs within a runtime")
                return await self._runner.act(str(input["task"]))
            case "memory":
                return await self.get(name).recall(str(input["query"]), int(input.get("limit", 1000)))
            case _:
                environment = self.get(name)
                await environment.reset(int(input.get("seed", 0)))
                return [await environment.step(action) for action in input.get("actions", [])]

    def _id(self, name: str) -> str:
        return f"{self.kind}/{name}"
