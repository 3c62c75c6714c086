"""The library: what a tool may do with the resources of the registry while an agent runs."""

import asyncio
import json

import pytest
from attrs import evolve, field, frozen, validators

from autogenesis_core import (
    ConfigurationError,
    InputError,
    InvalidRecord,
    Library,
    PluginError,
    Source,
    TemplateError,
    Tool,
    ToolContext,
    ToolResult,
    UnknownName,
    hookimpl,
    read_skill,
    tool,
    variable,
)
from autogenesis_core.build import describe
from autogenesis_core.hooks import Hooks
from autogenesis_core.rspl.manager import Manager
from autogenesis_core.rspl.prompt import parse_prompt
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.store import SHIPPED, Change, Store
from autogenesis_core.rspl.system import System
from autogenesis_core.rspl.toolbox import ToolUse
from autogenesis_core.services.tracing import Tracer

BUILT = []


@frozen
class Dice(Tool):
    sides: int = field(default=6, validator=validators.gt(0), metadata={"trainable": True})
    hint: str = variable(default="roll")

    def __attrs_post_init__(self):
        BUILT.append(self.sides)

    def run(self, times: int = 1) -> int:
        """Roll dice.

        Args:
            times: how often
        """
        return self.sides * times


@tool(read_only=True)
async def proxy(name: str, arguments: dict, context: ToolContext) -> str:  # type: ignore[type-arg]
    """Use another tool."""
    return (await context.library.run(name, arguments)).text


@frozen
class World(Tool):
    """Cannot be made."""

    def __attrs_post_init__(self):
        raise RuntimeError("no world")

    def run(self) -> str:
        """Tell."""
        return ""


CLASSES = {"dice": Dice, "proxy": proxy, "world": World}
STYLE = "---\nname: style\ndescription: How to write\n---\n## Rules\nBe brief about {{ task }}.\n"


def described(name, **parameters):
    return describe("tool", name, "", CLASSES[name], "d", parameters)


def dice(**parameters):
    return described("dice", **{"sides": 6, "hint": "roll", **parameters})


@pytest.fixture
def store(tmp_path):
    """A store that has dice, a prompt, a skill, and what cannot be built."""
    (tmp_path / "pdf-forms").mkdir()
    (tmp_path / "pdf-forms" / "SKILL.md").write_text(
        "---\nname: pdf-forms\ndescription: Fills in forms of PDFs\n---\nAsk.\n"
    )
    (tmp_path / "pdf-forms" / "a.md").write_text("A.")
    skill, artifacts = read_skill(tmp_path / "pdf-forms")
    records = [dice(), described("world"), described("proxy"), parse_prompt(STYLE, "style", "d"), skill]
    records.append(Record("tool", "written", "Source text", Source("python", "def run(): ...")))
    records.append(Record("agent", "solver", "Solves", dice().implementation))
    with Store.open(tmp_path / "autogenesis.db") as store:
        store.commit(SHIPPED, [Change(record, None) for record in records], event="install", artifacts=artifacts)
        yield store


@pytest.fixture
def manager(store):
    """A running system of its own, in which one resource is composed: a proxy."""
    manager = Manager(store, find_class=lambda record: CLASSES[record.name])
    manager.register(described("proxy"), proxy)
    manager.init()
    yield manager
    manager.close()


@pytest.fixture
def system(manager):
    return System(manager.records()[0], manager)


@pytest.fixture
def library(system, manager):
    return Library(system, None, Tracer(), None, lambda *given: manager.propose("run", *given))


def run(library, id_, **arguments):
    return asyncio.run(library.run(id_, arguments))


# What is in it


def test_it_has_the_system_and_what_its_store_has_besides(library, system):
    assert list(system.records) == ["tool/proxy"]
    assert library.get_info("tool/dice").parameters == {"sides": 6, "hint": "roll"}
    assert [found.id for found in library.retrieve("fill in a form", kind="tool")][:1] == ["tool/pdf_forms"]
    assert library.contract(["tool/dice", "prompt/style"]).ids == ("prompt/style", "tool/dice")


@pytest.mark.parametrize("name", ["tool/dise", "dice", "tool/dice@1.0.0", "", "tool/dice#sides"])
def test_a_name_that_is_none_is_answered_with_the_nearest(library, name):
    with pytest.raises(UnknownName, match=f"no resource '{name}'"):
        library.get_info(name)
    with pytest.raises(UnknownName):
        run(library, name)
    with pytest.raises(UnknownName, match=r"did you mean tool/dice\?"):
        library.contract(["tool/dise"])


def test_a_candidate_finds_itself_and_nobody_else_finds_it(system, manager):
    record = system.records["tool/proxy"]
    candidate = System({"tool/proxy": evolve(record, description="Zebra stripes")}, manager)
    assert [found.id for found in Library(candidate).retrieve("zebra")] == ["tool/proxy"]
    assert Library(system).retrieve("zebra") == []


def test_it_stays_as_it_was_when_the_run_first_looked(library, system, manager, store):
    before = library.get_info("tool/dice")
    store.commit("main", [Change(dice(sides=8), "1.0.0")])
    assert library.get_info("tool/dice") is before
    assert run(library, "tool/dice").data == 6
    assert Library(System(system.records, manager)).get_info("tool/dice") is before
    manager.begin()
    assert Library(System(system.records, manager)).get_info("tool/dice").parameters["sides"] == 8


def test_other_branches_are_not_in_it(library, store):
    store.commit("other", [Change(evolve(dice(), name="loaded"), None)])
    with pytest.raises(UnknownName):
        library.get_info("tool/loaded")


def test_what_was_retired_in_this_system_is_not_in_it(manager):
    manager.unregister("tool/proxy")
    with pytest.raises(UnknownName):
        Library(System(manager.records()[0], manager)).get_info("tool/proxy")


# Running


def test_what_was_not_composed_is_run_and_does_not_become_a_part_of_the_system(library, manager):
    assert run(library, "tool/dice", times=3) == ToolResult("18", 18)
    assert manager.list() == ["tool/proxy"]
    assert library.get_info("tool/dice").id not in manager.records()[0]


def test_skills_are_read_and_prompts_rendered(library):
    assert run(library, "tool/pdf_forms").text.startswith("Ask.")
    assert run(library, "tool/pdf_forms", file="a.md").text == "A."
    assert run(library, "prompt/style", task="dice") == [
        {"role": "system", "content": "## Rules\nBe brief about dice."}
    ]


def test_a_tool_may_run_another_through_its_own_context(library):
    assert run(library, "tool/proxy", name="tool/dice", arguments={"times": 2}).text == "12"


def test_what_cannot_be_run_says_why(library):
    with pytest.raises(InputError, match=r"agent/solver cannot be run from here\n  tools, skills and prompts can"):
        run(library, "agent/solver", task="x")
    with pytest.raises(ConfigurationError, match="'many' is no whole number"):
        run(library, "tool/dice", times="many")
    with pytest.raises(TemplateError, match="task"):
        run(library, "prompt/style")


def test_what_cannot_be_built_here_is_the_askers_error_and_no_plugins(system, manager):
    library = Library(system)
    with pytest.raises(InputError, match="tool/written cannot be used here: .*no sandbox"):
        run(library, "tool/written")
    manager.find_class = None
    with pytest.raises(InputError, match="tool/dice cannot be used here: .*not composed here"):
        run(library, "tool/dice")


def test_a_class_that_fails_is_an_answer_too(library):
    with pytest.raises(InputError, match="no world"):
        run(library, "tool/world")


def test_each_run_of_a_tool_asks_for_permission(system):
    asked = []

    async def authorize(use):
        asked.append(use)
        return "deny" if use.tool == "dice" else "allow"

    library = Library(system, authorize)
    with pytest.raises(InputError, match="dice is not allowed here"):
        run(library, "tool/proxy", name="tool/dice", arguments={})
    hints = {"read_only": True, "destructive": False, "idempotent": False, "open_world": True}
    assert asked[0] == ToolUse("proxy", {"name": "tool/dice", "arguments": {}}, hints)
    assert (asked[1].tool, asked[1].annotations["destructive"]) == ("dice", True)


def test_a_failing_authorize_hook_is_no_answer(system):
    class Guard:
        @hookimpl
        async def rspl_authorize(self, use):
            raise ValueError("no rules")

    hooks = Hooks()
    hooks.register(Guard(), "gate guard")
    with pytest.raises(PluginError, match="gate guard failed"):
        run(Library(system, hooks.authorize), "tool/dice")


def test_a_run_is_traced_below_who_made_it_with_the_digest_of_what_ran(system, tmp_path):
    tracer = Tracer(tmp_path / "traces.jsonl")
    with tracer.span("tool") as span:
        library = Library(system, None, tracer, span)
        run(library, "tool/dice", times=2)
    tracer.close()
    lines = [json.loads(line) for line in (tmp_path / "traces.jsonl").read_text().splitlines()]
    bodies = {line["digest"]: line["value"] for line in lines if line["type"] == "body"}
    [use] = [line for line in lines if line["type"] == "use"]
    assert (use["parent"], use["resource"], use["digest"], bodies[use["input"]]) == (
        span.id, "tool/dice", library.get_info("tool/dice").digest, {"times": 2},
    )  # fmt: skip


# Proposing


def test_a_proposal_is_kept_and_changes_nothing(library, store, manager):
    heads = store.heads(SHIPPED)
    id_ = library.propose("tool/dice#sides", 8, "more is better")
    [proposal] = store.proposals()
    assert (proposal.id, proposal.run, proposal.variable, proposal.value) == (id_, "run", "tool/dice#sides", 8)
    assert (store.heads(SHIPPED), store.heads("main")) == (heads, {})
    assert library.get_info("tool/dice").parameters["sides"] == 6


@pytest.mark.parametrize(
    ("variable_", "value", "error", "said"),
    [
        ("tool/dice#side", 8, UnknownName, r"did you mean tool/dice#sides\?"),
        ("tool/dise#sides", 8, UnknownName, r"did you mean tool/dice\?"),
        ("tool/dice", 8, UnknownName, "no trainable variable"),
        ("dice", 8, InputError, "names no resource"),
        ("tool/dice@1.0.0#sides", 8, InputError, "as it stands, not for a version"),
        ("tool/dice#sides", 6, InputError, "that is the value of tool/dice#sides already"),
        ("prompt/style#rules", "## More", InvalidRecord, "heading"),
        ("prompt/style#rules", "{{ more }}", InvalidRecord, "may not"),
        ("tool/dice#hint", float("nan"), InvalidRecord, "JSON"),
    ],
)
def test_what_may_not_be_proposed_is_refused_and_not_kept(library, store, variable_, value, error, said):
    with pytest.raises(error, match=said):
        library.propose(variable_, value, "why not")
    assert store.proposals() == []


def test_in_a_rollout_that_is_measured_nothing_is_proposed(system, store):
    context = system.context(seed=0, tracer=Tracer())
    assert context.tools.library is not None
    with pytest.raises(InputError, match="while the system is being measured"):
        context.tools.library.propose("tool/dice#sides", 8, "more is better")
    assert store.proposals() == []
