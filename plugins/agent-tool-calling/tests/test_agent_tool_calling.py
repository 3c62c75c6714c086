"""Of the tool-calling agent, with a model that follows a script: what it sends, what it runs, and when it ends."""

import asyncio
import json
import time
from collections.abc import Sequence
from importlib.resources import files
from itertools import pairwise

import pytest
from attrs import define, field

from autogenesis_agent_tool_calling.agent import ToolCallingAgent
from autogenesis_core import (
    Context,
    Environment,
    EnvironmentSpec,
    EpisodeRun,
    InputError,
    Installed,
    InvalidAnswer,
    Memory,
    Model,
    ModelAnswer,
    ModelClient,
    Prompt,
    Record,
    Toolbox,
    ToolCall,
    ToolSet,
    UnknownName,
    parse_prompt,
    tool,
)

running, most = 0, 0
LINES: list[str] = []


async def overlap():
    """Stays a moment, and notes how many are here at once."""
    global running, most
    running += 1
    most = max(most, running)
    await asyncio.sleep(0.01)
    running -= 1


@tool(read_only=True, blocking=False)
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool(read_only=True)
async def look(place: str, wait: float = 0.0) -> str:
    """Look at a place."""
    await overlap()
    await asyncio.sleep(wait)
    return f"nothing in {place}"


@tool
async def write(line: str) -> str:
    """Write a line."""
    await overlap()
    LINES.append(line)
    return "written"


@tool(read_only=True, blocking=False)
def done(answer: str) -> str:
    """Give the final answer."""
    return answer


@pytest.fixture(autouse=True)
def _afresh():
    global running, most
    running = most = 0
    LINES.clear()


@define
class Script(Model):
    """Answers what it is told to, turn by turn, and keeps the requests."""

    turns: Sequence[ModelAnswer]
    requests: list = field(factory=list)

    @property
    def id(self):
        return "script"

    async def answer(self, request):
        self.requests.append(request)
        return self.turns[min(len(self.requests), len(self.turns)) - 1]


@define
class Notes(Memory):
    """Recalls what it has, and keeps what it is told."""

    events: list = field(factory=list)
    asked: list = field(factory=list)

    async def add(self, event):
        self.events.append(event)

    async def recall(self, query, limit):
        self.asked.append((query, limit))
        return list(self.events)


def call(name, arguments="{}", call_id="1"):
    return ToolCall(call_id, name, arguments if isinstance(arguments, str) else json.dumps(arguments))


def wants(*calls, text=""):
    return ModelAnswer(text, calls, finish_reason="tool_calls")


def shipped_prompt():
    text = files("autogenesis_agent_tool_calling").joinpath("prompts/tool_calling.md").read_text(encoding="utf-8")
    return parse_prompt(text, "tool_calling", "autogenesis-agent-tool-calling")


def context_of(model, *tools, **more):
    records = {}
    for kind in tools:
        description, schema = kind.describe()
        name = kind.__name__
        records[name] = Record("tool", name, description, Installed("test", name, ""), {}, {"parameters": schema})
    box = Toolbox(ToolSet(records, {kind.__name__: kind() for kind in tools}))
    prompts = {"tool_calling": Prompt(shipped_prompt())}
    client = ModelClient(model)
    return Context(box, 0, prompts, model=lambda: client, **more)


def run(turns, *tools, task="What is 2 + 3?", agent=None, **more):
    model = Script(turns)
    answer = asyncio.run((agent or ToolCallingAgent()).run(task, context_of(model, *tools, **more)))
    return answer, model.requests


def results(request):
    return [message["content"] for message in request.messages if message["role"] == "tool"]


def test_plain_text_is_the_answer():
    answer, requests = run([ModelAnswer("5")], add)
    assert answer == "5"
    assert [message["role"] for message in requests[0].messages] == ["system", "user"]
    assert requests[0].messages[-1]["content"] == "What is 2 + 3?"


def test_the_shipped_prompt_has_a_fixed_preamble_and_two_trainable_sections():
    record = shipped_prompt()
    assert record.trainable == {"preamble": False, "rules": True, "tools": True}
    assert record.parameters["rules"] == "Answer the user's question."
    assert record.parameters["tools"] == "Tools may be available."
    _, [request] = run([ModelAnswer("5")])
    assert request.messages[0]["content"].split("\n\n")[1] == "## Rules\nAnswer the user's question."


def test_tools_are_offered_by_their_schemas_and_their_results_sent_back():
    answer, [first, second] = run([wants(call("add", {"a": 2, "b": 3})), ModelAnswer("It is 5.")], add)
    assert answer == "It is 5."
    assert [schema["function"]["name"] for schema in first.tools] == ["add"]
    assert first.tools == second.tools
    assistant, result = second.messages[-2:]
    assert assistant["tool_calls"][0]["function"] == {"name": "add", "arguments": '{"a": 2, "b": 3}'}
    assert result == {"role": "tool", "tool_call_id": "1", "content": "5"}


def test_text_beside_tool_calls_is_no_answer_yet():
    answer, requests = run([wants(call("add", {"a": 2, "b": 3}), text="Let me add."), ModelAnswer("5")], add)
    assert (answer, len(requests)) == ("5", 2)


def test_history_is_only_ever_appended_to():
    turns = [*[wants(call("add", {"a": step, "b": 1})) for step in range(5)], ModelAnswer(""), ModelAnswer("5")]
    _, requests = run(turns, add, agent=ToolCallingAgent(max_steps=7))
    for before, after in pairwise(requests):
        assert after.messages[: len(before.messages)] == before.messages
        assert len(after.messages) > len(before.messages)


def test_calls_of_one_turn_that_only_read_run_together_and_answer_in_their_order():
    calls = [call("look", {"place": place, "wait": 0.02 * (2 - n)}, str(n)) for n, place in enumerate("abc")]
    _, requests = run([wants(*calls), ModelAnswer("nothing")], look)
    assert most == len(calls)
    assert results(requests[1]) == ["nothing in a", "nothing in b", "nothing in c"]
    assert [message["tool_call_id"] for message in requests[1].messages if message["role"] == "tool"] == ["0", "1", "2"]


def test_calls_of_one_turn_run_one_after_the_other_where_one_of_them_may_change_something():
    calls = [call("write", {"line": "a"}), call("look", {"place": "x"}), call("write", {"line": "b"})]
    _, requests = run([wants(*calls), ModelAnswer("ok")], look, write)
    assert most == 1
    assert LINES == ["a", "b"]
    assert results(requests[1]) == ["written", "nothing in x", "written"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (call("subtract", {}), "there is no tool 'subtract'"),
        (call("add", '{"a": 1,'), "no JSON"),
        (call("add", "[1]"), "must be a JSON object"),
        (call("add", {"a": 1}), "missing"),
        (call("add", {"a": 1, "b": "two"}), "whole number"),
    ],
)
def test_a_malformed_call_is_answered_to_the_model(wrong, said):
    answer, requests = run([wants(wrong), ModelAnswer("sorry")], add)
    assert answer == "sorry"
    [content] = results(requests[1])
    assert content.startswith("error: ")
    assert said in content


def test_the_last_step_offers_no_tools_and_says_that_it_is_the_last():
    turns = [wants(call("add", {"a": 1, "b": 1})), wants(call("add", {"a": 2, "b": 1})), ModelAnswer("3")]
    answer, requests = run(turns, add, agent=ToolCallingAgent(max_steps=3))
    assert answer == "3"
    assert [bool(request.tools) for request in requests] == [True, True, False]
    assert "last step" in requests[2].messages[-1]["content"]


def test_a_single_step_is_one_call_without_tools():
    answer, [request] = run([ModelAnswer("5")], add, agent=ToolCallingAgent(max_steps=1))
    assert (answer, request.tools) == ("5", ())
    assert request.messages[-1]["role"] == "user"


def test_a_model_that_never_stops_calling_is_stopped():
    model = Script([wants(call("add", {"a": 1, "b": 1}))])
    with pytest.raises(InvalidAnswer, match="empty answer twice"):
        asyncio.run(ToolCallingAgent(max_steps=4).run("?", context_of(model, add)))
    assert len(model.requests) == 5


@pytest.mark.parametrize("max_steps", [1, 2, 10])
def test_an_empty_answer_is_asked_for_again_once(max_steps):
    agent = ToolCallingAgent(max_steps=max_steps)
    answer, requests = run([ModelAnswer(" \n"), ModelAnswer("5")], add, agent=agent)
    assert (answer, len(requests)) == ("5", 2)
    assert any("was empty" in message["content"] for message in requests[1].messages)
    with pytest.raises(InvalidAnswer, match="empty answer twice"):
        run([ModelAnswer("")], add, agent=agent)


def test_a_call_of_the_tool_done_gives_the_answer():
    calls = [call("add", {"a": 2, "b": 3}), call("done", {"answer": "five"}), call("done", {"answer": "six"})]
    answer, requests = run([wants(*calls)], add, done)
    assert (answer, len(requests)) == ("five", 1)


def test_a_malformed_call_of_done_and_a_done_that_is_not_composed_are_no_answer():
    answer, _ = run([wants(call("done", {"text": "five"})), ModelAnswer("5")], add, done)
    assert answer == "5"
    answer, _ = run([wants(call("done", {"answer": "five"})), ModelAnswer("5")], add)
    assert answer == "5"


def test_memory_is_recalled_before_and_told_after():
    memory = Notes([{"role": "user", "content": "I am Ada."}, {"fact": 1}])
    answer, [request] = run([ModelAnswer("Ada")], task="Who am I?", memory=memory)
    assert memory.asked[0][0] == "Who am I?"
    assert request.messages[1] == {
        "role": "system", "content": 'What you remember:\n- user: I am Ada.\n- {"fact":1}',
    }  # fmt: skip
    assert memory.events[2:] == [{"role": "user", "content": "Who am I?"}, {"role": "assistant", "content": answer}]


def test_an_empty_memory_says_nothing():
    _, [request] = run([ModelAnswer("5")], memory=Notes())
    assert [message["role"] for message in request.messages] == ["system", "user"]


def test_temperature_reaches_every_call():
    _, requests = run([wants(call("add", {})), ModelAnswer("5")], add, agent=ToolCallingAgent(temperature=0.5))
    assert [request.temperature for request in requests] == [0.5, 0.5]


class Nowhere(Environment):
    @property
    def spec(self):
        return EnvironmentSpec("nowhere", {}, {})

    async def reset(self, seed):
        raise NotImplementedError

    async def step(self, action):
        raise NotImplementedError


def test_in_an_environment_it_says_which_agent_acts_there():
    with pytest.raises(InputError, match="agent=policy"):
        run([ModelAnswer("5")], environment=EpisodeRun(Nowhere(), 0))


def test_an_unknown_prompt_is_an_error():
    with pytest.raises(UnknownName, match="did you mean tool_calling"):
        run([ModelAnswer("5")], agent=ToolCallingAgent(prompt="tool_caling"))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"max_steps": 0}, "max_steps must be at least 1, not 0"),
        ({"temperature": 2.5}, "temperature must be from 0 to 2"),
        ({"temperature": -1.0}, "temperature must be from 0 to 2"),
    ],
)
def test_settings_out_of_range_are_refused(settings, reason):
    with pytest.raises(InputError, match=reason):
        ToolCallingAgent(**settings)


def test_a_step_of_a_hundred_costs_no_more_than_one_of_twenty():
    """Generous bounds, for a loaded machine: what is measured on a quiet one stands in the README."""

    def step_seconds(steps):
        turns = [*[wants(call("add", {"a": 1, "b": 1}))] * (steps - 1), ModelAnswer("2")]
        agent, context = ToolCallingAgent(max_steps=steps), context_of(Script(turns), add)
        start = time.perf_counter()
        asyncio.run(agent.run("?", context))
        return (time.perf_counter() - start) / steps

    short = min(step_seconds(20) for _ in range(5))
    long = min(step_seconds(100) for _ in range(5))
    assert long < 3 * short + 0.0005
