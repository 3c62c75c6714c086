"""The server: one face for all kinds, as a program meets it on a Runtime."""

import asyncio

import pytest
from attrs import frozen

from autogenesis_core import (
    Agent,
    ConfigurationError,
    Environment,
    EnvironmentSpec,
    InputError,
    Installed,
    Memory,
    Record,
    Runtime,
    Step,
    TemplateError,
    Tool,
    ToolResult,
    UnknownName,
    hookimpl,
    tool,
)
from autogenesis_core.build import describe
from autogenesis_core.rspl.prompt import parse_prompt
from autogenesis_core.settings import Composition, Part, Resource

CLOSED = []


@frozen
class Echo(Agent):
    uses_model = False

    async def run(self, task, context):
        return task


@tool(read_only=True)
def twice(n: int) -> int:
    """Double a number.

    Args:
        n: any number
    """
    return 2 * n


@frozen
class World(Environment):
    @property
    def spec(self):
        return EnvironmentSpec("World-v1", {}, {})

    async def reset(self, seed):
        return seed

    async def step(self, action):
        return Step(action, 1.0, action == "end")

    async def close(self):
        CLOSED.append(1)


@frozen
class Notes(Memory):
    async def add(self, event):
        """Forgets it."""

    async def recall(self, query, limit):
        return [{"role": "user", "content": f"{query} {limit}"}]


def resource(kind, name, cls):
    return Resource(describe(kind, name, "", cls, "d", {}), cls)


RESOURCES = [
    Resource(parse_prompt("## Task\n{{ task }}\n", "style", "d")),
    resource("agent", "echo", Echo),
    resource("tool", "twice", twice),
    resource("environment", "world", World),
    resource("memory", "notes", Notes),
]


def within(folder, use, *, observers=(), gates=(), resources=RESOURCES):
    """What `use(ag)` gives within a runtime of the five kinds."""

    async def main():
        composition = Composition(resources=resources, folder=folder, observers=observers, gates=gates)
        async with Runtime(composition) as ag:
            return await use(ag)

    return asyncio.run(main())


def test_each_kind_lists_its_own_names(tmp_path):
    async def use(ag):
        return [server.list() for server in (ag.prompt, ag.agent, ag.tool, ag.environment, ag.memory)]

    assert within(tmp_path, use) == [["style"], ["echo"], ["twice"], ["world"], ["notes"]]


def test_every_kind_runs_on_structured_input(tmp_path):
    async def use(ag):
        return [
            await ag.prompt.run("style", {"task": "2+2"}),
            await ag.agent.run("echo", {"task": "2+2"}),
            await ag.tool.run("twice", {"n": 4}),
            await ag.environment.run("world", {"seed": 1, "actions": ["go", "end"]}),
            await ag.memory.run("notes", {"query": "sums", "limit": 9}),
        ]

    prompt, answer, doubled, steps, events = within(tmp_path, use)
    assert prompt == [{"role": "system", "content": "## Task\n2+2"}]
    assert answer.text == "2+2"
    assert ToolResult("8", 8) == doubled
    assert [Step("go", 1.0), Step("end", 1.0, True)] == steps
    assert events == [{"role": "user", "content": "sums 9"}]


@pytest.mark.parametrize(
    ("kind", "name", "input_", "error", "said"),
    [
        ("tool", "twice", {"n": "4"}, ConfigurationError, "n  '4' is no whole number"),
        ("tool", "twice", {"m": 4}, ConfigurationError, "missing"),
        ("prompt", "style", {}, TemplateError, "task"),
        ("agent", "echo", {}, InputError, "task"),
        ("memory", "notes", {}, InputError, "query"),
        ("tool", "twise", {"n": 1}, UnknownName, "did you mean tool/twice"),
        ("prompt", "stile", {}, UnknownName, "did you mean prompt/style"),
        ("agent", "ecco", {"task": "x"}, UnknownName, "did you mean agent/echo"),
        ("memory", "note", {"query": "x"}, UnknownName, "did you mean memory/notes"),
        ("environment", "word", {}, UnknownName, "did you mean environment/world"),
    ],
)
def test_wrong_input_is_said_to_be_wrong(tmp_path, kind, name, input_, error, said):
    async def use(ag):
        await getattr(ag, kind).run(name, input_)

    with pytest.raises(error, match=said):
        within(tmp_path, use)


def test_an_environment_is_closed_after_its_run(tmp_path):
    async def use(ag):
        CLOSED.clear()
        await ag.environment.run("world", {"actions": []})
        return len(CLOSED)

    assert within(tmp_path, use) == 1


class Deny:
    @hookimpl
    async def rspl_authorize(self, use):
        return "deny"


def test_a_tool_that_a_program_runs_is_authorized_like_any_other(tmp_path):
    async def use(ag):
        return await ag.tool.run("twice", {"n": 4})

    with pytest.raises(InputError, match="twice is not allowed here"):
        within(tmp_path, use, observers=[Part("deny", Deny())])


@frozen
class Broken(Tool):
    key: int

    def run(self) -> str:
        """Break."""
        return ""


def test_a_tool_runs_beside_one_that_cannot_be_built(tmp_path):
    async def use(ag):
        return await ag.tool.run("twice", {"n": 4})

    broken = Resource(describe("tool", "broken", "", Broken, "d", {"key": None}), Broken)
    assert ToolResult("8", 8) == within(tmp_path, use, resources=[*RESOURCES, broken])


def test_variables_are_set_and_versions_restored_by_short_names(tmp_path):
    async def use(ag):
        assert ag.prompt.get_variables("style") == {"task": "{{ task }}"}
        assert ag.prompt.set_variables("style", {"task": "Now {{ task }}"}) == "1.0.1"
        assert ag.prompt.get_info("style").parameters["task"] == "Now {{ task }}"
        assert ag.prompt.restore("style", "1.0.0") == "1.0.2"
        return ag.prompt.get_variables("style")

    assert within(tmp_path, use) == {"task": "{{ task }}"}


def test_a_resource_is_registered_updated_and_retired_by_a_program(tmp_path):
    async def use(ag):
        ag.prompt.register(parse_prompt("Be kind.", "kind", "d"))
        assert ag.prompt.list() == ["style", "kind"]
        assert ag.prompt.update("kind", parse_prompt("Be kinder.", "kind", "d")) == "1.0.1"
        assert ag.prompt.get("kind").render() == [{"role": "system", "content": "Be kinder."}]
        ag.prompt.unregister("kind")
        return ag.prompt.list()

    assert within(tmp_path, use) == ["style"]


def test_a_server_registers_its_own_kind_only(tmp_path):
    async def use(ag):
        ag.tool.register(parse_prompt("Be kind.", "kind", "d"))

    with pytest.raises(InputError, match="prompt/kind is no tool"):
        within(tmp_path, use)


def test_build_makes_the_instance(tmp_path):
    async def use(ag):
        return await ag.agent.build("echo"), ag.agent.get("echo")

    assert (Echo(), Echo()) == within(tmp_path, use)


class Observer:
    def __init__(self):
        self.events = []

    @hookimpl
    async def rspl_observe(self, event, data):
        self.events.append((event, data.get("name")))


def test_observers_are_told_of_every_step_of_a_resources_life(tmp_path):
    observer = Observer()

    async def use(ag):
        await ag.tool.build("twice")
        ag.prompt.set_variables("style", {"task": "Now {{ task }}"})
        ag.tool.unregister("twice")
        ag.tool.register(Record("tool", "broken", "", Installed("d", "tool/broken", "h"), {"key": "x"}), Broken)
        with pytest.raises(ConfigurationError):
            await ag.tool.build("broken")

    within(tmp_path, use, observers=[Part("observer", observer)])
    assert [("registered", r.record.id) for r in RESOURCES] == observer.events[: len(RESOURCES)]
    told = {event for event, _ in observer.events}
    assert {"registered", "built", "failed", "committed", "retired"} == told
