"""Secrets: references are stored and shown, values are in built instances only."""

import copy
import json
import os
import pickle
from urllib.parse import quote

import pytest
from attrs import asdict, field, frozen, validators
from hypothesis import given
from hypothesis import strategies as st

from autogenesis_core import ConfigurationError, Installed, InvalidRecord, Record, SecretText, parse_prompt, redact
from autogenesis_core.services import secrets
from autogenesis_core.services.secrets import (
    check_no_secret,
    encoded,
    environment_secrets,
    resolve_secrets,
    structure_with_secrets,
    written_out,
)
from autogenesis_core.services.tracing import Tracer

VALUE = "correct-horse-battery-staple"
REFERENCE = {"secret": "STAPLE"}


@pytest.fixture(autouse=True)
def _staple(monkeypatch):
    monkeypatch.setenv("STAPLE", VALUE)
    monkeypatch.delenv("NOT_THERE", raising=False)
    monkeypatch.setattr(secrets, "_known", {})  # else other tests' texts would be redacted by what is read here


@frozen
class Caller:
    url: str = "http://localhost"
    auth: str | None = None
    size: int = 3
    headers: dict[str, str] = field(factory=dict)
    words: list[str] = field(factory=list)


def problems(data, target=Caller) -> dict[str, str]:
    with pytest.raises(ConfigurationError) as caught:
        structure_with_secrets(data, target, "tool.call")
    assert VALUE not in str(caught.value)
    return dict(caught.value.problems)


# Where an instance is built


def test_a_reference_becomes_the_value_wherever_it_stands():
    made = structure_with_secrets(
        {"auth": REFERENCE, "headers": {"x": REFERENCE, "y": "plain"}, "words": ["a", REFERENCE]}, Caller, "tool.call"
    )
    assert made == Caller(auth=VALUE, headers={"x": VALUE, "y": "plain"}, words=["a", VALUE])


def test_the_data_that_holds_the_reference_is_left_as_it_is():
    data = {"auth": REFERENCE, "headers": {"x": REFERENCE}}
    before = copy.deepcopy(data)
    structure_with_secrets(data, Caller, "tool.call")
    assert data == before


def test_the_repr_of_an_instance_names_its_secrets_and_shows_none():
    made = structure_with_secrets({"auth": REFERENCE, "words": [REFERENCE]}, Caller, "tool.call")
    assert "auth=<secret STAPLE>" in repr(made)
    assert VALUE not in repr(made) + repr(asdict(made))


def test_a_value_is_a_text_like_any_other():
    value = resolve_secrets({"auth": REFERENCE}, "")["auth"]
    assert (value, f"Bearer {value}", len(value), value.upper()) == (VALUE, f"Bearer {VALUE}", 28, VALUE.upper())
    assert isinstance(value, SecretText)
    for twin in (copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert (str(twin), repr(twin)) == (VALUE, "<secret STAPLE>")


def test_every_secret_that_is_not_set_is_reported_at_once_with_its_path(monkeypatch):
    monkeypatch.setenv("EMPTY_ONE", "")
    data = {
        "auth": {"secret": "NOT_THERE"}, "headers": {"x": {"secret": "EMPTY_ONE"}}, "size": "big",
        "words": [REFERENCE, {"secret": "NOT_THERE"}], "sise": 3,
    }  # fmt: skip
    found = problems(data)
    assert found.keys() == {
        "tool.call.auth", "tool.call.headers.x", "tool.call.words[1]", "tool.call.size", "tool.call.sise"
    }  # fmt: skip
    assert found["tool.call.auth"] == "the secret NOT_THERE is not set; export NOT_THERE=… or write it into .env"
    assert found["tool.call.headers.x"].startswith("the secret EMPTY_ONE is not set")


def test_a_name_that_is_nearly_right_is_corrected(monkeypatch):
    monkeypatch.setenv("WEATHER_API_KEY", VALUE)
    said = problems({"auth": {"secret": "WEATHER_APIKEY"}})["tool.call.auth"]
    assert said == "the secret WEATHER_APIKEY is not set; did you mean WEATHER_API_KEY?"


def test_a_wrong_type_shows_the_reference():
    assert problems({"size": REFERENCE}) == {"tool.call.size": "{secret: STAPLE} is no whole number"}


@frozen
class Picky:
    auth: str = field(validator=validators.matches_re("[0-9]+"))
    other: str = ""

    def __attrs_post_init__(self):
        raise ValueError(f"I do not like {self.auth[:]}")


def test_no_error_of_a_class_of_a_plugin_shows_the_value():
    assert problems({"auth": REFERENCE}, Picky).keys() == {"tool.call.auth"}


def test_an_error_that_a_plugin_made_of_the_value_is_redacted(monkeypatch):
    @frozen
    class Rude:
        auth: str = ""

        def __attrs_post_init__(self):
            raise ValueError(f"I do not like {self.auth[:]}")

    assert problems({"auth": REFERENCE}, Rude) == {"tool.call": "I do not like [redacted]"}


def test_a_secret_that_is_not_set_brings_no_second_error_from_its_stand_in():
    assert problems({"auth": {"secret": "NOT_THERE"}}, Picky).keys() == {"tool.call.auth"}


@pytest.mark.parametrize("pasted", ["sk-1234abcd", "ghp_abcdefgh", "two words", ""])
def test_a_value_where_its_name_belongs_is_refused_unseen(pasted):
    with pytest.raises(ConfigurationError) as caught:
        structure_with_secrets({"auth": {"secret": pasted}}, Caller, "tool.call")
    assert [path for path, _ in caught.value.problems] == ["tool.call.auth"]
    assert not pasted or pasted not in str(caught.value)


def test_a_class_may_have_a_parameter_of_that_name_alone():
    @frozen
    class Totp:
        secret: str

    assert structure_with_secrets({"secret": REFERENCE}, Totp, "tool.totp").secret == VALUE
    with pytest.raises(ConfigurationError) as caught:
        structure_with_secrets({"secret": "JBSWY3DP"}, Totp, "tool.totp")
    assert [path for path, _ in caught.value.problems] == ["tool.totp.secret"]
    assert "JBSWY3DP" not in str(caught.value)


# Secrets written out


@pytest.mark.parametrize(
    "name",
    ["api_key", "apikey", "openai_api_key", "apiKey", "X-Api-Key", "token", "bot_token", "password", "db_passwd", "secret",
     "credentials", "aws_credential", "TOKEN"],
)  # fmt: skip
@pytest.mark.parametrize("data", ["{}", "outer.{}", "{}[0]"])
def test_text_under_a_name_like_a_secrets_is_refused_unseen(name, data):
    found = {name: ["hunter2"] if data.endswith("]") else "hunter2", "other": 1}
    ((path, problem),) = written_out({"outer": found} if data.startswith("outer") else found, "agent")
    assert path == f"agent.{data.format(name)}"
    assert "write {secret: NAME}" in problem
    assert "hunter2" not in path + problem


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_tokens", 100), ("tokens", "many"), ("token_limit", "x"), ("secretary", "Ann"), ("keyboard", "qwerty"),
     ("api_key", None), ("api_key", ""), ("token", 5), ("api_key", "env:MY_KEY"), ("api_key", REFERENCE),
     ("passwords_file", "a.txt"), ("key", "a minor")],
)  # fmt: skip
def test_what_is_no_secret_is_let_through(name, value):
    assert written_out({name: value}, "agent") == []


def test_a_value_of_a_wrong_type_under_such_a_name_is_not_shown():
    @frozen
    class Odd:
        token: int = 0

    with pytest.raises(ConfigurationError) as caught:
        structure_with_secrets({"token": "hunter2"}, Odd, "tool.odd")
    assert [path for path, _ in caught.value.problems] == ["tool.odd.token"]
    assert "hunter2" not in str(caught.value)


# Records


def record(trainable=(), kind="tool", description="", **parameters):
    marks = {name: name in trainable for name in parameters}
    return Record(kind, "call", description, Installed("d", "tool/call", "h"), parameters, {}, marks)


def test_a_record_may_hold_a_reference():
    check_no_secret(record(api_key=REFERENCE, headers={"x": REFERENCE}))


@pytest.mark.parametrize("parameters", [{"api_key": "hunter2"}, {"headers": {"token": ["hunter2"]}}])
def test_a_record_with_a_secret_written_out_is_refused(parameters):
    with pytest.raises(InvalidRecord, match="write {secret: NAME}") as caught:
        check_no_secret(record(**parameters))
    assert "hunter2" not in str(caught.value)
    assert "tool/call#" in str(caught.value)


@pytest.mark.parametrize("value", [REFERENCE, {"x": REFERENCE}, ["a", {"b": [REFERENCE]}]])
def test_no_trainable_parameter_may_hold_a_reference(value):
    """Else an optimizer could have any variable of the environment read, and an agent say it."""
    with pytest.raises(InvalidRecord, match="tool/call#hint may hold no secret: it is trainable"):
        check_no_secret(record(("hint",), hint=value))
    check_no_secret(record((), hint=value))


def known(value: str, monkeypatch, name: str = "STAPLE") -> str:
    monkeypatch.setenv(name, value)
    return resolve_secrets({"auth": {"secret": name}}, "")["auth"]


@pytest.mark.parametrize(
    "made",
    [lambda v: record(hint=f"call it with {v}!"), lambda v: record(rows=[{"deep": [v]}]), lambda v: record(rows={v: 1}), lambda v: record(rows={v: {"a": v}}),
     lambda v: record(description=f"uses {v}"), lambda v: record(hint=json.dumps({"auth": v})),
     lambda v: parse_prompt(f"## Rules\nSay {v} always.\n", "call", "d")],
)  # fmt: skip
def test_a_record_that_holds_the_value_of_a_known_secret_is_refused_and_its_name_said(made, monkeypatch):
    value = known('a "quoted" staple', monkeypatch, "QUOTED_STAPLE")
    with pytest.raises(InvalidRecord, match="holds the value of the secret QUOTED_STAPLE") as caught:
        check_no_secret(made(str(value)))
    assert "quoted" not in str(caught.value)


def test_a_value_taken_from_an_instance_is_refused_however_short_it_is(monkeypatch):
    with pytest.raises(InvalidRecord, match="the secret PIN"):
        check_no_secret(record(code=known("90", monkeypatch, "PIN")))
    check_no_secret(record(code="90"))


def test_a_prompt_may_have_a_section_named_like_a_secret():
    check_no_secret(parse_prompt("## Token\nA token is a word.\n\n## Password\nNever ask for one.\n", "call", "d"))


# Redaction


@pytest.mark.parametrize("data", [VALUE, f"<{VALUE}>", [VALUE], {"a": {VALUE: [1, None, VALUE]}}, (1, (VALUE,))])
def test_a_value_that_was_read_is_redacted_wherever_it_stands(data):
    resolve_secrets([REFERENCE], "")
    assert VALUE not in repr(redact(data))
    assert "[redacted]" in repr(redact(data))


@given(st.text(st.characters(codec="utf-8"), min_size=4, max_size=40))
def test_a_value_is_redacted_in_every_spelling_of_a_text(value):
    if not value.strip("\0") or "\0" in value or value in "[redacted]":
        return
    with pytest.MonkeyPatch.context() as patch:
        known(value, patch, "ANY_SECRET")
    for text in (value, json.dumps({"a": value}), json.dumps([value], ensure_ascii=False), repr([value]),
                 f"http://x/?key={quote(value)}", f"http://x/?key={quote(value, safe='')}"):  # fmt: skip
        assert "[redacted]" in redact(f"| {text} |")
    assert value not in redact(f"| {value} |").replace("[redacted]", "")


def test_a_value_of_bytes_that_are_no_unicode_is_redacted(monkeypatch):
    monkeypatch.setenv("BYTES_SECRET", os.fsdecode(b"caf\xe9-caf\xe9"))
    value = known(os.environ["BYTES_SECRET"], monkeypatch)
    assert redact(f"<{value}>") == "<[redacted]>"


def test_what_is_no_text_stays_as_it_is():
    resolve_secrets([REFERENCE], "")
    assert redact({"a": [1, 2.5, None, True, "text"]}) == {"a": [1, 2.5, None, True, "text"]}


def test_a_secret_is_redacted_from_4_characters_on(monkeypatch):
    known("xq7", monkeypatch)
    known("xq7z", monkeypatch)
    assert redact("xq7 xq7z") == "xq7 [redacted]"


def test_a_secret_that_was_renewed_is_redacted_old_and_new(monkeypatch):
    for value in ("first-renewal", "second-renewal"):
        known(value, monkeypatch)
    assert redact("first-renewal second-renewal") == "[redacted] [redacted]"


def test_the_environments_secrets_are_those_named_so_and_long_enough(monkeypatch):
    monkeypatch.setenv("MY_API_KEY", "hunter2-hunter2")
    monkeypatch.setenv("SHORT_KEY", "hunter2")
    found = environment_secrets()
    assert "hunter2-hunter2" in found
    assert "hunter2" not in found
    assert VALUE not in found


def test_a_tracer_redacts_what_is_read_after_it_was_made_whatever_its_name(tmp_path, monkeypatch):
    tracer = Tracer(tmp_path / "traces.jsonl")
    value = known("plain-named-value", monkeypatch, "PLAIN")
    with tracer.span("tool", arguments=f"say {value}"):
        tracer.body({"content": value})
    tracer.close()
    text = (tmp_path / "traces.jsonl").read_text()
    assert text.count("[redacted]") == 2
    assert value not in text


@pytest.mark.parametrize(
    "data",
    [
        {"a": 's3cr"t\\ü-value'},
        ['see s3cr"t\\ü-value here', 1, None],
        {'s3cr"t\\ü-value': True},
        {"a": {"b": ['x' + json.dumps('s3cr"t\\ü-value') + 'y', repr('s3cr"t\\ü-value')]}},
        {"nothing": "of the kind", "number": 1.5},
        {("no", "text"): 's3cr"t\\ü-value'},
    ],
)  # fmt: skip
@pytest.mark.parametrize("ascii_", [True, False])
def test_encoded_data_is_what_redact_makes_of_it(data, ascii_):
    encoder = json.JSONEncoder(default=str, ensure_ascii=ascii_)
    secret = ('s3cr"t\\ü-value',)
    assert encoded(data, encoder.encode, secret) == encoder.encode(redact(data, secret))
    assert "s3cr" not in encoded(data, encoder.encode, secret)
