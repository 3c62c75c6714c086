"""What differs between two records, how it is shown, and which version wrote each line."""

import json
import re
import time
import unicodedata

import pytest
from attrs import NOTHING, evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from autogenesis_core import Installed, InvalidRecord, Record, Source, canonical
from autogenesis_core.rspl.difference import BlamedLine, Difference, blame, difference, render, to_json
from autogenesis_core.terminal import visible

HASH = "0123456789abcdef" * 4
PROMPT = Record(
    "prompt",
    "tool_calling",
    "Calls tools",
    Installed("autogenesis-agent-tool-calling", "prompt/tool_calling", "prompt-file/1"),
    {"rules": "Answer the user's question.\nBe brief.", "tools": "Use them."},
    {"sections": [{"id": "rules", "role": "system"}, {"id": "tools", "role": "user"}]},
    {"rules": True, "tools": True},
)
TOOL = Record(
    "tool",
    "dates",
    "Reads dates",
    Source("python", "def run(text):\n    return text\n"),
    {"limit": 3, "weights": {"CartPole-v1": [0.1] * 5}},
    {"parameters": {"properties": {"x": {"type": "string"}}, "required": ["x", "y", "z"]}},
    {"weights": True},
)
WORDS = st.sampled_from(
    ["a", "b", "the", " ", "\n", "\n\n", ".", "\t", "\r\n", "é", "日本", "\x1b[2J", "\u202e", "x" * 90]
)
TEXTS = st.lists(WORDS, max_size=30).map("".join)
TURNING = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "BN")  # and boundary neutrals
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, -0.0, 1.0, 1e300, 10**400]) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
) | st.lists(st.integers(0, 2) | st.floats(allow_nan=False, allow_infinity=False), min_size=7, max_size=12)
NAMES = st.sampled_from(["rules", "source", "exports", "a b", "x\x1b[2J"])
RECORDS = st.builds(
    Record,
    st.sampled_from(["prompt", "tool"]),
    st.sampled_from(["x", "y"]),
    TEXTS,
    st.builds(Installed, st.just("d"), st.just("e"), TEXTS) | st.builds(Source, st.just("python"), TEXTS),
    st.dictionaries(NAMES, VALUES, max_size=3),
    st.dictionaries(TEXTS, VALUES, max_size=2),
    st.dictionaries(NAMES, st.booleans(), max_size=3),
)


def patched(old, hunks):
    """`old` after unified hunks, each of whose lines of context and removal must be where it says."""
    lines, made, at = old.split("\n") if old else [], [], 0
    for line in hunks:
        if line.startswith("@@"):
            start, length = re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@", line).groups()
            start = int(start) - (length != "0")
            made, at = made + lines[at:start], start
            continue
        if line[0] in " -":
            assert line[1:] == lines[at]
            at += 1
        if line[0] in " +":
            made.append(line[1:])
    return "\n".join(made + lines[at:])


def paths(old, new):
    return [found.path for found in difference(old, new)]


@settings(max_examples=100, deadline=None)
@given(RECORDS, RECORDS)
def test_there_is_a_difference_exactly_if_the_digests_differ(old, new):
    assert difference(old, old) == ()
    assert (old.digest == new.digest) == (difference(old, new) == ())


@settings(max_examples=100, deadline=None)
@given(RECORDS, VALUES)
def test_one_changed_parameter_is_the_only_field_told(record, value):
    new = evolve(record, parameters={**record.parameters, "rules": value})
    assert all(re.match(r"(parameters\.)?rules\b", found.path) for found in difference(record, new))


@settings(max_examples=100, deadline=None)
@given(TEXTS, TEXTS)
def test_the_hunks_turn_the_old_text_into_the_new(old, new):
    assert new == patched(old, Difference("x", "text", old, new).lines())


@settings(max_examples=100, deadline=None)
@given(TEXTS, TEXTS)
def test_the_segments_join_to_the_old_and_to_the_new_text(old, new):
    words = Difference("x", "text", old, new).words()
    assert old == "".join(text for mark, text in words if mark in "=-")
    assert new == "".join(text for mark, text in words if mark in "=+")
    assert all(text for _, text in words)


@settings(max_examples=100, deadline=None)
@given(RECORDS, RECORDS, st.booleans())
def test_nothing_that_a_terminal_obeys_or_that_breaks_a_line_is_rendered(old, new, words):
    lines = render(difference(old, new), words=words)
    assert all(unicodedata.category(letter) not in ("Cc", "Cf") for line in lines for letter in line.replace("\t", ""))
    assert bool(lines) == (old.digest != new.digest)


@settings(max_examples=100, deadline=None)
@given(RECORDS, RECORDS)
def test_the_json_of_differences_is_json_with_what_there_is_of_both(old, new):
    found = difference(old, new)
    data = json.loads(json.dumps(to_json(found)))
    assert [item.path for item in found] == [item["path"] for item in data]
    assert [item.old is not NOTHING for item in found] == ["old" in item for item in data]
    assert [item.new is not NOTHING for item in found] == ["new" in item for item in data]


def test_differences_come_in_the_order_of_a_reader():
    new = evolve(
        TOOL,
        description="Reads days",
        implementation=Installed("autogenesis-tool-dates", "tool/dates", HASH),
        parameters={"weights": {"CartPole-v1": [0.1, 0.1, 0.1, 0.5, 0.1]}, "limit": 4},
        exports={},
        trainable={},
    )
    assert paths(TOOL, new) == [
        "description", "implementation", "source", "parameters.weights.CartPole-v1[3]", "parameters.limit",
        "exports.parameters.properties.x.type", "exports.parameters.required[0]", "exports.parameters.required[1]",
        "exports.parameters.required[2]", "trainable.weights",
    ]  # fmt: skip


def test_a_section_of_a_prompt_is_its_path_and_its_text_is_compared_by_line():
    new = PROMPT.with_values({"rules": "Answer the user's question.\nGive only the value."})
    assert difference(PROMPT, new) == (
        Difference("rules", "text", PROMPT.parameters["rules"], new.parameters["rules"]),
    )
    assert render(difference(PROMPT, new), words=False) == [
        "rules", "@@ -1,2 +1,2 @@", " Answer the user's question.", "-Be brief.", "+Give only the value.",
    ]  # fmt: skip


def test_a_section_named_as_a_field_of_the_record_is_not_mistaken_for_it():
    old = evolve(PROMPT, parameters={"description": "a", "source": "b", "a b": "c"})
    new = evolve(PROMPT, parameters={"description": "b", "source": "c", "a b": "d"})
    assert paths(old, new) == ["parameters.description", "parameters.source", 'parameters["a b"]']


def test_a_source_is_code():
    new = TOOL.with_values({"source": "def run(text):\n    return text.strip()\n"})
    (found,) = difference(TOOL, new)
    assert (found.path, found.form) == ("source", "code")
    assert found.lines() == ["@@ -1,3 +1,3 @@", " def run(text):", "-    return text", "+    return text.strip()", " "]


def test_another_installed_implementation_is_told_in_words():
    old = evolve(TOOL, implementation=Installed("autogenesis-tool-dates", "tool/dates", "f" * 64))
    new = evolve(TOOL, implementation=Installed("autogenesis-tool-dates", "tool/dates", HASH))
    assert render(difference(old, new), words=False) == [
        'implementation  "autogenesis-tool-dates tool/dates ffffffffffff" → "autogenesis-tool-dates tool/dates 0123456789ab"'
    ]


def test_source_in_place_of_an_installed_implementation_is_both():
    old = evolve(TOOL, implementation=Installed("autogenesis-tool-dates", "tool/dates", HASH))
    first, second = difference(old, TOOL)
    assert (first.old, first.new) == ("autogenesis-tool-dates tool/dates 0123456789ab", "python source")
    assert (second.old, second.new) == (NOTHING, TOOL.implementation.text)
    assert render([second], words=False)[:3] == ["source  added", "@@ -0,0 +1,3 @@", "+def run(text):"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (3, 5, ["parameters.x  3 → 5"]),
        (1, True, ["parameters.x  1 → true"]),
        (1, 1.0, ["parameters.x  1 → 1.0"]),
        (0.0, -0.0, ["parameters.x  0.0 → -0.0"]),
        ("a", None, ['parameters.x  "a" → null']),
        ({"a": 1}, {"a": 1, "b": {"c": [2]}}, ["parameters.x.b.c[0]  added 2"]),
        ({"a": {}}, {}, ["parameters.x.a  removed {}"]),
        ([], {}, ["parameters.x  [] → {}"]),
        (["a", "b", "c"], ["b", "c"], ['parameters.x[0]  removed "a"']),
        ([{"id": 1}, {"id": 2}], [{"id": 9}, {"id": 1}, {"id": 2}], ["parameters.x[0].id  added 9"]),
        ([1, 2], [1, 2, 3], ["parameters.x[2]  added 3"]),
        ({"a.b/c": 1}, {"a.b/c": 2}, ['parameters.x["a.b/c"]  1 → 2']),
        ("short", "a\nb", ["parameters.x", "@@ -1 +1,2 @@", "-short", "+a", "+b"]),
    ],
)
def test_structured_values_are_compared_leaf_by_leaf(old, new, expected):
    before, after = evolve(TOOL, parameters={"x": old}), evolve(TOOL, parameters={"x": new})
    assert expected == render(difference(before, after), words=False)


def test_many_changed_numbers_are_one_line():
    old = [0.0] * 2000
    new = [0.01 if k % 5 < 3 else value for k, value in enumerate(old)]
    new[17] = -0.31
    before, after = (evolve(TOOL, parameters={"weights": {"CartPole-v1": value}}) for value in (old, new))
    assert render(difference(before, after), words=False) == [
        "parameters.weights.CartPole-v1  1,200 of 2,000 numbers changed, largest -0.31 at [17]"
    ]
    (found,) = difference(before, after)
    assert (found.old, found.new) == (old, new)


def test_numbers_that_came_or_went_are_counted():
    before, after = (evolve(TOOL, parameters={"x": value}) for value in ([1.0] * 20, [1.0] * 50))
    assert render(difference(before, after), words=False) == [
        "parameters.x  0 of 20 numbers changed; 30 added at the end"
    ]
    assert render(difference(evolve(TOOL, parameters={}), after), words=False) == ["parameters.x  added 50 numbers"]


def test_numbers_larger_than_any_float_are_compared():
    before, after = (evolve(TOOL, parameters={"x": value}) for value in ([0.5] * 9, [-(10**400)] * 9))
    assert render(difference(before, after), words=False) == [
        "parameters.x  9 of 9 numbers changed, largest -inf at [0]"
    ]


def test_a_field_with_very_many_differences_is_compared_as_its_json():
    old = {f"k{k}": "a" for k in range(5000)}
    before, after = evolve(TOOL, exports=old), evolve(TOOL, exports=dict.fromkeys(old, "b"))
    (found,) = difference(before, after)
    assert (found.path, found.form) == ("exports", "text")
    assert (json.loads(found.old), json.loads(found.new)) == (before.exports, after.exports)
    assert len(found.old.split("\n")) == 5000


def test_a_value_that_is_nested_too_deeply_is_refused_with_its_place():
    value = "x"
    for _ in range(100):
        value = [value]
    with pytest.raises(InvalidRecord, match=r"parameters\.x\[0\].* more than 32 levels deep"):
        difference(TOOL, evolve(TOOL, parameters={"x": value}))


def test_a_long_key_is_cut_in_a_path():
    (found,) = difference(evolve(TOOL, exports={}), evolve(TOOL, exports={"k" * 10_000: 1}))[-1:]
    assert len(found.path) < 100


def test_changed_words_stand_within_their_line():
    old = "Answer the question.\nGive the value.\nStop."
    words = Difference("rules", "text", old, "Answer the question.\nGive only the number.\nStop.")
    assert words.words() == [
        ("=", "Answer the question.\nGive "), ("+", "only "), ("=", "the "), ("-", "value"), ("+", "number"),
        ("=", ".\nStop."),
    ]  # fmt: skip
    assert render([words], words=True) == [
        "rules", "@@ line 1 @@", "  Answer the question.", "  Give {+only +}the [-value-]{+number+}.", "  Stop.",
    ]  # fmt: skip


def test_spaces_alone_do_not_hold_words_together():
    assert Difference("rules", "text", "a b c", "x y z").words() == [("-", "a b c"), ("+", "x y z")]


def test_an_appended_line_does_not_change_the_one_before():
    assert Difference("rules", "text", "a", "a\nb c").words() == [("=", "a"), ("+", "\nb c")]
    assert render([Difference("rules", "text", "a", "a\nb c")], words=True) == [
        "rules",
        "@@ line 1 @@",
        "  a",
        "  {+b c+}",
    ]


def test_a_changed_line_break_is_shown():
    assert render([Difference("rules", "text", "a\nb", "a\n\nb")], words=True)[2:] == ["  a", "  {+\\n+}", "  b"]


@pytest.mark.parametrize("words", [False, True])
def test_a_line_of_a_text_cannot_pass_for_a_path_or_a_hunk(words):
    text = "exports  removed\n@@ -1 +1 @@\n+b"
    lines = render([Difference("rules", "text", text, f"{text}\nc")], words=words)
    assert [line for line in lines if line[0] not in " +-"] == ["rules", lines[1]]
    assert lines[1].startswith("@@ ")


def test_only_what_is_near_a_change_is_shown():
    old = [f"line {k}" for k in range(1, 101)]
    new = [*old[:19], "line x", *old[20:79], "line y", *old[80:]]
    found = Difference("rules", "text", "\n".join(old), "\n".join(new))
    assert [line for line in found.lines() if line[0] == "@"] == ["@@ -17,7 +17,7 @@", "@@ -77,7 +77,7 @@"]
    assert [line for line in render([found], words=True) if line[0] == "@"] == ["@@ line 17 @@", "@@ line 77 @@"]


def test_every_control_character_is_written_out_but_tab_and_line_feed():
    unseen = [
        chr(code)
        for code in range(0x110000)
        if unicodedata.category(chr(code)) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(chr(code)) in TURNING
    ]
    assert set("".join(map(visible, unseen))) <= set("\\xuU0123456789abcdefnrt\t\n")
    assert visible("\x1b]0;owned\x07\r\u202e\x9b2J") == r"\x1b]0;owned\x07\r\u202e\x9b2J"


@pytest.mark.parametrize("text", ["plain", "tab\tand\nline", "ünï 日本語 🙂", "a\\x1b"])
def test_what_is_harmless_is_rendered_as_it_is(text):
    assert text == visible(text)


def versions(*values):
    return [(f"1.0.{k}", PROMPT.with_values({"rules": value})) for k, value in enumerate(values)]


def blamed(*values):
    return [(line.version[-1], line.text) for line in blame(versions(*values))["rules"]]


def test_a_line_is_of_the_version_that_wrote_it():
    assert blamed("a\nb", "a\nc", "z\na\nc\nd") == [("2", "z"), ("0", "a"), ("1", "c"), ("2", "d")]


def test_a_line_that_was_removed_and_restored_is_of_the_version_that_brought_it_back():
    assert blamed("a\nb", "a", "a\nb") == [("0", "a"), ("2", "b")]
    removed = evolve(PROMPT, parameters={"tools": ""})
    assert blame([("1", PROMPT), ("2", removed), ("3", PROMPT)])["rules"][0].version == "3"


def test_a_variable_that_is_gone_is_not_blamed():
    assert blame([("1", PROMPT), ("2", evolve(PROMPT, parameters={"tools": ""}))]) == {"tools": [BlamedLine("2", "")]}
    assert blame([]) == {}


def test_a_value_that_is_no_text_is_one_line_of_canonical_json():
    new = TOOL.with_values({"weights.CartPole-v1": [1.0, 0.5]})
    expected = {
        "weights.CartPole-v1": [BlamedLine("2", "[1.0,0.5]")],
        "limit": [BlamedLine("1", "3")],
        "source": [BlamedLine("1", line) for line in ("def run(text):", "    return text", "")],
    }
    assert expected == blame([("1", TOOL), ("2", new)])


def test_a_number_in_place_of_the_text_that_looks_like_it_was_written():
    records = [(label, evolve(TOOL, parameters={"x": value})) for label, value in (("1", "5"), ("2", 5), ("3", "5"))]
    assert [blame(records[:count])["x"] for count in (1, 2, 3)] == [[BlamedLine(str(k), "5")] for k in (1, 2, 3)]


HISTORIES = st.lists(
    st.dictionaries(st.sampled_from(["rules", "tools"]), TEXTS | VALUES, max_size=2), min_size=1, max_size=6
)


@settings(max_examples=100, deadline=None)
@given(HISTORIES)
def test_blamed_lines_join_to_the_newest_values_and_every_label_exists(history):
    found = blame([(str(k), evolve(TOOL, parameters=parameters)) for k, parameters in enumerate(history)])
    newest = evolve(TOOL, parameters=history[-1]).values()
    texts = {path: value if isinstance(value, str) else canonical(value) for path, value in newest.items()}
    assert texts == {path: "\n".join(line.text for line in lines) for path, lines in found.items()}
    assert {line.version for lines in found.values() for line in lines} <= set(map(str, range(len(history))))


@settings(max_examples=100, deadline=None)
@given(HISTORIES, st.data())
def test_a_version_that_equals_its_parent_takes_no_blame(history, data):
    lineage = [(str(k), evolve(TOOL, parameters=parameters)) for k, parameters in enumerate(history)]
    at = data.draw(st.integers(0, len(lineage) - 1))
    again = [*lineage[: at + 1], ("again", lineage[at][1]), *lineage[at + 1 :]]
    assert blame(lineage) == blame(again)


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, min_size=2, max_size=5))
def test_a_line_that_the_parent_lacks_is_of_the_newest_version(texts):
    before = texts[-2].split("\n")
    lines = blame(versions(*texts))["rules"]
    assert all(line.version == f"1.0.{len(texts) - 1}" for line in lines if line.text not in before)


HOSTILE = {
    "lines of one letter": ("0\n1\n1\n0\n2\n" * 400_000, "1\n0\n2\n2\n1\n" * 400_000),
    "one line again and again": ("x\n" * 2_000_000, "x\ny\n" * 1_000_000),
    "every second line": (
        "\n".join(f"{k} {'a' * 60}" for k in range(60_000)),
        "\n".join(f"{k if k % 2 else -k} {'a' * 60}" for k in range(60_000)),
    ),
    "lines in another order": (
        "\n".join(f"{k:060d}" for k in range(60_000)),
        "\n".join(f"{k * 7919 % 60_000:060d}" for k in range(60_000)),
    ),
    "one line of words": ("a b " * 1_000_000, "b a c " * 600_000),
    "words up to the limit": ("a b c a\n" * 24_000, "b c a a b\n" * 20_000),
    "a word of megabytes": ("a" * 4_000_000, "b" * 4_000_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_takes_long_to_compare(name):
    """A second of this process at the most, two on a busy machine; unbounded difflib takes minutes and more."""
    old, new = HOSTILE[name]
    found = Difference("source", "code", old, new)
    for compare in (found.lines, found.words):
        before = time.process_time()
        compare()
        assert time.process_time() - before < 2
