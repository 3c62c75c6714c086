"""Of the text tools: they are what Python's own functions say, and say what is wrong."""

import asyncio

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autogenesis_core import InputError
from autogenesis_tool_text.convert_base import convert_base
from autogenesis_tool_text.count_letters import count_letters
from autogenesis_tool_text.sort_words import sort_words

bases = st.integers(2, 36)


@given(st.lists(st.text()), st.booleans())
def test_sort_words_sorts_by_code_point(words, descending):
    before = list(words)
    assert sort_words.run(words, descending) == sorted(words, key=lambda word: [*map(ord, word)], reverse=descending)
    assert words == before


def test_sort_words_puts_capitals_first_and_keeps_repeated_words():
    assert sort_words.run(["b", "a", "B", "a"]) == ["B", "a", "a", "b"]


@given(st.text(), st.characters())
def test_count_letters_counts_a_character(text, letter):
    assert count_letters.run(text, letter, match_case=True) == text.count(letter) == [*text].count(letter)


def test_count_letters_tells_capital_from_small_letters_only_when_asked():
    assert count_letters.run("Hundred thousand", "h") == 2
    assert count_letters.run("Hundred thousand", "h", match_case=True) == 1


@pytest.mark.parametrize("letter", ["", "ab"])
def test_count_letters_wants_a_single_character(letter):
    with pytest.raises(InputError, match="single character"):
        count_letters.run("abc", letter)


@given(st.integers(-(10**50), 10**50), bases, bases)
def test_convert_base_keeps_the_value(value, from_base, to_base):
    number = convert_base.run(str(value), 10, from_base)
    converted = convert_base.run(number, from_base, to_base)
    assert int(converted, to_base) == value
    assert converted == converted.lower()
    assert not converted.removeprefix("-").startswith("0") or value == 0


@pytest.mark.parametrize(
    ("number", "from_base", "to_base", "expected"),
    [("ff", 16, 10, "255"), ("FF", 16, 2, "11111111"), ("-201", 11, 10, "-243"), ("0", 2, 36, "0"), ("-0", 2, 3, "0")],
)
def test_convert_base_writes_lowercase_digits_and_a_sign(number, from_base, to_base, expected):
    assert convert_base.run(number, from_base, to_base) == expected


@given(st.text(max_size=5), bases)
def test_convert_base_refuses_what_is_no_number_in_the_base(text, base):
    try:
        int(text, base)
    except ValueError:
        with pytest.raises(InputError, match="no whole number in base"):
            convert_base.run(text, base, 10)
    else:
        assume(False)


@pytest.mark.parametrize(("from_base", "to_base", "wrong"), [(1, 10, "from_base"), (10, 37, "to_base")])
def test_convert_base_knows_bases_2_to_36(from_base, to_base, wrong):
    with pytest.raises(InputError, match=f"{wrong} must be from 2 to 36"):
        convert_base.run("1", from_base, to_base)


def test_convert_base_says_which_digits_the_base_has():
    with pytest.raises(InputError, match="0-9 and a-b"):
        convert_base.run("xyz", 12, 2)
    with pytest.raises(InputError, match="0-1"):
        convert_base.run("2", 2, 10)


def test_convert_base_refuses_numbers_of_more_than_1000_digits():
    with pytest.raises(InputError, match="1,001 digits"):
        convert_base.run("1" * 1001, 10, 2)


def test_a_model_sees_typed_arguments_each_with_a_text():
    _, schema = sort_words.describe()
    assert schema["properties"]["words"] == {
        "type": "array", "items": {"type": "string"}, "description": "the words, in any order; repeated ones are kept",
    }  # fmt: skip
    assert schema["required"] == ["words"]
    for kind in (sort_words, count_letters, convert_base):
        description, schema = kind.describe()
        assert description
        assert all("description" in argument for argument in schema["properties"].values())


@pytest.mark.parametrize("kind", [sort_words, count_letters, convert_base])
def test_they_run_at_once_and_change_nothing(kind):
    assert kind.annotations.read_only
    assert not kind.blocking


def test_results_are_text_for_a_model_and_data_for_programs():
    result = asyncio.run(sort_words().call({"words": ["b", "a"]}))
    assert (result.text, result.data) == ('["a","b"]', ["a", "b"])
    assert asyncio.run(count_letters().call({"text": "aa", "letter": "a"})).text == "2"
