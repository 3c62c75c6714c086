"""Retrieval: what is found by which words, in which order, and that no query is syntax."""

import json
import sqlite3
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from autogenesis_core import InputError, Installed, Record, StoreError, UnknownName
from autogenesis_core.rspl.retrieval import Found, Index
from autogenesis_core.rspl.topics import SIGNS, STOP, TOPICS

INSTALLED = Installed("autogenesis-tool-x", "tool/x", "abc")


def record(name, description, kind="tool", parameters=None, exports=None):
    return Record(kind, name, description, INSTALLED, parameters or {}, exports or {})


CALCULATOR = record("calculator", "Evaluate an arithmetic expression exactly")
WEATHER = record("get_weather", "Current conditions and forecast of the weather for a location")
TRANSLATE = record("translate", "Translate text from one natural language to another")
SEND_EMAIL = record("send_email", "Send an e-mail with attachments to recipients")
PARSE_JSON = record("parse_json", "Parse a JSON text")
MINUTES = record(
    "minutes",
    "Turns meetings into decisions",
    parameters={"body": "# Minutes\n\n" + "Listen well and write little. " * 200 + "Mention absentees.", "files": {"scripts/roster.py": {"size": 3}}},
    exports={"form": "skill"},
)  # fmt: skip
SYSTEM = record("tool_calling", "How to call tools", "prompt", {"rules": "Never apologise to the astronaut."})
MEMORY = record("session", "Keeps the events of a session", "memory")
RECORDS = [CALCULATOR, WEATHER, TRANSLATE, SEND_EMAIL, PARSE_JSON, MINUTES, SYSTEM, MEMORY]


@pytest.fixture(scope="module")
def index():
    with Index(RECORDS) as made:
        yield made


def ids(found):
    return [one.id for one in found]


# What is found


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("calculator", "tool/calculator"),
        ("expressions that are evaluated", "tool/calculator"),
        ("send_email", "tool/send_email"),
        ("sendEmail", "tool/send_email"),
        ("send an email to Anna", "tool/send_email"),
        ("any e-mail?", "tool/send_email"),
        ("PARSE-JSON", "tool/parse_json"),
        ("parseJSONText", "tool/parse_json"),
        ("astronauts", "prompt/tool_calling"),
        ("apologize", "prompt/tool_calling"),
        ("who was absent? absentees", "tool/minutes"),
        ("roster.py", "tool/minutes"),
    ],
)
def test_a_record_is_found_by_the_words_of_its_name_description_and_texts(index, query, best):
    assert ids(index.search(query))[0] == best


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("do I need an umbrella?", "tool/get_weather"),
        ("what is 15% of 80?", "tool/calculator"),
        ("3*(4+5)", "tool/calculator"),
        ("the page is in German, I need it in English", "tool/translate"),
        ("mail this to anna@example.com", "tool/send_email"),
        ("how do I say good morning to a Finn?", "tool/translate"),
    ],
)
def test_a_record_is_found_by_what_people_say_for_it(index, query, best):
    assert ids(index.search(query))[0] == best


def test_a_compound_written_apart_is_found():
    with Index([record("spreadsheet", "Reads cells"), record("sheet_music", "Prints scores"), WEATHER]) as made:
        assert ids(made.search("a spread sheet", 1)) == ["tool/spreadsheet"]
        assert ids(made.search("sheetmusic", 1)) == ["tool/sheet_music"]


@pytest.mark.parametrize("query", ["wheather", "weahter", "weater", "wearher", "weatherr", "forcast"])
def test_a_slip_of_the_finger_in_a_long_word_is_forgiven(index, query):
    assert ids(index.search(query))[0] == "tool/get_weather"


def test_a_word_that_is_known_is_taken_as_it_is_spelt():
    with Index([record("weather", "Tells it"), record("leather", "Cares for it"), record("heater", "Warms")]) as made:
        assert ids(made.search("leather")) == ["tool/leather"]
    with Index([record("cat", "Feeds it"), CALCULATOR]) as made:
        assert made.search("bat") == made.search("ca") == []  # in a short word any slip makes another word


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_one_slip_after_the_first_letter_of_an_unusual_word_is_forgiven(data):
    word = data.draw(st.text("bcdfghjklmnpqrstvwxz", min_size=8, max_size=20))
    place = data.draw(st.integers(1, len(word) - 2))
    letter = data.draw(st.sampled_from("bcdfghjklmnpqrstvwxz"))
    rest = word[place + 1 :]
    swapped = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    wrong = data.draw(
        st.sampled_from(
            [word[:place] + rest, word[:place] + letter + rest, word[:place] + letter + word[place:], swapped]
        )
    )
    with Index([record("one", word), CALCULATOR, WEATHER]) as made:
        assert "tool/one" in ids(made.search(wrong))


def test_a_tool_is_found_by_its_arguments_limits_and_examples():
    properties = {"sides": {"type": "integer", "description": "how many faces the polyhedron has"}}
    exports = {
        "parameters": {"properties": properties},
        "limits": ["at most 100 throws"],
        "examples": ["roll a yahtzee"],
    }
    with Index([record("dice", "Rolls", exports=exports), CALCULATOR, WEATHER]) as made:
        for query in ("sides", "a polyhedron", "throw", "yahtzee"):
            assert ids(made.search(query)) == ["tool/dice"]
        assert made.search("integer") == []  # a schema's own words describe nothing


def test_a_long_body_does_not_hide_a_skills_name(index):
    rival = record("diary", "Keeps a diary; not for the minutes of anything")
    with Index([*RECORDS, rival]) as made:
        assert ids(made.search("minutes", 2)) == ["tool/minutes", "tool/diary"]


def test_a_name_counts_more_than_a_description():
    with Index([record("a", "Finds a zebra"), record("zebra", "Finds a b"), CALCULATOR, WEATHER, TRANSLATE]) as made:
        assert ids(made.search("zebra")) == ["tool/zebra", "tool/a"]


def test_what_is_found_says_what_it_is(index):
    (found,) = index.search("calculator", k=1)
    assert found == Found("tool/calculator", found.score, CALCULATOR.description, CALCULATOR.digest)
    assert found.score > 0


def test_function_words_count_only_where_there_is_nothing_else():
    with Index([record("hamlet", "To be or not to be"), CALCULATOR, WEATHER]) as made:
        assert ids(made.search("to be or not")) == ["tool/hamlet"]
        assert ids(made.search("to be or not, calculator")) == ["tool/calculator"]


def test_nothing_found_is_an_empty_list(index):
    assert index.search("zyzzyva") == index.search("") == index.search(" \n") == index.search("?!") == []
    with Index([]) as empty:
        assert empty.search("calculator") == []


def test_the_labelled_queries_of_development_are_answered():
    """Below these bounds a change made retrieval worse; the sets that judge it are others."""
    text = (Path(__file__).parent / "data/retrieval_dev.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    queries = [line for line in lines if "query" in line]
    with Index(record(line["tool"], line["description"]) for line in lines if "tool" in line) as made:
        found = [[one.id.removeprefix("tool/") for one in made.search(line["query"])] for line in queries]
    first = sum(bool({*names[:1]} & {*line["expected"]}) for names, line in zip(found, queries, strict=True))
    among = sum(bool({*names} & {*line["expected"]}) for names, line in zip(found, queries, strict=True))
    assert len(queries) >= 80
    assert among / len(queries) >= 0.98
    assert first / len(queries) >= 0.88


# The vocabulary


@pytest.mark.parametrize("line", TOPICS.strip().splitlines(), ids=lambda line: line.split()[0])
def test_a_topic_has_heads_and_cues_each_once(line):
    heads, colon, cues = line.partition(":")
    words = [*heads.split(), *cues.split()]
    assert heads.split() and colon and cues.split()
    assert [word for word in words if words.count(word) > 1] == []
    assert [word for word in words if not word.isidentifier() and word != "7z"] == []
    assert {*cues.split()} & {*STOP.split()} == set()  # never looked up


def test_every_sign_stands_for_a_word_of_a_topic():
    words = {*TOPICS.replace(":", " ").split()}
    assert [cue for _, cue in SIGNS if cue not in words] == []


@pytest.mark.parametrize(
    ("query", "cue"),
    [
        ("12 * 3", "arithmetic"),
        ("7 %", "percent"),
        ("2x + 3 = 11", "equation"),
        ("see https://example.com/x", "url"),
        ("example.org", "url"),
        ("anna@example.com", "email"),
        ("notes.txt", "file"),
        ("./data", "file"),
        ("*.md", "glob"),
        (r"\d{3}", "regex"),
        ("$5", "currency"),
        ("at 9 am", "oclock"),
        ("17:30", "oclock"),
        ("2024-02-29", "date"),
        ("5 kg", "unit"),
        ("200x300", "pixel"),
        ("in #general", "channel"),
        ("0xff", "hexadecimal"),
        ("127.0.0.1", "network"),
    ],
)
def test_what_is_written_as_a_sign_finds_its_topic(query, cue):
    rivals = [record(f"t{n}", "Rivals nobody asks for") for n in range(9)]
    with Index([record("wanted", cue), *rivals]) as made:
        assert ids(made.search(query)) == ["tool/wanted"]


# Order and number


def test_equally_good_ones_come_in_the_order_of_their_ids_however_they_were_given():
    twins = [record(name, "Same words") for name in ("c", "a", "d", "b")]
    for given_as in (twins, twins[::-1]):
        with Index([*given_as, CALCULATOR]) as made:
            assert ids(made.search("same words", 3)) == ["tool/a", "tool/b", "tool/c"]


def test_a_kind_limits_what_is_found(index):
    assert ids(index.search("tool_calling minutes session", kind="prompt")) == ["prompt/tool_calling"]
    assert ids(index.search("keeps events", kind="memory")) == ["memory/session"]
    assert index.search("calculator", kind="agent") == []


def test_an_unknown_kind_is_an_error_with_the_nearest(index):
    with pytest.raises(UnknownName, match="did you mean prompt"):
        index.search("calculator", kind="promt")


@pytest.mark.parametrize("k", [0, -1, 101])
def test_a_number_out_of_range_is_an_error(index, k):
    with pytest.raises(InputError, match="from 1 to 100"):
        index.search("calculator", k)


def test_as_many_as_asked_for_are_found():
    with Index(record(f"t{n}", "same words") for n in range(120)) as made:
        assert [len(made.search("words", k)) for k in (1, 7, 100)] == [1, 7, 100]


# Hostile input


@pytest.mark.parametrize(
    "query",
    [
        '"',
        '"calculator',
        '" OR "',
        "calculator AND NOT arithmetic",
        "NEAR(calculator zyzzyva, 5)",
        "name : calculator",
        "{name description} : calculator",
        "- calculator",
        "^calculator*",
        "calculator + zyzzyva",
        "calculator; DROP TABLE own",
        "calculator\x00",
        "calculator \ud800",
        "(((calculator",
        "calculator" + " zyzzyva" * 12_000,
        "calculator " + "x" * 100_000,
    ],
    ids=lambda query: ascii(query[:24]),
)
def test_nothing_in_a_query_is_syntax(index, query):
    assert "tool/calculator" in ids(index.search(query)) or not query.strip('" OR')


TEXTS = st.text(st.characters(), max_size=60) | st.text('"*^:(){}+- \0aNEORT_\ud800.@/%', max_size=60)


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.integers(1, 100))
def test_any_text_finds_at_most_k_each_once_and_the_best_first(index, query, k):
    found = index.search(query, k)
    assert len(ids(found)) == len({*ids(found)}) <= k
    assert found == sorted(found, key=lambda one: (-one.score, one.id))
    assert found == index.search(query, 100)[:k]


@settings(max_examples=50, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_records_of_any_text_are_indexed_and_the_others_still_found(texts):
    exports = {"parameters": {"properties": {text: {"description": text} for text in texts}}, "examples": texts}
    strange = [record(f"t{n}", text, exports=exports) for n, text in enumerate(texts)]
    with Index([*strange, CALCULATOR]) as made:
        assert "tool/calculator" in ids(made.search("calculator", 100))


@pytest.mark.parametrize(
    "exports",
    [
        {"parameters": None},
        {"parameters": [1]},
        {"parameters": {"properties": "x"}},
        {"parameters": {"properties": {"a": 1, "b": {"description": 2}}}},
        {"form": "skill", "limits": {"a": 1}, "examples": 5},
    ],
    ids=str,
)
def test_exports_of_another_shape_are_passed_over(exports):
    shaped = evolve(CALCULATOR, exports=exports, parameters={"body": 1, "files": [2]})
    with Index([shaped]) as made:
        assert ids(made.search("calculator")) == ["tool/calculator"]


# The database


def test_a_closed_index_cannot_be_searched():
    with Index([CALCULATOR]) as made:
        made.search("calculator")
    with pytest.raises(sqlite3.ProgrammingError):
        made.search("calculator")


def test_an_sqlite_without_full_text_search_is_one_clear_error(monkeypatch):
    class Without(sqlite3.Connection):
        def executescript(self, script):
            return super().executescript(script.replace("fts5", "fts9"))

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **options: connect(*args, factory=Without, **options))
    with pytest.raises(StoreError, match="SQLite cannot search texts: no such module") as caught:
        Index([CALCULATOR])
    assert "FTS5" in caught.value.hint


def test_an_index_that_cannot_be_built_is_closed(monkeypatch):
    opened = []
    connect = sqlite3.connect

    def connected(*args, **options):
        opened.append(connect(*args, **options))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", connected)
    with pytest.raises(TypeError):
        Index([evolve(CALCULATOR, description=5)])
    with pytest.raises(sqlite3.ProgrammingError):
        opened[0].execute("SELECT 1")


@pytest.mark.parametrize(("name", "bound"), [("blind", 0.9), ("other_fields", 0.5)])
def test_queries_of_an_author_who_had_not_seen_the_code_are_answered(name, bound):
    """`other_fields` has tools that the vocabulary has no topics for: what the words alone find."""
    lines = [
        json.loads(line) for line in (Path(__file__).parent / f"data/retrieval_{name}.jsonl").read_text().splitlines()
    ]
    queries = [line for line in lines if "query" in line]
    tools = [line for line in lines if "query" not in line]
    assert len(queries) >= 60
    assert len(tools) >= 40
    with Index(record(line["name"].replace("-", "_"), line["description"]) for line in tools) as made:
        hits = [
            len({one.id.removeprefix("tool/") for one in made.search(line["query"])} & {n.replace("-", "_") for n in line["expected"]})
            / len(line["expected"])
            for line in queries
        ]  # fmt: skip
    assert sum(hits) / len(hits) >= bound
