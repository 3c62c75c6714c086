"""A composed system: what a rollout resolves names through."""

import asyncio

import pytest
from attrs import frozen

from autogenesis_core import Agent, InputError, Installed, ModelClient, Record, TemplateError, Tool, UnknownName
from autogenesis_core.rspl.manager import Manager
from autogenesis_core.rspl.prompt import parse_prompt
from autogenesis_core.rspl.store import Store
from autogenesis_core.rspl.system import System
from autogenesis_core.services.model import ToolCall
from autogenesis_core.services.tracing import Tracer
from autogenesis_core.testing import FunctionModel


@frozen
class Twice(Tool):
    def run(self, n: int) -> int:
        """Double a number."""
        return 2 * n


@frozen
class Asker(Agent):
    async def run(self, task, context):
        return (await context.model(context.prompt("style", task=task))).text


def installed(kind, name):
    return Installed("d", f"{kind}/{name}", "h")


@pytest.fixture
def manager(tmp_path):
    text, schema = Twice.describe()
    with Store.open(tmp_path / "autogenesis.db") as store:
        manager = Manager(store)
        manager.register(Record("agent", "asker", "", installed("agent", "asker")), Asker)
        manager.register(Record("tool", "twice", text, installed("tool", "twice"), {}, {"parameters": schema}), Twice)
        manager.register(parse_prompt("## Task\n{{ task }}\n", "style", "d"))
        manager.init()
        yield manager


@pytest.fixture
def system(manager):
    return System(manager.records()[0], manager)


def test_a_system_holds_what_is_built_of_its_records(system):
    assert (Asker(), {"twice": Twice()}) == (system.agent, dict(system.tools.tools))
    assert list(system.prompts) == ["style"]
    assert (system.environment(), system.memory()) == (None, None)


def test_a_candidates_records_replace_the_heads_in_its_system_only(manager, system):
    records = manager.records()[0]
    made = manager.edited(records["prompt/style"], {"task": "Please: {{ task }}"})
    candidate = System({**records, "prompt/style": made}, manager)
    context = {s: s.context(seed=0, tracer=Tracer()) for s in (system, candidate)}
    assert context[system].prompt("style", task="2+2")[0]["content"] == "## Task\n2+2"
    assert context[candidate].prompt("style", task="2+2")[0]["content"] == "## Task\nPlease: 2+2"


def test_no_agent_is_an_error_that_says_how_to_choose_one(manager):
    with pytest.raises(InputError, match=r"no agent is chosen\n.*\+agent="):
        _ = System({}, manager).agent


def test_a_context_without_a_model_says_how_to_set_one(system):
    context = system.context(seed=0, tracer=Tracer())
    with pytest.raises(InputError, match=r"no model is set\n.*AUTOGENESIS_MODEL="):
        _ = context.model


def test_a_context_has_one_model_client_a_rollout(system):
    model = FunctionModel(lambda request: "four")
    context = system.context(seed=0, tracer=Tracer(), model=lambda span: ModelClient(model, span=span))
    assert context.model is context.model
    assert asyncio.run(system.agent.run("2+2", context)) == "four"
    assert [tuple(r.messages) for r in model.requests] == [({"role": "system", "content": "## Task\n2+2"},)]


def test_a_prompt_that_is_not_there_is_answered_with_the_nearest(system):
    context = system.context(seed=0, tracer=Tracer())
    with pytest.raises(UnknownName, match="no prompt 'stile'; did you mean style"):
        context.prompt("stile")
    with pytest.raises(TemplateError, match="task"):
        context.prompt("style")


def test_random_numbers_are_a_function_of_seed_and_purpose(system):
    def draw(seed, purpose):
        return system.context(seed=seed, tracer=Tracer()).rng(purpose).random()

    assert draw(1, "explore") == draw(1, "explore")
    assert len({draw(1, "explore"), draw(2, "explore"), draw(1, "noise")}) == 3


def test_a_toolbox_is_each_rollouts_own_and_its_tools_are_shared(system):
    first, second = (system.context(seed=0, tracer=Tracer()).tools for _ in range(2))
    assert asyncio.run(first.call(ToolCall("1", "twice", '{"n": 4}'))).text == "8"
    assert (first.used, second.used) == (["twice"], [])
    assert first.set is second.set
