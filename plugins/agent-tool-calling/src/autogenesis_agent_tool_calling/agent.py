"""The tool-calling agent: asks a model and calls the tools that it wants until it answers in plain text."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import count

from attrs import Attribute, field, frozen

from autogenesis_core import (
    JSON,
    Agent,
    Context,
    InputError,
    InvalidAnswer,
    Message,
    ModelAnswer,
    ToolCall,
    ToolResult,
    canonical,
)

_DONE = "done"  # a tool of this name, if one is composed, gives the answer
_RECALLED = 1000  # tokens of remembered events at the most
_LAST = {"role": "system", "content": "This is the last step: answer the user's question now."}
_EMPTY = {"role": "system", "content": "Your answer was empty: answer the user's question."}


def _at_least_1(_: object, attribute: "Attribute[int]", value: int) -> None:
    if value < 1:
        raise InputError(f"{attribute.name} must be at least 1, not {value}")


def _from_0_to_2(_: object, attribute: "Attribute[float | None]", value: float | None) -> None:
    if value is not None and not 0 <= value <= 2:
        raise InputError(f"{attribute.name} must be from 0 to 2, or null for the model's own, not {value}")


@frozen
class ToolCallingAgent(Agent):
    """Calls tools until the task is done.

    Arguments:
        max_steps: model calls at the most, and one more if the last answer is empty; the last offers no tools
        prompt: the name of the system prompt
        temperature: of every model call; None leaves it to the model
    """

    max_steps: int = field(default=10, validator=_at_least_1)
    prompt: str = "tool_calling"
    temperature: float | None = field(default=None, validator=_from_0_to_2)

    async def run(self, task: str, context: Context) -> str:
        """The model's answer to `task`.

        Raises InputError in an environment, InvalidAnswer after two empty answers, ModelError if one fails.
        """
        if context.environment is not None:
            reason = "agent=tool_calling acts by tools, not in environments"
            raise InputError(reason, "agent=policy acts in environments")
        messages: list[Message] = self._system(context)
        system = len(messages)
        if context.memory is not None and (events := await context.memory.recall(task, _RECALLED)):
            messages.append({"role": "system", "content": _remembered(events)})
        messages.append({"role": "user", "content": task})
        answer = await self._converse(messages, system, context)
        if context.memory is not None:
            await context.memory.add({"role": "user", "content": task})
            await context.memory.add({"role": "assistant", "content": answer})
        return answer

    def _system(self, context: Context) -> list[Message]:
        """The system prompt; it may say `{{ contract }}` where it wants to tell all about the tools."""
        return [*context.prompt(self.prompt, contract=context.contract.text)]

    async def _converse(self, messages: list[Message], system: int, context: Context) -> str:
        """The answer that ends the conversation.

        Messages are only ever appended, so they can be cached, unless a new version of the prompt comes in between:
        that replaces the first `system` messages.
        """
        model, empty = context.model, False
        for step in count(1):
            if context.refresh():
                fresh = self._system(context)
                messages[:system], system = fresh, len(fresh)
            last = step >= self.max_steps
            if 1 < step == self.max_steps:
                messages.append(_LAST)
            tools = () if last else context.tools.schemas
            answer = await model(list(messages), tools=tools, temperature=self.temperature)
            if answer.tool_calls and not last:
                if (final := await _act(answer, messages, context)) is not None:
                    return final
            elif answer.text.strip():
                return answer.text
            elif empty:
                break
            else:
                empty = True
                messages.append(_EMPTY)
        raise InvalidAnswer("the model gave an empty answer twice")


async def _act(answer: ModelAnswer, messages: list[Message], context: Context) -> str | None:
    """Calls the tools of one turn and appends their results; the final answer, if the tool `done` gave it."""
    messages.append(answer.message())
    results = await _results(answer.tool_calls, context)
    final = None
    for call, result in zip(answer.tool_calls, results, strict=True):
        text = f"error: {result.text}" if result.is_error else result.text
        messages.append({"role": "tool", "tool_call_id": call.id, "content": text})
        if call.name == _DONE and not result.is_error and final is None:
            final = result.text
    return final


async def _results(calls: Sequence[ToolCall], context: Context) -> Sequence[ToolResult]:
    """The results in the order of the calls, which run together if none of them can change anything."""
    tools = context.tools.set.tools
    if len(calls) > 1 and all(tools[call.name].annotations.read_only for call in calls if call.name in tools):
        return await asyncio.gather(*(context.tools.call(call) for call in calls))
    return [await context.tools.call(call) for call in calls]


def _remembered(events: Sequence[Mapping[str, JSON]]) -> str:
    return "\n".join(["What you remember:", *map(_line, events)])


def _line(event: Mapping[str, JSON]) -> str:
    match event:
        case {"role": str(role), "content": str(content)}:
            return f"- {role}: {content}"
    return f"- {canonical(event)}"
