"""The context manager: registering, building, editing."""

import pytest
from attrs import evolve, field, frozen, validators

from autogenesis_core import (
    ConfigurationError,
    Environment,
    EnvironmentSpec,
    InputError,
    Installed,
    InvalidRecord,
    PluginError,
    Record,
    Source,
    Step,
    Tool,
    UnknownName,
    variable,
)
from autogenesis_core.rspl.manager import Manager
from autogenesis_core.rspl.prompt import parse_prompt
from autogenesis_core.rspl.store import SHIPPED, Store


@frozen
class Dice(Tool):
    sides: int = field(default=6, validator=validators.gt(0))
    hint: str = variable(default="roll")

    def run(self) -> int:
        """Roll."""
        return self.sides


@frozen
class Needy(Tool):
    key: str

    def run(self) -> str:
        """Tell."""
        return self.key


@frozen
class World(Environment):
    @property
    def spec(self):
        return EnvironmentSpec("World-v1", {}, {})

    async def reset(self, seed):
        return seed

    async def step(self, action):
        return Step(action, 1.0, True)


def dice(**parameters):
    values = {"sides": 6, "hint": "roll", **parameters}
    return Record("tool", "dice", "", Installed("d", "tool/dice", "h"), values, {}, {"sides": False, "hint": True})


def prompt(text="Be brief.\n\n## Task\n{{ task }}"):
    return parse_prompt(f"## Rules\n{text}\n", "style", "d")


@pytest.fixture
def manager(tmp_path):
    with Store.open(tmp_path / "autogenesis.db") as store:
        yield Manager(store)


@pytest.fixture
def running(manager):
    manager.register(dice(), Dice)
    manager.register(prompt())
    manager.init()
    return manager


def test_what_is_registered_is_listed_by_kind(running):
    assert running.list() == ["tool/dice", "prompt/style"]
    assert running.list("tool") == ["tool/dice"]
    assert running.list("memory") == []


def test_a_name_is_registered_once(running):
    with pytest.raises(InputError, match="tool/dice is registered twice"):
        running.register(dice(), Dice)


def test_a_prompt_that_is_none_is_not_registered(manager):
    with pytest.raises(InvalidRecord, match="level 1 or 2"):
        manager.register(evolve(prompt(), parameters={"rules": "## More", "task": ""}))
    assert manager.list() == []


def test_a_resource_is_registered_then_built(running):
    assert running.get_state("tool/dice").lifecycle == "registered"
    assert Dice(6, "roll") == running.get("tool/dice")
    assert running.get_state("tool/dice").lifecycle == "built"


def test_a_retired_resource_is_unknown_and_its_versions_stay(running):
    running.unregister("tool/dice")
    assert running.list() == ["prompt/style"]
    for ask in (running.get, running.get_info, running.get_variables, running.unregister):
        with pytest.raises(UnknownName, match="no resource 'tool/dice'"):
            ask("tool/dice")
    assert running.store.head(SHIPPED, "tool", "dice").version == "1.0.0"
    running.register(dice(), Dice)
    assert Dice() == running.get("tool/dice")


def test_a_misspelt_name_is_answered_with_the_nearest(running):
    with pytest.raises(UnknownName, match="did you mean tool/dice"):
        running.get("tool/dcie")


def test_instances_are_shared_by_digest(running):
    assert running.get("tool/dice") is running.get("tool/dice")
    other = running.edited(running.get_info("tool/dice"), {"hint": "throw"})
    assert running.build(other).hint == "throw"
    assert running.get("tool/dice").hint == "roll"


def test_an_environment_is_new_each_time(manager):
    manager.register(Record("environment", "world", "", Installed("d", "environment/world", "h")), World)
    manager.init()
    assert manager.get("environment/world") is not manager.get("environment/world")


def test_what_cannot_be_built_is_failed_and_says_what_is_wrong(manager):
    manager.register(dice(sides="six", colour="red"), Dice)
    manager.init()
    with pytest.raises(ConfigurationError) as raised:
        manager.get("tool/dice")
    assert manager.get_state("tool/dice").lifecycle == "failed"
    assert {"tool/dice.sides", "tool/dice.colour"} == {path for path, _ in raised.value.problems}


def test_a_resource_that_failed_may_be_built_once_it_is_right(running):
    with pytest.raises(ConfigurationError):
        running.build(dice(sides=0))
    assert running.get_state("tool/dice").lifecycle == "failed"
    running.get("tool/dice")
    assert running.get_state("tool/dice").lifecycle == "built"


def test_a_required_parameter_that_is_missing_is_said(manager):
    manager.register(Record("tool", "needy", "", Installed("d", "tool/needy", "h"), {"key": None}), Needy)
    manager.init()
    with pytest.raises(ConfigurationError) as raised:
        manager.get("tool/needy")
    assert raised.value.problems == (("tool/needy.key", "missing"),)


def test_source_text_is_never_run_in_this_process(running, tmp_path):
    text = f"open({str(tmp_path / 'ran')!r}, 'w')"
    with pytest.raises(PluginError, match="tool/dice is source text, and no sandbox is installed"):
        running.build(evolve(dice(), implementation=Source("python", text)))
    assert not (tmp_path / "ran").exists()


# Variables


def test_variables_are_read_by_path_and_set_as_a_new_version(running):
    assert running.get_variables("tool/dice") == {"sides": 6, "hint": "roll"}
    assert running.set_variables("tool/dice", {"hint": "throw"}) == "1.0.1"
    assert running.get_variables("tool/dice") == {"sides": 6, "hint": "throw"}
    assert running.get("tool/dice").hint == "throw"


@pytest.mark.parametrize(
    ("name", "values", "error"),
    [
        ("tool/dice", {"hnit": "x"}, UnknownName),
        ("tool/dice", {"sides": "six"}, ConfigurationError),
        ("tool/dice", {"sides": 0}, ConfigurationError),
        ("tool/dice", {"hint": float("nan")}, ConfigurationError),
        ("prompt/style", {"rules": 3}, InvalidRecord),
        ("prompt/style", {"rules": "# Title"}, InvalidRecord),
        ("prompt/style", {"rules": "Say {{ task }}"}, InvalidRecord),
        ("prompt/style", {"rules": "{% if"}, InvalidRecord),
        ("prompt/style", {"task": "{{ secrets }}"}, InvalidRecord),
        ("prompt/style", {"rule": "x"}, UnknownName),
        ("tool/dcie", {"hint": "x"}, UnknownName),
    ],
)
def test_values_that_are_wrong_are_refused_and_nothing_is_written(running, name, values, error):
    before = running.store.entries()
    with pytest.raises(error):
        running.set_variables(name, values)
    assert before == running.store.entries()


def test_an_update_commits_a_record_of_the_same_name_only(running):
    assert running.update("tool/dice", dice(sides=20)) == "1.0.1"
    assert running.get("tool/dice").sides == 20
    with pytest.raises(InvalidRecord, match="the record is of tool/dice, not of prompt/style"):
        running.update("prompt/style", dice())


def test_an_update_of_a_prompt_is_checked_as_every_prompt_is(running):
    before = running.store.entries()
    for value in ("## More", "```\nnever closed", "{% include 'x' %}"):
        with pytest.raises(InvalidRecord):
            running.update("prompt/style", prompt().with_values({"rules": value}))
    assert before == running.store.entries()


def test_a_runs_own_parameters_hold_for_the_run_and_are_no_version(manager):
    manager.register(dice(), Dice, overrides={"sides": 20})
    manager.init()
    assert manager.get("tool/dice").sides == 20
    assert dice() == manager.store.record(manager.heads()["tool/dice"].digest)


def test_filled_parameters_replace_none_that_the_record_has(manager):
    policy = Record("agent", "policy", "", Installed("d", "agent/policy", "h"), {"weights": {"CartPole-v1": [1.0]}})
    manager.register(policy)
    manager.init()
    manager.fill("agent/policy", {"weights": {"CartPole-v1": [0.0], "FrozenLake-v1": [0.0]}})
    expected = {"CartPole-v1": [1.0], "FrozenLake-v1": [0.0]}
    assert expected == manager.get_info("agent/policy").parameters["weights"]


def test_a_parameter_that_an_upgrade_added_has_its_shipped_value_in_older_versions(manager):
    manager.register(dice(), Dice)
    manager.init()
    manager.set_variables("tool/dice", {"hint": "mine"})
    upgraded = Manager(manager.store)
    record = evolve(dice(), parameters={"sides": 6, "hint": "roll", "colour": "red"})
    upgraded.register(record)
    upgraded.init()
    assert upgraded.get_info("tool/dice").parameters == {"sides": 6, "hint": "mine", "colour": "red"}
