import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogenesis_core import InputError
from autogenesis_core.cli.arguments import VERBS, split


def test_text_and_settings_are_told_apart():
    found = split(["What is 17 * 23?", "+agent=tool_calling", "agent.max_steps=5", "~gate", "++seed=3", "+tool=[a,b]"])
    assert (found.verb, found.task) == ("", "What is 17 * 23?")
    assert found.overrides == ("+agent=tool_calling", "agent.max_steps=5", "~gate", "++seed=3", "+tool=[a,b]")


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_a_first_word_that_is_a_verb_is_one(verb):
    found = split([verb, "one", "two"])
    assert (found.verb, found.words, found.task) == (verb, ("one", "two"), "")


@pytest.mark.parametrize("verb", ["list", "new", "log"])
def test_a_verb_that_comes_later_is_text(verb):
    assert split(["agent=x", verb, "these"]).task == f"{verb} these"
    assert split(["--", verb]).task == verb


@pytest.mark.parametrize(
    "text",
    [
        "a, b = c: 'd' \"e\" {f} ${g}", "what is x = 3?", "3=4", "two\nlines\n", " spaces ", "-5 + 3", "=", "(a=b)",
        "Sort: b,a", "tab\there", "é=x", "héllo", "{", "${oc.env:HOME}", "[a,b]", "a b=c",
    ],
)  # fmt: skip
def test_what_is_neither_verb_nor_setting_nor_flag_is_the_task_unchanged(text):
    assert split([text, "agent=x"]).task == text


@given(st.text(min_size=1))
def test_any_text_after_two_dashes_is_the_task_unchanged(text):
    found = split(["agent=x", "--", text])
    assert (found.verb, found.overrides, found.task) == ("", ("agent=x",), text)


@given(st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: "\r" not in text))
def test_any_text_of_a_file_is_the_task_unchanged(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "task.txt"
    path.write_bytes(text.encode())
    assert split(["agent=x", "--task-file", str(path)]).task == text


def test_line_ends_of_a_task_file_stay_as_they_are(tmp_path):
    (tmp_path / "task.txt").write_bytes(b"one\r\ntwo\rthree\n")
    assert split(["--task-file", str(tmp_path / "task.txt")]).task == "one\r\ntwo\rthree\n"


def test_the_task_is_read_from_standard_input_where_a_dash_stands(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("a=b, ${c}\n"))
    assert split(["-", "agent=x"]).task == "a=b, ${c}\n"


@pytest.mark.parametrize("flag", ["--json", "--help", "--version"])
def test_flags_stand_anywhere(flag):
    assert split([flag, "agent=x"]).flags == split(["agent=x", flag]).flags == {flag}


def test_a_flag_after_two_dashes_is_text():
    found = split(["agent=x", "--", "--json"])
    assert (found.flags, found.task) == (frozenset(), "--json")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--jsn"], "no flag '--jsn'; did you mean --json?"),
        (["--seed=3"], "no flag '--seed=3'"),
        (["list", "--al"], "no flag '--al'"),
        (["--task-file"], "--task-file needs a path"),
        (["--task-file", "no/such/file"], "the task file cannot be read"),
        (["pluginss"], "no verb 'pluginss'; did you mean autogenesis plugins?"),
        (["hstory", "prompt/x"], "did you mean autogenesis history?"),
        (["rolback", "abc123"], "did you mean autogenesis rollback?"),
    ],
)  # fmt: skip
def test_what_is_misspelt_is_an_error_that_says_what_is_meant(words, reason):
    with pytest.raises(InputError) as caught:
        split(words)
    assert caught.value.exit_code == 2
    assert reason in str(caught.value)


def test_a_one_word_task_that_looks_like_a_verb_goes_after_two_dashes():
    with pytest.raises(InputError, match="autogenesis -- lists"):
        split(["lists"])
    assert split(["--", "lists"]).task == "lists"


def test_a_task_given_twice_is_an_error(tmp_path):
    (tmp_path / "task.txt").write_text("one")
    with pytest.raises(InputError, match="twice"):
        split(["two", "--task-file", str(tmp_path / "task.txt")])


def test_a_task_file_that_is_no_text_is_an_error(tmp_path):
    (tmp_path / "task.bin").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        split(["--task-file", str(tmp_path / "task.bin")])


def test_a_verb_takes_only_settings_that_mean_something_to_it():
    assert split(["list", "workdir=x", "branch=demo"]).settings() == {"workdir": "x", "branch": "demo"}
    with pytest.raises(InputError, match="'seed' means nothing here"):
        split(["list", "seed=3"]).settings()
