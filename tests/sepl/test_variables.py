from autogenesis_core import Installed, Record
from autogenesis_core.sepl.variables import lift

AGENT = Record(
    "agent", "policy", "Acts", Installed("d", "agent/policy", "h"),
    {"weights": {"CartPole-v1": [1.0], "FrozenLake-v1": [2.0]}, "hidden": 4, "rate": 0.5}, {},
    {"weights": True, "hidden": False, "rate": True},
)  # fmt: skip
PROMPT = Record("prompt", "rules", "Rules", Installed("d", "prompt/rules", "h"), {"style": "a", "law": "b"}, {}, {"style": True, "law": False})  # fmt: skip
RECORDS = {record.id: record for record in (AGENT, PROMPT)}


def trainable(**settings) -> list[str]:
    return [variable.id for variable in lift(RECORDS, **settings) if variable.trainable]


def test_every_parameter_of_every_resource_is_a_variable():
    assert {variable.id: variable.value for variable in lift(RECORDS)} == {
        "agent/policy#weights.CartPole-v1": [1.0],
        "agent/policy#weights.FrozenLake-v1": [2.0],
        "agent/policy#hidden": 4,
        "agent/policy#rate": 0.5,
        "prompt/rules#style": "a",
        "prompt/rules#law": "b",
    }


def test_a_variable_knows_its_resource_path_and_description():
    found = next(variable for variable in lift(RECORDS) if variable.id == "agent/policy#weights.CartPole-v1")
    assert (found.resource, found.path, found.description) == ("agent/policy", "weights.CartPole-v1", "Acts")


def test_the_marks_of_the_records_say_what_is_trainable():
    assert trainable() == [
        "agent/policy#weights.CartPole-v1", "agent/policy#weights.FrozenLake-v1", "agent/policy#rate", "prompt/rules#style",
    ]  # fmt: skip


def test_nothing_of_a_pinned_resource_is_trainable():
    assert trainable(pinned={"agent/policy"}) == ["prompt/rules#style"]


def test_patterns_narrow_what_is_trainable_and_never_widen_it():
    assert trainable(only=["prompt/rules#style"]) == ["prompt/rules#style"]
    assert trainable(only=["prompt/rules"]) == ["prompt/rules#style"]
    assert trainable(only=["prompt/*"]) == ["prompt/rules#style"]
    assert trainable(only=["prompt/rules#law"]) == []
    assert trainable(only=["agent/policy#rate", "prompt/*"]) == ["agent/policy#rate", "prompt/rules#style"]


def test_what_is_kept_for_another_environment_is_not_trainable():
    assert trainable(environment="CartPole-v1", only=["agent/*"]) == [
        "agent/policy#weights.CartPole-v1",
        "agent/policy#rate",
    ]
