"""A composed system, immutable: what a rollout resolves names through."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

from attrs import field, frozen

from autogenesis_core.errors import InputError, unknown
from autogenesis_core.rspl.context import Context, EpisodeRun
from autogenesis_core.rspl.entity import Agent, Environment, Memory
from autogenesis_core.rspl.library import Library, Propose
from autogenesis_core.rspl.manager import Manager
from autogenesis_core.rspl.prompt import Prompt
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.retrieval import Found
from autogenesis_core.rspl.toolbox import Permission, Toolbox, ToolSet, ToolUse
from autogenesis_core.services.client import ModelClient
from autogenesis_core.services.tracing import Span, Tracer


@frozen(slots=False, eq=False)
class System:
    """The full map kind/name → record, and what is built from it; heads that move later do not change it."""

    records: Mapping[str, Record]
    _manager: Manager = field(repr=False)

    @cached_property
    def tools(self) -> ToolSet:
        """The composed tools."""
        return self.toolset(record for record in self.records.values() if record.kind == "tool")

    def toolset(self, records: Iterable[Record]) -> ToolSet:
        """These tools, built."""
        found = {record.name: record for record in records}
        return ToolSet(found, {name: self._manager.build(record) for name, record in found.items()})

    @cached_property
    def library(self) -> Mapping[str, Record]:
        """Everything that may be found and used: this system, and what else its store has."""
        return {**self._manager.library(fresh=False), **self.records}

    def retrieve(self, query: str, k: int = 4, kind: str | None = None) -> Sequence[Found]:
        """The `k` resources of the library that fit a query best."""
        return self._manager.retrieve(query, k, kind, self.library)

    def build(self, record: Record) -> Any:  # an instance of the resource's own class
        """An instance of a record."""
        return self._manager.build(record)

    @cached_property
    def prompts(self) -> Mapping[str, Prompt]:
        """The composed prompts by name."""
        return {r.name: self._manager.build(r) for r in self.records.values() if r.kind == "prompt"}

    @cached_property
    def agent(self) -> Agent:
        """The composed agent."""
        return self.agent_named()

    def agent_named(self, name: str = "") -> Agent:
        """One of the composed agents; without a name, the first."""
        agents = {record.name: record for record in self.records.values() if record.kind == "agent"}
        if not agents:
            raise InputError("no agent is chosen", "+agent=tool_calling; see: autogenesis plugins agent")
        if name and name not in agents:
            raise unknown("agent", name, agents)
        return self._manager.build(agents[name or next(iter(agents))])  # type: ignore[no-any-return]

    def environment(self) -> Environment | None:
        """A new instance of the composed environment, if there is one."""
        record = self._kinds.get("environment")
        return self._manager.build(record) if record else None

    def memory(self) -> Memory | None:
        """A new instance of the composed memory, if there is one."""
        record = self._kinds.get("memory")
        return self._manager.build(record) if record else None

    def context(
        self,
        *,
        seed: int,
        episode: EpisodeRun | None = None,
        memory: Memory | None = None,
        model: Callable[[Span | None], ModelClient] | None = None,
        authorize: Callable[[ToolUse], Awaitable[Permission | None]] | None = None,
        tracer: Tracer,
        span: Span | None = None,
        propose: Propose | None = None,
    ) -> Context:
        """The run context of one rollout; without `propose`, one in which nothing may be proposed."""
        library = Library(self, authorize, tracer, span, propose)
        toolbox = Toolbox(self.tools, authorize, tracer, span, library=library)
        client = partial(model, span) if model else None
        return Context(toolbox, seed, self.prompts, episode, memory, tracer, span, client)

    @cached_property
    def _kinds(self) -> Mapping[str, Record]:
        """The first record of each kind."""
        return {record.kind: record for record in reversed(list(self.records.values()))}
