"""The simulated model: deterministic, offline, free, and honest about what it is."""

import json
from typing import ClassVar

from attrs import frozen

from autogenesis_core import Model, ModelAnswer, ModelRequest, Price, ToolCall, Usage, estimate_tokens
from autogenesis_model_simulated import mind, optimizer, reply, schema, tool_use
from autogenesis_model_simulated.conversation import Conversation, text_of
from autogenesis_model_simulated.draw import Draws
from autogenesis_model_simulated.policy import Policy
from autogenesis_model_simulated.tasks import Task, recognise

# After a tool that failed the mind is not all on the task; a result may still be copied wrong.
_DISTRACTION, _READS_WRONG = 0.2, 0.01


@frozen
class SimulatedModel(Model):
    """A stand-in for a small instruction-tuned model.

    An answer is a function of the request's messages, tools, schema and seed, and of `seed`; nothing else reaches it,
    so it never sees a target that a prompt does not hold. It asks nothing of a network and takes no time.

    Arguments:
        seed: mixed into every random draw; another seed is another model with the same habits
    """

    simulated: ClassVar[bool] = True
    seed: int = 0

    @property
    def id(self) -> str:
        """What people call the model."""
        return "simulated"

    async def answer(self, request: ModelRequest) -> ModelAnswer:
        """The answer to `request`; never fails."""
        text, calls = self._reply(request)
        text, reason = _limited(text, request)
        usage = Usage(
            estimate_tokens(_read(request)), estimate_tokens(text + "".join(call.arguments for call in calls))
        )
        return ModelAnswer(
            text, calls, usage=usage, cost=0.0, finish_reason="tool_calls" if calls else reason, model=self.id
        )

    async def price(self) -> Price:
        """Nothing."""
        return Price(0.0, 0.0)

    def _reply(self, request: ModelRequest) -> tuple[str, tuple[ToolCall, ...]]:
        conversation = Conversation.of(request.messages)
        draws = Draws(self.seed, request.seed, conversation.question)
        if request.schema is not None and (answer := optimizer.answer(request.schema, conversation, draws)):
            return answer, ()
        task = recognise(conversation.question)
        if task is None:
            return _ignorance(request), ()
        names = [str(tool_use.function(tool)["name"]) for tool in request.tools]
        policy = Policy.of(conversation.instructions, names, task.family, draws)
        for pin in policy.pins:
            if pin.fits(conversation.question):
                return pin.answer, ()
        if not conversation.results and (tool := tool_use.wanted_tool(request.tools, task.family, policy)):
            return "", (tool_use.call(tool, task, policy, draws),)
        value = _value(task, conversation, policy, draws)
        if request.schema is not None:
            return reply.structured(value, request.schema), ()
        return reply.worded(value, task, policy, draws), ()


def _value(task: Task, conversation: Conversation, policy: Policy, draws: Draws) -> str:
    """What the model takes for the right value: a tool's word, or its mind's."""
    found = tool_use.result_of(conversation.results[-1]) if conversation.results else None
    if found is None:
        return mind.solve(task, policy, draws, _DISTRACTION if conversation.results else 0.0)
    if draws.chance("misread", _READS_WRONG + policy.confusion() / 3):
        return mind.solve(task, policy, draws, _DISTRACTION)
    return mind.digits_as_told(found, policy, draws, 1.0) if task.family == "conversion" else found


def _ignorance(request: ModelRequest) -> str:
    """The honest answer to a question of no family, or what a schema of nobody's knowledge allows."""
    if request.schema is None:
        return reply.UNKNOWN
    properties = request.schema.get("properties") or {}
    if any(schema.type_of(kind) == "array" for kind in properties.values()):
        return json.dumps(schema.instance(request.schema))
    return reply.structured(reply.UNKNOWN, request.schema)


def _limited(text: str, request: ModelRequest) -> tuple[str, str]:
    """`text` cut at the first stop sequence and at the request's length, and why it ended."""
    for stop in request.stop:
        text = text.split(stop, 1)[0] if stop else text
    most = len(text) if request.max_tokens is None else 4 * request.max_tokens
    return text[:most], "length" if len(text) > most else "stop"


def _read(request: ModelRequest) -> str:
    tools = json.dumps(list(request.tools)) if request.tools else ""
    return "".join(text_of(message) for message in request.messages) + tools
