"""The tools of one composed system, as an agent calls them."""

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from attrs import define, field, frozen

from autogenesis_core.errors import AutogenesisError, BudgetExceeded, InputError, PluginError
from autogenesis_core.identity import JSON
from autogenesis_core.rspl.contract import Contract, contract, tool_description
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.tool import Tool, ToolContext, ToolResult
from autogenesis_core.services.model import ToolCall
from autogenesis_core.services.tracing import Span, Tracer
from autogenesis_core.structuring import structure_arguments

if TYPE_CHECKING:
    from autogenesis_core.rspl.library import Library

Permission = Literal["allow", "ask", "deny"]


@frozen
class ToolUse:
    """A tool call that asks for permission: which tool, with which arguments, and what the tool says of itself."""

    tool: str
    arguments: Mapping[str, JSON]
    annotations: Mapping[str, JSON]


@frozen(slots=False)
class ToolSet:
    """Built tools and their records; one for each composed system, shared by its rollouts."""

    records: Mapping[str, Record]
    tools: Mapping[str, Tool]

    @cached_property
    def schemas(self) -> tuple[Mapping[str, Any], ...]:
        """The tools in OpenAI's function-calling shape."""
        return tuple(
            {
                "type": "function",
                "function": {
                    "name": name,
                    "description": tool_description(record),
                    "parameters": record.exports["parameters"],
                },
            }
            for name, record in self.records.items()
        )

    @cached_property
    def contract(self) -> Contract:
        """What the tools can do, for agents that put it into a prompt."""
        return contract(self.records.values(), "tools")


@define
class Toolbox:
    """Calls tools for one rollout: parses and checks the arguments, asks for permission, traces."""

    set: ToolSet
    authorize: Callable[[ToolUse], Awaitable[Permission | None]] | None = None
    tracer: Tracer = field(factory=Tracer)
    span: Span | None = None
    used: list[str] = field(factory=list)
    library: "Library | None" = None

    @property
    def schemas(self) -> tuple[Mapping[str, Any], ...]:
        """The tools in OpenAI's function-calling shape."""
        return self.set.schemas

    @property
    def names(self) -> tuple[str, ...]:
        """The tools' names."""
        return tuple(self.set.tools)

    async def call(self, call: ToolCall) -> ToolResult:
        """The result of a model's tool call; whatever is wrong with it is an answer to the model, not an exception."""
        with self.tracer.span("tool", self.span, tool=call.name, arguments=self.tracer.body(call.arguments)) as span:
            result = await self._answer(call)
            span.data |= {"result": self.tracer.body(result.text), "is_error": result.is_error}
        self.used.append(call.name)
        return result

    async def _answer(self, call: ToolCall) -> ToolResult:
        if call.name not in self.set.tools:
            return ToolResult(f"there is no tool '{call.name}'; there are: {', '.join(self.names)}", is_error=True)
        try:
            arguments = json.loads(call.arguments or "{}")
        except (ValueError, RecursionError) as error:
            return ToolResult(f"the arguments are no JSON: {error}", is_error=True)
        if not isinstance(arguments, dict):
            return ToolResult("the arguments must be a JSON object", is_error=True)
        try:
            return await self.run(call.name, arguments)
        except (PluginError, BudgetExceeded):
            raise
        except AutogenesisError as error:
            return ToolResult(str(error), is_error=True)
        except Exception as error:  # noqa: BLE001  # a tool is a third party's code; its failure is an answer
            return ToolResult(f"{call.name} failed: {type(error).__name__}: {error}", is_error=True)

    async def run(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """The result of a tool; raises ConfigurationError for wrong arguments, and whatever the tool raises."""
        tool = self.set.tools[name]
        checked = structure_arguments(type(tool).signature(), arguments)
        if self.authorize is not None:
            use = ToolUse(name, arguments, self.set.records[name].exports.get("annotations", {}))  # type: ignore[arg-type]  # register() wrote a mapping
            if (permission := await self.authorize(use)) not in (None, "allow"):
                raise InputError(f"{name} is not allowed here ({permission})")
        return await tool.call(checked, ToolContext(self.library))
