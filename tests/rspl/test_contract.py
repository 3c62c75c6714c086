"""Contracts: what they say of each kind, that they depend on the records alone, and that no record breaks out."""

import asyncio
import importlib.util
import json
import re
from pathlib import Path

import pytest
import yaml
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from autogenesis_core import InputError, Installed, InvalidRecord, Record, Source, parse_prompt, tool
from autogenesis_core.build import build, describe
from autogenesis_core.catalog import Catalog
from autogenesis_core.compose import compose
from autogenesis_core.rspl.contract import LIMIT, contract, estimate_tokens, load, save

INSTALLED = Installed("tests", "x", "h")
TEXT_TOOLS = ("calculator", "convert_base", "count_letters", "sort_words")


@tool(destructive=False, idempotent=True, open_world=False)
def book(room: str, hours: int | None = 1, tags: list[str] | None = None) -> int:
    """Book a room
    for some hours.

    Args:
        room: the room's name,
            as on its door
        hours: how long

    Returns:
        the booking's number
        or 0

    Raises:
        InputError: the room is taken

    Limits:
        - at most 8 hours
        - one booking
          a person

    Examples:
        {"room": "A"} -> 1

        {"room": "B"}
          -> 2
    """
    return len(room)


def record(kind="tool", name="x", description="Does x.", **rest):
    return Record(kind, name, description, INSTALLED, **rest)


def of(cls, name):
    return describe("tool", name, "", cls, "tests", {})


def block(made, id_):
    """The lines of one resource's block."""
    return made.text.partition(f"\n## {id_}\n")[2].partition("\n## ")[0].strip().splitlines()


@pytest.fixture(scope="module")
def shipped():
    catalog = Catalog.read()
    chosen = ["+agent=tool_calling", f"+tool=[{','.join(TEXT_TOOLS)}]", "+memory=session", "+environment=gymnasium"]
    return build(compose(chosen, catalog), catalog, Path.cwd()).resources


# What it says


def test_a_tools_contract_has_arguments_results_errors_limits_examples_and_effects():
    assert contract([of(book, "book")], "Rooms").text == (
        "---\n"
        "name: rooms\n"
        "description: How to use tool/book.\n"
        "---\n"
        "\n"
        "## tool/book\n"
        "\n"
        "Book a room for some hours.\n"
        "\n"
        "Arguments:\n"
        "- room (string, required): the room's name, as on its door\n"
        "- hours (integer or null, default 1): how long\n"
        "- tags (array of string or null, default null)\n"
        "\n"
        "Returns: the booking's number or 0\n"
        "\n"
        "Errors:\n"
        "- InputError: the room is taken\n"
        "\n"
        "Limits:\n"
        "- at most 8 hours\n"
        "- one booking a person\n"
        "\n"
        "Examples:\n"
        "\n"
        '    {"room": "A"} -> 1\n'
        '    {"room": "B"}\n'
        "      -> 2\n"
        "\n"
        "Effects: changes things but destroys nothing, may be repeated, stays in a closed world.\n"
    )


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "integer", "minimum": 2, "maximum": 36}, "integer, required, at least 2, at most 36"),
        ({"type": "string", "maxLength": 5, "pattern": "^a"}, 'string, required, at most 5 characters, matching "^a"'),
        ({"enum": ["a", "b,c"]}, 'one of "a", "b,c", required'),
        ({"const": 3}, "one of 3, required"),
        ({"type": ["integer", "null"]}, "integer or null, required"),
        ({"oneOf": [{"type": "integer"}, {"type": "array", "items": {"type": "number"}}]},
         "integer or array of number, required"),
        ({"anyOf": [{"type": "integer", "exclusiveMinimum": 0}, {"type": "null"}]},
         "integer or null, required, more than 0"),
        ({}, "any, required"),
        (True, "any, required"),
    ],
)  # fmt: skip
def test_an_arguments_type_and_limits_are_in_words(schema, said):
    made = contract([record(exports={"parameters": {"properties": {"a": schema}, "required": ["a"]}})])
    assert f"- a ({said})" in made.text.splitlines()


def test_the_parts_of_an_argument_that_is_an_object_stand_below_it_down_to_four_levels():
    schema = {}
    for name in "edcba":
        schema = {"type": "object", "properties": {name: schema}}
    lines = block(contract([record(exports={"parameters": schema})]), "tool/x")
    shown = ["- a (object, optional)", "  - b (object, optional)", "    - c (object, optional)"]
    assert lines[3:7] == [*shown, "      - d (object, optional)"]
    assert not any("- e" in line for line in lines)


def test_a_hint_that_is_not_there_is_taken_for_the_worse():
    assert block(contract([record()]), "tool/x")[-1] == (
        "Effects: may destroy, may act anew each time, reaches the open world."
    )
    reading = record(exports={"annotations": {"read_only": True, "open_world": False}})
    assert block(contract([reading]), "tool/x")[-1] == (
        "Effects: reads only, may act anew each time, stays in a closed world."
    )


def test_a_skill_shows_what_it_is_for_and_its_files_and_not_its_body():
    skill = record(
        name="pdf",
        exports={
            "form": "skill",
            "skill": {"name": "pdf-forms", "compatibility": "Needs poppler"},
            "parameters": {"properties": {"file": {"type": "string", "description": "what to read"}}},
        },
        parameters={"body": "THE BODY", "files": {"scripts/b.py": {"sha256": "0", "size": 1200}, "a.md": {"size": 7}}},
    )
    assert block(contract([skill]), "tool/pdf") == [
        "Does x.",
        "",
        "Skill: pdf-forms",
        "",
        "Needs: Needs poppler",
        "",
        "Arguments:",
        "- file (string, optional): what to read",
        "",
        "Files:",
        "- a.md (7 bytes)",
        "- scripts/b.py (1,200 bytes)",
    ]


def test_a_prompt_shows_its_inputs_and_which_sections_may_be_trained():
    source = (
        "---\ndescription: Asks.\nsections: {question: {role: user, trainable: false}}\n---\n"
        "## Rules\nBe {{ tone }}.\n## Question\n{{ task }}"
    )
    assert block(contract([parse_prompt(source, "ask", "tests")]), "prompt/ask") == [
        "Asks.",
        "",
        "Inputs: task, tone",
        "",
        "Sections:",
        "- rules: system, trainable",
        "- question: user, fixed",
    ]


def test_a_prompt_that_does_not_parse_is_named():
    with pytest.raises(InvalidRecord, match="prompt/x: "):
        contract([record("prompt", parameters={"a": "{{"})])


@pytest.mark.parametrize("kind", ["agent", "environment", "memory"])
def test_other_kinds_show_their_settings_and_shorten_long_ones(kind):
    parameters = {"weights": list(range(1000)), "steps": 3, "name": "a\nb"}
    made = contract([record(kind, parameters=parameters, trainable={"weights": True})])
    name, steps, weights = block(made, f"{kind}/x")[3:]
    assert (name, steps) == ('- name: "a\\nb"', "- steps: 3")
    assert weights.startswith("- weights: [0,1,2,")
    assert weights.endswith("… (3,891 characters) (trainable)")


def test_an_environment_shows_its_specification():
    spec = {"id": "FrozenLake-v1", "action": {"type": "discrete", "n": 4}}
    lines = block(contract([record("environment", exports={"spec": spec})]), "environment/x")
    assert lines[2:] == ["Specification:", '- action: {"n":4,"type":"discrete"}', '- id: "FrozenLake-v1"']


def test_source_text_is_no_part_of_a_contract():
    made = evolve(record(), implementation=Source("python", "def secret_sauce(): ..."))
    assert "secret_sauce" not in contract([made]).text


def test_the_front_matter_is_that_of_a_skill(shipped):
    made = contract([resource.record for resource in shipped], "Everything, shipped!")
    front = yaml.safe_load(made.text.split("---\n")[1])
    assert front["name"] == made.name == "everything-shipped"
    assert all(id_ in front["description"] for id_ in made.ids)
    many = contract([record(name=f"tool_number_{n}") for n in range(100)] + [record("memory")], "null")
    front = yaml.safe_load(many.text.split("---\n")[1])
    assert front == {"name": "null", "description": "How to use 101 resources: memory (1), tool (100)."}


def test_a_contract_of_nothing_says_so():
    made = contract([], "memory")
    assert made.text == "---\nname: memory\ndescription: No resources.\n---\n"
    assert (made.ids, made.names) == ((), ())


def test_a_title_without_a_letter_and_a_resource_given_twice_are_errors():
    with pytest.raises(InputError, match="is no title"):
        contract([], "¿?")
    with pytest.raises(InputError, match="tool/x is given 2 times"):
        contract([record(), record(description="Another.")])


# Shipped tools


def test_every_example_of_the_shipped_tools_is_true(shipped):
    for resource in shipped:
        if resource.record.kind != "tool":
            continue
        examples = [line for text in resource.record.exports["examples"] for line in text.splitlines()]
        assert examples
        for example in examples:
            arguments, end = json.JSONDecoder().raw_decode(example)
            assert asyncio.run(resource.cls().call(arguments)).text == example[end:].removeprefix(" -> "), example


def test_the_shipped_tools_say_all_that_a_contract_can_say(shipped):
    made = contract(resource.record for resource in shipped if resource.record.kind == "tool")
    assert made.names == TEXT_TOOLS
    for id_ in made.ids:
        starts = [line.partition(":")[0] for line in block(made, id_)]
        assert {"Arguments", "Returns", "Examples", "Effects"} <= set(starts)


def test_the_estimate_of_tokens_is_within_a_fifth_of_a_real_count(shipped, monkeypatch):
    """Measured: 12 % too few (many digits and brackets) to 9 % too many, 7 % too few of all together."""
    tiktoken = pytest.importorskip("tiktoken")
    litellm = importlib.util.find_spec("litellm")
    folder = Path(litellm.origin).parent / "litellm_core_utils/tokenizers" if litellm else Path()
    if not (folder / "9b5ad71b2ce5302211f9c61530b329a4922fc6a4").is_file():
        pytest.skip("cl100k_base is not installed, and a test downloads nothing")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(folder))
    encoding = tiktoken.get_encoding("cl100k_base")
    records = [resource.record for resource in shipped]
    for selection in (records, *([one] for one in records)):
        made = contract(selection)
        assert made.tokens == pytest.approx(len(encoding.encode(made.text)), rel=0.2), made.ids


@given(st.text(), st.text())
def test_the_estimate_grows_with_the_text_and_is_nothing_for_none(first, second):
    assert estimate_tokens("") == 0
    assert estimate_tokens(first) <= estimate_tokens(first + second) <= estimate_tokens(first) + estimate_tokens(second)


# Deterministic and cached


@given(st.permutations(["a", "b", "c"]), st.sampled_from(["tools", "Tools", "tools!"]))
def test_a_contract_depends_on_neither_the_order_of_its_records_nor_who_made_them(names, title):
    made = contract([record(name=name) for name in names], title)
    assert made is contract([record(name=name) for name in "abc"], "tools")
    assert made.ids == ("tool/a", "tool/b", "tool/c")


def test_another_version_of_a_record_is_another_contract():
    made = contract([record(), record(name="y")])
    changed = [record(description="Does more."), record(name="y")]
    assert not made.is_current(changed)
    assert contract(changed).is_current(changed)


# Hostile records

nasty = st.text(
    alphabet=st.sampled_from("#`~-=*+_>|<!/[]():&\\ \t\r\n\x0b\x1e\x85\u2028\u202e\U000e0041\x00\x1ba1.é"), max_size=30
) | st.sampled_from(
    [
        "\n## tool/y\n",
        "```\n## tool/y",
        "- ## a",
        "\x00## tool/y",
        "---",
        "===",
        "<!--",
        "</contract>",
        "1. a",
        "[a]: b",
    ]
)
schemas = st.recursive(
    st.fixed_dictionaries({}, optional={"type": nasty, "description": nasty, "default": nasty, "pattern": nasty}),
    lambda inner: st.dictionaries(nasty, inner, max_size=2).map(lambda found: {"type": "object", "properties": found}),
    max_leaves=4,
)
exports = st.fixed_dictionaries(
    {},
    optional={
        "parameters": schemas,
        "returns": nasty,
        "raises": st.lists(nasty, max_size=2),
        "limits": st.lists(nasty, max_size=2),
        "examples": st.lists(nasty, max_size=2),
        "form": st.just("skill"),
        "skill": st.fixed_dictionaries({}, optional={"name": nasty, "compatibility": nasty}),
        "spec": st.dictionaries(nasty, nasty, max_size=2),
        "sections": st.lists(st.fixed_dictionaries({"id": nasty, "role": nasty}), max_size=2),
    },
)
values = st.dictionaries(nasty, nasty.filter(lambda text: "{" not in text), max_size=2)
records = st.builds(
    lambda kind, name, description, told, given, files: record(
        kind, name, description, exports=told,
        parameters={**given, "files": {path: {"size": 1} for path in files}} if kind == "tool" else given,
    ),
    st.sampled_from(["prompt", "agent", "tool", "environment", "memory"]),
    st.sampled_from("xyz"), nasty, exports, values, st.lists(nasty, max_size=2),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(records, max_size=4, unique_by=lambda made: made.id))
def test_whatever_records_say_their_contract_has_one_heading_for_each_and_none_besides(found):
    text = contract(found).text
    body = text.split("---\n", 2)[2]
    hidden = {}
    tokens = MarkdownIt("commonmark").enable("table").parse(body, hidden)
    headings = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    assert headings == sorted(made.id for made in found)
    assert len(re.findall(r"^## ", text, re.MULTILINE)) == len(found)
    # Nothing that a record says is HTML, a fence, a rule, a table or a link's hidden definition.
    assert {token.type for token in tokens} & {"html_block", "fence", "hr", "table_open", "blockquote_open"} == set()
    assert hidden.get("references", {}) == {}
    # Nor inline HTML, which could close a tag around the contract.
    assert not any(child.type == "html_inline" for token in tokens for child in token.children or ())
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\U000e0041]", text)


@settings(max_examples=200, deadline=None)
@given(st.lists(records, max_size=4, unique_by=lambda made: made.id))
def test_whatever_records_say_their_contract_is_saved_and_read_back(tmp_path_factory, found):
    path = tmp_path_factory.getbasetemp() / "SKILL.md"
    save(contract(found), path)
    assert load(path) == contract(found)
    assert load(path).is_current(found)


@pytest.mark.parametrize(
    "told",
    [
        {"parameters": [1], "annotations": 3, "limits": "a", "examples": [1, {}], "returns": 4, "raises": None},
        {"parameters": {"properties": [1], "required": 3}},
        {"parameters": {"properties": {"a": {"anyOf": 1, "enum": 2, "items": 3, "default": None, "type": {}}}}},
        {"form": "skill", "skill": [], "parameters": None},
    ],
)
def test_exports_of_the_wrong_shape_are_left_out(told):
    assert contract([record(exports=told, parameters={"files": [1]})]).ids == ("tool/x",)


def test_a_name_that_is_empty_is_seen():
    schema = {"properties": {" \x00": {"type": "object", "properties": {"": {"type": "string"}}}}}
    lines = block(contract([record(exports={"parameters": schema})]), "tool/x")
    assert lines[3:5] == ['- "" (object, optional)', '  - "" (string, optional)']


def test_a_schema_of_any_depth_is_shown_in_bounded_work():
    schema = {"type": "integer"}
    for _ in range(150):
        schema = {"anyOf": [schema, {"type": "array", "items": schema}]}
        if len(json.dumps(schema)) > 100_000:
            break
    deep = {"type": "string"}
    for _ in range(150):
        deep = {"type": "array", "items": deep}
    made = contract([record(exports={"parameters": {"properties": {"a": schema, "b": deep}}})])
    assert len(made.text) < 2000


# Saved


def test_a_contract_is_replaced_whole_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "SKILL.md"
    save(contract([record()]), path)
    newer = contract([record(description="Does more.")])
    save(newer, path)
    assert load(path) == newer
    assert list(tmp_path.iterdir()) == [path]


def test_a_contract_with_the_line_ends_of_windows_is_the_same(tmp_path):
    path = tmp_path / "SKILL.md"
    made = contract([record()])
    path.write_bytes(made.text.replace("\n", "\r\n").encode())
    assert load(path) == made


def test_a_contract_that_was_edited_is_read_and_not_current(tmp_path):
    path = tmp_path / "SKILL.md"
    path.write_text(contract([record()]).text.replace("Does x.", "Does anything."), encoding="utf-8")
    assert load(path).ids == ("tool/x",)
    assert not load(path).is_current([record()])


GOOD = "---\nname: a\ndescription: How to use tool/x.\n---\n\n## tool/x\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"no contract",
        GOOD.replace("name: a", "name: A b").encode(),
        GOOD.replace("## tool/x", "## tool/y").encode(),
        (GOOD + "\n## tool/x\n").encode(),
        (GOOD + "\n## toool/x\n").encode(),
        (GOOD + "\n## tool/y\n").encode(),
        GOOD.replace("How to use", "Why not").encode(),
        GOOD.encode() + b" " * LIMIT,
    ],
    ids=lambda data: repr(data[-40:]),
)
def test_a_file_that_holds_no_contract_is_refused(tmp_path, data):
    path = tmp_path / "SKILL.md"
    path.write_bytes(data)
    with pytest.raises(InvalidRecord, match=r"SKILL\.md"):
        load(path)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet="-#name: tol/x\n'", max_size=80).map(str.encode))
def test_any_bytes_are_a_contract_or_an_error_of_ours(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.md"
    path.write_bytes(data)
    with pytest.raises(InvalidRecord):
        load(path)


def test_what_cannot_be_read_or_written_is_an_error_that_names_it(tmp_path):
    made = contract([record()])
    for path in (tmp_path, tmp_path / "no" / "SKILL.md", tmp_path / ("x" * 300)):
        with pytest.raises(InputError, match=re.escape(str(path))):
            load(path)
        with pytest.raises(InputError, match=re.escape(str(path))):
            save(made, path)
    assert list(tmp_path.iterdir()) == []


def test_a_contract_too_large_to_be_read_is_not_written(tmp_path):
    with pytest.raises(InputError, match="at most 4,000,000"):
        save(contract([record(name=name, description="x" * 2_500_000) for name in "ab"]), tmp_path / "SKILL.md")
