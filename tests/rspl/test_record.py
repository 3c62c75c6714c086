"""The registration record: its digest, its JSON, its variables."""

import json
import string

import pytest
from attrs import evolve
from attrs.exceptions import FrozenInstanceError
from hypothesis import given, settings
from hypothesis import strategies as st

from autogenesis_core import Installed, InvalidRecord, Record, Source, UnknownName, digest
from autogenesis_core.rspl.record import source_hash, system_id

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.text(string.ascii_lowercase + string.digits + "_", min_size=1, max_size=12).filter(lambda n: n[0].isalpha())
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)
IMPLEMENTATIONS = st.builds(Installed, TEXTS, TEXTS, TEXTS) | st.builds(Source, TEXTS, TEXTS)
RECORDS = st.builds(
    Record,
    st.sampled_from(["prompt", "agent", "tool", "environment", "memory"]),
    NAMES,
    TEXTS,
    IMPLEMENTATIONS,
    st.dictionaries(NAMES, VALUES, max_size=3),
    st.dictionaries(TEXTS, VALUES, max_size=2),
    st.dictionaries(NAMES, st.booleans(), max_size=3),
)
RECORD = Record(
    "tool",
    "dates",
    "Reads dates",
    Installed("autogenesis-tool-dates", "tool/dates", "abc"),
    {"limit": 3, "weights": {"CartPole-v1": [1.0, 2.0], "other": [0.5]}, "notes": {"a": "b"}},
    {"parameters": {"type": "object"}},
    {"limit": False, "weights": True},
)
SOURCE = evolve(RECORD, implementation=Source("python", "def run(): ..."), trainable={"source": True})


@settings(max_examples=100, deadline=None)
@given(RECORDS)
def test_a_record_goes_to_json_and_back(record):
    again = Record.from_body(record.body)
    assert (record, record.digest) == (again, again.digest)
    assert record == Record.from_json(json.loads(json.dumps(record.to_json())))


@settings(max_examples=100, deadline=None)
@given(RECORDS)
def test_a_digest_is_over_exactly_the_seven_fields(record):
    fields = {"kind", "name", "description", "trainable", "implementation", "parameters", "exports"}
    assert fields == record.to_json().keys() == json.loads(record.body).keys()
    assert digest(record.to_json()) == record.digest


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "memory"},
        {"name": "days"},
        {"description": "Reads days"},
        {"implementation": Installed("autogenesis-tool-dates", "tool/dates", "abd")},
        {"implementation": Installed("autogenesis-tool-dates", "tool/date", "abc")},
        {"implementation": Installed("autogenesis-tool-date", "tool/dates", "abc")},
        {"implementation": Source("python", "")},
        {"parameters": {}},
        {"exports": {}},
        {"trainable": {"limit": False, "weights": False}},
    ],
    ids=str,
)
def test_a_change_of_any_named_field_changes_the_digest(change):
    assert RECORD.digest != evolve(RECORD, **change).digest


def test_an_installed_implementation_and_a_source_never_share_a_digest():
    sources = {evolve(RECORD, implementation=Source("a", text)).digest for text in ("", "b")}
    assert len(sources) == 2


def test_the_order_of_parameters_is_no_part_of_the_digest():
    assert RECORD.digest == evolve(RECORD, parameters=dict(reversed(RECORD.parameters.items()))).digest


def test_a_record_cannot_be_assigned_to():
    with pytest.raises(FrozenInstanceError):
        RECORD.name = "other"


def test_a_record_keeps_its_content_when_what_it_was_made_of_changes():
    parameters = {"rules": {"a": 1}}
    record = Record("agent", "x", "", Installed("d", "agent/x", "h"), parameters)
    before = record.digest
    parameters["rules"]["a"] = 2
    parameters["more"] = 3
    assert record.parameters == {"rules": {"a": 1}}
    assert before == digest(record.to_json())


@pytest.mark.parametrize("name", ["", "Upper", "9nine", "a-b", "a.b", "a/b", "a b", "ü", "a" * 65, "a\n", "_a"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(InvalidRecord, match="no name for a resource"):
        Record("tool", name, "", Source("python", ""))


def test_an_unknown_kind_is_refused_and_the_known_ones_are_said():
    with pytest.raises(InvalidRecord, match=r"unknown kind 'gadget'\n.*prompt, agent, tool, environment, memory"):
        Record("gadget", "x", "", Source("python", ""))


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        "text",
        {**RECORD.to_json(), "version": "1.0.0"},
        {key: value for key, value in RECORD.to_json().items() if key != "exports"},
        {**RECORD.to_json(), "trainable": {"limit": 1}},
        {**RECORD.to_json(), "kind": "gadget"},
        {**RECORD.to_json(), "name": "../up"},
        {**RECORD.to_json(), "name": 3},
        {**RECORD.to_json(), "parameters": []},
        {**RECORD.to_json(), "parameters": {"x": float("nan")}},
        {**RECORD.to_json(), "implementation": {}},
        {**RECORD.to_json(), "implementation": {"path": "os.system"}},
        {**RECORD.to_json(), "implementation": {"language": "python", "source": "", "entry": "x"}},
        {**RECORD.to_json(), "implementation": {"language": "python", "source": None}},
    ],
    ids=lambda data: str(data)[:40],
)
def test_data_that_is_no_record_is_refused(data):
    with pytest.raises(InvalidRecord):
        Record.from_json(data)


@pytest.mark.parametrize("body", ["", "{", "[" * 100_000, "null", '{"kind": "tool"}', "NaN"], ids=lambda b: b[:20])
def test_text_that_is_no_record_is_refused(body):
    with pytest.raises(InvalidRecord, match="no record"):
        Record.from_body(body)


def test_a_record_of_megabytes_is_refused_with_its_size():
    with pytest.raises(InvalidRecord, match=r"tool/big has 4,0\d\d,\d\d\d characters; at most 4,000,000"):
        _ = Record("tool", "big", "", Source("python", "x" * 4_000_000)).digest


@settings(max_examples=100, deadline=None)
@given(RECORDS)
def test_setting_the_values_that_a_record_has_gives_the_same_record(record):
    assert record.digest == record.with_values(record.values()).digest


@settings(max_examples=100, deadline=None)
@given(RECORDS.filter(lambda record: record.parameters), VALUES, st.data())
def test_a_value_that_was_set_is_read_back_and_nothing_else_changes(record, value, data):
    path = data.draw(st.sampled_from(sorted(record.parameters)))
    before, body = dict(record.parameters), record.body
    made = record.with_values({path: value})
    if path == "source" and isinstance(record.implementation, Source):
        return  # a parameter of this name is hidden by the text
    assert {**before, path: value} == made.parameters
    assert (body, before) == (record.body, record.parameters)
    assert (record.implementation, record.exports, record.trainable) == (
        made.implementation,
        made.exports,
        made.trainable,
    )


def test_a_trainable_mapping_is_a_variable_for_each_of_its_keys():
    expected = {
        "limit": 3,
        "weights.CartPole-v1": [1.0, 2.0],
        "weights.other": [0.5],
        "notes": {"a": "b"},
    }
    assert expected == RECORD.values()


def test_a_key_of_a_mapping_is_set_alone():
    made = RECORD.with_values({"weights.other": [9.0], "notes.a": "c"})
    assert made.parameters["weights"] == {"CartPole-v1": [1.0, 2.0], "other": [9.0]}
    assert made.parameters["notes"] == {"a": "c"}
    assert RECORD.parameters["weights"]["other"] == [0.5]


def test_the_text_of_a_source_is_a_variable():
    assert SOURCE.values()["source"] == "def run(): ..."
    assert Source("python", "new") == SOURCE.with_values({"source": "new"}).implementation
    with pytest.raises(InvalidRecord, match="tool/dates#source is text, not int"):
        SOURCE.with_values({"source": 3})


@pytest.mark.parametrize("path", ["limits", "source", "limit.x", "weight.other", "weights.othr", ""])
def test_a_path_that_is_no_variable_is_unknown(path):
    with pytest.raises(UnknownName, match="no variable 'tool/dates#"):
        RECORD.with_values({path: 1})


def test_a_misspelt_path_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="did you mean tool/dates#limit"):
        RECORD.with_values({"limits": 1})


def test_trainable_is_said_of_a_parameter_and_holds_for_its_keys():
    expected = {"limit": False, "weights.CartPole-v1": True, "weights.other": True, "notes": False}
    assert expected == {path: RECORD.is_trainable(path) for path in RECORD.values()}
    assert SOURCE.is_trainable("source")


def test_a_source_hash_changes_with_the_file_and_only_with_it(tmp_path):
    def loaded(text):
        path = tmp_path / f"module_{len(list(tmp_path.iterdir()))}.py"
        path.write_text(text)
        scope = {"__name__": path.stem}
        exec(compile(text, str(path), "exec"), scope)
        return scope["run"]

    first, same, other = (loaded(text) for text in ("def run(): 1", "def run(): 1", "def run(): 2"))
    assert source_hash(first) == source_hash(same)
    assert source_hash(first) != source_hash(other)


def test_what_has_no_file_is_hashed_by_its_name():
    assert source_hash(len) == source_hash(len)
    assert source_hash(len) != source_hash(abs)


def test_a_systems_id_is_over_its_digests_and_model_settings():
    id_ = system_id({"tool/dates": RECORD}, {"model": "m", "temperature": 0})
    assert id_ == system_id({"tool/dates": evolve(RECORD)}, {"temperature": 0, "model": "m"})
    assert id_ != system_id({"tool/dates": RECORD}, {"model": "n", "temperature": 0})
    assert id_ != system_id({"tool/dates": SOURCE}, {"model": "m", "temperature": 0})
    assert id_ != system_id({"tool/other": RECORD}, {"model": "m", "temperature": 0})
