import inspect
from collections.abc import Mapping
from typing import Literal

import pytest
from attrs import field, frozen, validators
from hypothesis import given, settings
from hypothesis import strategies as st

from autogenesis_core import ConfigurationError
from autogenesis_core.structuring import structure, structure_arguments


@frozen
class Inner:
    size: int
    names: list[str] = field(factory=list)


@frozen
class Outer:
    path: str
    inner: Inner = field(factory=lambda: Inner(1))
    rate: float = field(default=0.5, validator=validators.gt(0))
    mode: Literal["fast", "slow"] = "fast"
    limit: int | None = None
    flag: bool = False
    table: Mapping[str, int] = field(factory=dict)


@frozen
class Frozen:
    numbers: tuple[int, ...] = ()


def problems(data: object, kind: type = Outer, path: str = "agent") -> dict[str, str]:
    with pytest.raises(ConfigurationError) as caught:
        structure(data, kind, path)
    return dict(caught.value.problems)


def test_plain_data_becomes_the_class():
    made = structure({"path": "a", "inner": {"size": 2, "names": ["x"]}, "table": {"k": 1}}, Outer, "agent")
    assert made == Outer("a", Inner(2, ["x"]), table={"k": 1})


def test_a_tuple_is_a_tuple_so_that_what_holds_it_can_be_hashed():
    made = structure({"numbers": [1, 2]}, Frozen, "agent")
    assert (made.numbers, hash(made)) == ((1, 2), hash(Frozen((1, 2))))


def test_every_problem_is_reported_at_once_with_its_path():
    data = {"rate": "much", "inner": {"size": "1", "nams": []}, "mode": "medium", "flag": 1, "limt": 3}
    found = problems(data)
    assert set(found) == {
        "agent.path", "agent.rate", "agent.inner.size", "agent.inner.nams", "agent.mode", "agent.flag", "agent.limt"
    }  # fmt: skip
    assert found["agent.path"] == "missing"
    assert found["agent.limt"] == "unknown; did you mean agent.limit?"
    assert found["agent.inner.nams"] == "unknown; did you mean agent.inner.names?"
    assert found["agent.mode"] == "medium is none of 'fast', 'slow'"
    assert found["agent.rate"] == "'much' is no number"


def test_the_message_says_how_many_and_lists_each():
    with pytest.raises(ConfigurationError) as caught:
        structure({"path": 1, "flag": "yes"}, Outer, "agent")
    assert str(caught.value) == (
        "2 errors in the configuration\n  agent.path  1 is no text\n  agent.flag  'yes' is no true or false"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("path", 3), ("path", None), ("path", True), ("rate", "0.5"), ("rate", True), ("limit", "3"), ("limit", 1.0),
        ("limit", True), ("flag", 0), ("flag", "true"), ("table", {"k": "1"}), ("table", []), ("inner", 3),
    ],
)  # fmt: skip
def test_nothing_is_converted_silently(name, value):
    assert [path.split("[")[0] for path in problems({"path": "a", name: value})][0].startswith(f"agent.{name}")


def test_a_whole_number_is_a_number():
    made = structure({"path": "a", "rate": 2}, Outer, "agent")
    assert (made.rate, type(made.rate)) == (2.0, float)


def test_a_problem_in_a_list_or_mapping_says_where():
    data = {"path": "a", "inner": {"size": 1, "names": ["x", 7]}, "table": {"good": 1, "bad": "x"}}
    assert set(problems(data)) == {"agent.inner.names[1]", "agent.table.bad"}


def test_what_a_validator_refuses_is_reported_with_its_path():
    assert list(problems({"path": "a", "rate": -1.0})) == ["agent.rate"]


def test_what_is_no_mapping_is_reported_at_the_path_itself():
    assert list(problems([1, 2])) == ["agent"]


def call(size: int, name: str = "x", factor: float = 1.0) -> None:
    """A call with types."""


def test_the_arguments_of_a_call_are_checked_all_at_once():
    with pytest.raises(ConfigurationError) as caught:
        structure_arguments(inspect.signature(call), {"nam": "y", "factor": "big"})
    assert dict(caught.value.problems) == {
        "nam": "unknown; did you mean name?",
        "size": "missing",
        "factor": "'big' is no number",
    }


def test_the_arguments_of_a_call_arrive_as_their_types():
    assert structure_arguments(inspect.signature(call), {"size": 1, "factor": 2}) == {"size": 1, "factor": 2.0}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(["path", "inner", "rate", "mode", "limit", "flag", "table", "other", "size", "names"])


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(fields, json_values, max_size=6) | json_values)
def test_any_data_either_fits_or_is_a_configuration_error_below_its_path(data):
    try:
        made = structure(data, Outer, "agent")
    except ConfigurationError as error:
        assert error.problems
        assert all(path.startswith("agent") for path, _ in error.problems)
    else:
        assert isinstance(made, Outer)
        assert isinstance(data, dict)
        assert made.path == data["path"]
