"""The dynamic manager: a running system takes new versions without a restart, or does not, as it was told."""

import asyncio

import pytest
from attrs import evolve, field, frozen, validators

from autogenesis_core import (
    Agent,
    Answer,
    Benchmark,
    Environment,
    EnvironmentSpec,
    InputError,
    PluginError,
    Question,
    Runtime,
    Score,
    Step,
    Tool,
    UnknownName,
    hookimpl,
    variable,
)
from autogenesis_core.build import describe
from autogenesis_core.rspl.dynamic import Live
from autogenesis_core.rspl.manager import Manager
from autogenesis_core.rspl.prompt import parse_prompt
from autogenesis_core.rspl.store import SHIPPED, Change, Store
from autogenesis_core.rspl.system import System
from autogenesis_core.services.model import ToolCall
from autogenesis_core.settings import Composition, Resource, Settings, Splits

BETWEEN = []  # what happens between the two steps of an act


@frozen
class Dice(Tool):
    sides: int = field(default=6, validator=validators.gt(0))
    hint: str = variable(default="roll")

    def run(self) -> str:
        """Roll."""
        return f"{self.sides} sides, {self.hint}"


@frozen
class World(Environment):
    gravity: float = 9.8

    @property
    def spec(self):
        return EnvironmentSpec("World-v1", {}, {})

    async def reset(self, seed):
        return seed

    async def step(self, action):
        return Step(action, 1.0, True)


@frozen
class Stepper(Agent):
    """Takes two steps, each with a look at its prompt and a call of its tool."""

    uses_model = False
    style: str = variable(default="plain")

    async def run(self, task, context):
        seen = []
        for happens in (lambda: None, *BETWEEN[:1]):
            happens()
            changed = context.refresh()
            told = context.prompt("style")[0]["content"].partition("\n")[2]
            result = await context.tools.call(ToolCall("1", "dice", "{}"))
            seen.append([changed, told, result.text])
        return Answer("", seen)


class One(Benchmark):
    """One task a split; its answer is kept as feedback."""

    seen = []

    def examples(self, sizes, seed):
        return {split: [Question(split, split)] for split in sizes}

    def score(self, example, outcome):
        self.seen.append(outcome.data)
        return Score(1.0)


PROMPT = parse_prompt("## Rules\nBe brief.\n", "style", "d")
AGENT = describe("agent", "stepper", "", Stepper, "d", {"style": "plain"})


def dice(**parameters):
    return describe("tool", "dice", "", Dice, "d", {"sides": 6, "hint": "roll", **parameters})


@pytest.fixture(autouse=True)
def _afresh():
    BETWEEN.clear()
    One.seen.clear()


def runtime(folder, **settings):
    resources = [Resource(AGENT, Stepper), Resource(dice(), Dice), Resource(PROMPT)]
    made = Settings(splits=Splits(1, 1, 1), **settings)
    return Runtime(Composition(settings=made, resources=resources, benchmark=One(), folder=folder))


def act(folder, change, **settings):
    """What the two steps of one act saw, with `change(ag)` between them; and the notes, the events."""
    told = []

    class Observer:
        @hookimpl
        async def rspl_observe(self, event, data):
            told.append((event, data))

    async def main():
        async with runtime(folder, **settings) as ag:
            BETWEEN[:] = [lambda: change(ag)]
            ag.observe(Observer())
            answer = await ag.act("go")
            return answer.data, list(ag.notes), told, ag.tool.get_state("dice")

    return asyncio.run(main())


def elsewhere(folder, record, expected="1.0.0"):
    """Commits a record as another process would, unchecked."""
    with Store.open(folder / "workdir" / "autogenesis.db") as store:
        return store.commit("main", [Change(record, expected)])


def both(ag):
    ag.prompt.set_variables("style", {"rules": "Be polite."})
    ag.tool.set_variables("dice", {"hint": "throw"})


# follow


def test_with_follow_step_new_versions_of_prompt_and_tool_serve_from_the_next_step(tmp_path):
    seen, notes, events, _ = act(tmp_path, both, follow="step")
    assert seen == [[False, "Be brief.", "6 sides, roll"], [True, "Be polite.", "6 sides, throw"]]
    assert notes == []
    assert [data["name"] for event, data in events if event == "swapped"] == ["tool/dice", "prompt/style"]


def test_with_follow_run_the_run_ends_as_it_began_and_the_next_one_takes_them(tmp_path):
    seen = act(tmp_path, both)[0]
    assert seen == [[False, "Be brief.", "6 sides, roll"]] * 2
    assert act(tmp_path, lambda ag: None)[0] == [[False, "Be polite.", "6 sides, throw"]] * 2


def test_what_another_process_commits_is_followed_too(tmp_path):
    seen = act(tmp_path, lambda ag: elsewhere(tmp_path, dice(sides=20)), follow="step")[0]
    assert [text for _, _, text in seen] == ["6 sides, roll", "20 sides, roll"]


def test_a_pinned_version_stays(tmp_path):
    pins = ["tool/dice@1.0.0", "prompt/style@1.0.0"]

    def change(ag):
        elsewhere(tmp_path, dice(sides=20))

    assert act(tmp_path, change, follow="step", pins=pins)[0] == [[False, "Be brief.", "6 sides, roll"]] * 2


def test_another_branch_is_not_followed(tmp_path):
    def change(ag):
        ag.store.commit("other", [Change(dice(sides=20), "1.0.0")])

    assert act(tmp_path, change, follow="step")[0] == [[False, "Be brief.", "6 sides, roll"]] * 2


def test_a_rollout_that_is_measured_never_follows(tmp_path):
    async def main():
        async with runtime(tmp_path, follow="step") as ag:
            BETWEEN.append(lambda: both(ag))
            await ag.measure()

    asyncio.run(main())
    assert One.seen[0] == [[False, "Be brief.", "6 sides, roll"]] * 2


# What cannot be built


def test_a_new_version_that_cannot_be_built_leaves_the_old_one_serving_with_a_note(tmp_path):
    def change(ag):
        elsewhere(tmp_path, dice(sides="many"))
        ag.prompt.set_variables("style", {"rules": "Be polite."})

    seen, notes, _, state = act(tmp_path, change, follow="step")
    assert seen[1] == [True, "Be polite.", "6 sides, roll"]
    assert [note for note in notes if "tool/dice" in note] == [
        (
            "tool/dice: its new version cannot be built, the old one serves: "
            "1 error in the configuration tool/dice.sides 'many' is no whole number"
        )
    ]
    assert (state.lifecycle, state.version) == ("failed", "1.0.1")


@pytest.fixture
def manager(tmp_path):
    with Store.open(tmp_path / "workdir" / "autogenesis.db") as store:
        manager = Manager(store, find_class=lambda record: {"dice": Dice, "stepper": Stepper}[record.name])
        manager.register(dice(), Dice)
        manager.register(PROMPT)
        manager.register(describe("environment", "world", "", World, "d", {"gravity": 9.8}), World)
        manager.init()
        yield manager


@pytest.fixture
def live(manager):
    return Live(System(manager.records()[0], manager), manager, "step")


def sides(live):
    return live.system.tools.tools["dice"].sides


def test_it_is_said_once_and_a_version_that_can_be_built_is_taken_again(live, manager, tmp_path):
    elsewhere(tmp_path, dice(sides=-1))
    assert (live.refresh(), sides(live)) == (False, 6)
    for number in range(3):
        manager.set_variables("prompt/style", {"rules": f"Be polite {number}."})
        assert (live.refresh(), sides(live)) == (True, 6)
    assert len(manager.notes) == 1
    elsewhere(tmp_path, dice(sides=12), "1.0.1")
    assert (live.refresh(), sides(live)) == (True, 12)
    assert manager.get_state("tool/dice").lifecycle == "built"


def test_what_is_new_and_cannot_be_built_is_left_out(live, manager):
    manager.register(evolve(dice(sides=-1), name="loaded"), Dice)
    manager.register(evolve(dice(sides=4), name="small"), Dice)
    manager.init()
    assert live.refresh()
    assert list(live.system.tools.tools) == ["dice", "small"]
    assert "tool/loaded: its new version cannot be built, it is left out" in manager.notes[0]


def test_nothing_new_is_no_change_even_if_the_store_was_written_to(live, manager):
    system = live.system
    assert not live.refresh()
    manager.store.set_alias("tool/dice", "best", "1.0.0")
    assert not live.refresh()
    assert live.system is system


def test_what_was_committed_between_the_look_at_the_heads_and_the_start_is_not_missed(manager):
    system = System(manager.records()[0], manager)
    manager.set_variables("tool/dice", {"hint": "throw"})
    live = Live(system, manager, "step")
    assert live.refresh()
    assert live.system.tools.tools["dice"].hint == "throw"


def test_the_old_system_is_as_it_was(live, manager):
    system = live.system
    manager.set_variables("tool/dice", {"hint": "throw"})
    assert live.refresh()
    assert (system.tools.tools["dice"].hint, live.system.tools.tools["dice"].hint) == ("roll", "throw")


# Instances


def test_instances_are_shared_by_digest_and_environments_are_not(live, manager):
    first, second = (System(manager.records()[0], manager) for _ in range(2))
    assert first.tools.tools["dice"] is second.tools.tools["dice"]
    assert first.prompts["style"] is second.prompts["style"]
    assert first.environment() is not first.environment()
    manager.set_variables("tool/dice", {"hint": "throw"})
    assert live.refresh()
    assert live.system.tools.tools["dice"] is not first.tools.tools["dice"]
    assert live.system.prompts["style"] is first.prompts["style"]
    manager.set_variables("tool/dice", {"hint": "roll"})
    assert live.refresh()
    assert live.system.tools.tools["dice"] is first.tools.tools["dice"]


# use=


def used(folder, *names, **settings):
    """The dice of a system that chose only the agent and the prompt, and uses these resources of the store."""
    resources = [Resource(AGENT, Stepper), Resource(PROMPT)]
    made = Settings(splits=Splits(1, 1, 1), use=list(names), **settings)
    composition = Composition(settings=made, resources=resources, folder=folder, find_class=lambda record: Dice)

    async def main():
        async with Runtime(composition) as ag:
            return ag.tool.list(), (await ag.act("go")).data, ag.tool.get_state("dice") if ag.tool.list() else None

    return asyncio.run(main())


@pytest.fixture
def stored(tmp_path):
    """A folder whose store has two versions of the dice: six sides, then twenty."""
    with Store.open(tmp_path / "workdir" / "autogenesis.db") as store:
        store.commit(SHIPPED, [Change(dice(), None)], event="install")
        store.commit("main", [Change(dice(sides=20), "1.0.0")])
    return tmp_path


def test_a_resource_of_the_store_is_composed_by_use(stored):
    names, seen, state = used(stored, "tool/dice")
    assert (names, seen[0][2]) == (["dice"], "20 sides, roll")
    assert (state.version, state.pinned) == ("1.0.1", False)


def test_with_a_version_it_is_pinned_to_it(stored):
    _, seen, state = used(stored, "tool/dice@1.0.0")
    assert seen[0][2] == "6 sides, roll"
    assert (state.version, state.pinned) == ("1.0.0", True)


def test_a_resource_that_is_used_follows_new_versions_unless_it_is_pinned(stored):
    BETWEEN.append(lambda: elsewhere(stored, dice(sides=12), "1.0.1"))
    assert [text for _, _, text in used(stored, "tool/dice", follow="step")[1]] == ["20 sides, roll", "12 sides, roll"]
    BETWEEN[:] = [lambda: elsewhere(stored, dice(sides=8), "1.0.2")]
    assert [text for _, _, text in used(stored, "tool/dice@1.0.0", follow="step")[1]] == ["6 sides, roll"] * 2


def test_without_use_it_is_in_the_store_only(stored):
    names, seen, _ = used(stored)
    assert names == []
    assert seen[0][2] == "there is no tool 'dice'; there are: "


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tool/dise", r"did you mean tool/dice\?"),
        ("tool/dice@3.0.0", "no version"),
        ("dice", "names no resource"),
    ],
)
def test_what_the_store_has_not_cannot_be_used(stored, name, said):
    with pytest.raises(InputError, match=said):
        used(stored, name)


def test_a_resource_whose_plugin_is_gone_cannot_be_used(stored):
    def gone(record):
        raise UnknownName("no tool 'dice'")

    made = Settings(use=["tool/dice"])
    for find, error in ((gone, UnknownName), (None, PluginError)):

        async def main(find=find):
            async with Runtime(Composition(settings=made, folder=stored, find_class=find)):
                pass

        with pytest.raises(error, match="dice"):
            asyncio.run(main())
