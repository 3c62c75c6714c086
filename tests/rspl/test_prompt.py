"""Prompt files: front matter, sections, what a section's value may hold, and rendering."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogenesis_core import Installed, InvalidRecord, Prompt, TemplateError
from autogenesis_core.rspl.prompt import check_prompt, parse_prompt, to_markdown

FILE = """---
name: solver
description: Solves tasks
sections:
  rules: {role: developer}
  task: {role: user, trainable: false}
---
You solve tasks.

## Rules
- Be brief.

### Details
None.

## Task ##

{{ task }}
"""


def parsed(text, name="x"):
    return parse_prompt(text, name, "d")


def values(text):
    return dict(parsed(text).parameters)


# Files


def test_a_file_is_front_matter_a_preamble_and_sections():
    record = parsed(FILE, "file")
    assert (record.kind, record.name, record.description) == ("prompt", "solver", "Solves tasks")
    assert Installed("d", "prompt/file", "prompt-file/1") == record.implementation
    expected = {
        "preamble": "You solve tasks.",
        "rules": "- Be brief.\n\n### Details\nNone.",
        "task": "{{ task }}",
    }
    assert expected == record.parameters
    assert record.trainable == {"preamble": True, "rules": True, "task": False}
    assert record.exports["sections"] == [
        {"id": "preamble", "title": "", "role": "system"},
        {"id": "rules", "title": "Rules", "role": "developer"},
        {"id": "task", "title": "Task", "role": "user"},
    ]


def test_a_file_without_front_matter_is_named_after_the_file_and_all_trainable():
    record = parsed("## Rules\nBe brief.", "style")
    assert (record.name, record.description, record.trainable) == ("style", "", {"rules": True})


def test_text_without_a_heading_is_the_preamble():
    assert values("\nBe brief.\nBe kind.\n\n") == {"preamble": "Be brief.\nBe kind."}


def test_a_file_with_windows_line_ends_is_the_same_file():
    assert parsed(FILE).digest == parsed(FILE.replace("\n", "\r\n")).digest


@pytest.mark.parametrize(
    ("heading", "slug"),
    [
        ("## Rules", "rules"),
        ("##\tRules", "rules"),
        ("   ## Rules", "rules"),
        ("## Rules ##", "rules"),
        ("## How to use the Tools!", "how_to_use_the_tools"),
        ("## 1. First", "1_first"),
        ("## `code` & *more*", "code_more"),
        ("## C#", "c"),
    ],
)
def test_a_sections_id_is_its_headings_slug(heading, slug):
    assert {slug: "text"} == values(f"{heading}\ntext")


@pytest.mark.parametrize(
    "line",
    ["### Deeper", "#### Deepest", "##Rules", "#hashtag", "    ## code", "\\## no", "###", "######", "> ## quoted"],
)
def test_what_is_no_heading_of_level_1_or_2_is_text(line):
    assert {"rules": f"before\n{line}\nafter"} == values(f"## Rules\nbefore\n{line}\nafter")


@pytest.mark.parametrize(
    "fenced",
    [
        "```\n## Not\n```",
        "~~~\n## Not\n~~~",
        "````\n```\n## Not\n```\n````",
        "```python\n## Not\n```",
        "```\n~~~\n## Not\n```",
        "   ```\n## Not\n   ```",
        "```\n## Not\n``` no end\n## Not either\n`````",
        "~~~ a `b`\n## Not\n~~~",
    ],
)
def test_a_heading_in_a_code_fence_is_text(fenced):
    assert {"rules": fenced, "next": "x"} == values(f"## Rules\n{fenced}\n## Next\nx")


@pytest.mark.parametrize("line", ["``` is a fence", "```x``` is code", "Use ```x``` or\n```y``` instead"])
def test_code_within_a_line_is_no_fence(line):
    """CommonMark: the line that opens a fence of backticks has no further backtick."""
    if line == "``` is a fence":
        with pytest.raises(InvalidRecord, match="fence open"):
            parsed(f"## Rules\n{line}")
    else:
        assert {"rules": line, "next": "x"} == values(f"## Rules\n{line}\n## Next\nx")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# Title\ntext", "'Title' begins no new section"),
        ("## Rules\na\n## Rules\nb", "'Rules' begins no new section"),
        ("## Rules\na\n## rules!\nb", "'rules!' begins no new section"),
        ("text\n## Preamble\nb", "'Preamble' begins no new section"),
        ("##\ntext", "begins no new section"),
        ("## !!!\ntext", "'!!!' begins no new section"),
        ("## Rules\n```\nnever closed", "fence open"),
        ("## Rules\n{{ unclosed", "does not parse"),
        ("## Rules\n{% include 'x' %}", "may not use 'include'"),
        ("---\nname: x\n", "front matter"),
        ("---\n[1\n---\ntext", "no YAML"),
        ("---\n- a\n---\ntext", "no mapping"),
        ("---\nnmae: x\n---\ntext", "unknown key 'nmae'"),
        ("---\nname: Not A Name\n---\ntext", "no name for a resource"),
        ("---\nsections: [rules]\n---\n## Rules\n", "maps a section"),
        ("---\nsections: {rules: user}\n---\n## Rules\n", "maps a section"),
        ("---\nsections: {rule: {role: user}}\n---\n## Rules\n", "marks 'rule', which is no section"),
        ("---\nsections: {rules: {role: boss}}\n---\n## Rules\n", "system, developer, user"),
        ("---\nsections: {rules: {rule: user}}\n---\n## Rules\n", "a mark is"),
        ("---\nsections: {rules: {trainable: maybe}}\n---\n## Rules\n", "true or false"),
        ("---\nsections: {rules: {trainable: 1}}\n---\n## Rules\n", "true or false"),
    ],
)
def test_a_file_that_is_no_prompt_says_what_is_wrong(text, said):
    with pytest.raises(InvalidRecord, match=said) as raised:
        parsed(text, "style9")
    assert "style9" in str(raised.value)


LINES = st.sampled_from(
    ["", "a", "- list", "### deeper", "```", "~~~", "## in a fence?", "{{ task }}", "text {% raw %}{{ x }}{% endraw %}",
     "---", "# one", "    ## code", "\t", "  indented", "a\u2028b", "`x`", "é"]
)  # fmt: skip
TITLES = st.text("abcdefgh XYZ!-_", min_size=1, max_size=10)


@settings(max_examples=100, deadline=None)
@given(st.lists(LINES, max_size=6), st.lists(st.tuples(TITLES, st.lists(LINES, max_size=6)), max_size=4))
def test_a_prompt_reads_back_from_its_own_markdown(preamble, sections):
    text = "\n".join([*preamble, *(line for title, lines in sections for line in (f"## {title}", *lines))])
    try:
        record = parsed(text)
    except InvalidRecord:
        return
    again = parsed(to_markdown(record))
    assert (record.parameters, record.exports["sections"]) == (again.parameters, again.exports["sections"])
    assert to_markdown(record) == to_markdown(again)


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("a#`~{}%- \n\r\t\v\u2028"), max_size=40))
def test_any_text_is_a_prompt_or_an_invalid_record(text):
    try:
        record = parsed(text)
    except InvalidRecord:
        return
    again = parsed(to_markdown(record))
    assert record.parameters == again.parameters


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("a#`~ \n\r-"), max_size=30))
def test_a_value_that_a_section_may_take_leaves_every_other_section_as_it_was(value):
    """What an optimizer writes is data: it cannot make a section, nor swallow one."""
    record = parsed("Before.\n## Rules\nold\n## Task\n{{ task }}")
    made = record.with_values({"rules": value})
    try:
        check_prompt(made, record)
    except InvalidRecord:
        return
    again = parsed(to_markdown(made))
    assert list(again.parameters) == ["preamble", "rules", "task"]
    assert (again.parameters["preamble"], again.parameters["task"]) == ("Before.", "{{ task }}")


def test_roles_and_texts_of_a_file_survive_to_markdown():
    record = parsed(FILE)
    assert FILE.partition("---\nYou")[2].replace(" ##\n\n", "\n") == to_markdown(record).partition("You")[2]


# What a section's value may be


BEFORE = parsed("## Rules\nUse {{ tools }} for {{ task }}.\n## Task\n{{ task }}")


@pytest.mark.parametrize(
    "value",
    [
        "Think first.",
        "",
        "Use {{ tools }}.",
        "{{ task }} and {{ tools }}",
        "### Steps\n1. read\n#### Why\n2. think",
        "```\n# a comment\n## another\n```",
        "A set {1, 2} and a % sign",
    ],
)
def test_a_value_that_is_data_is_valid(value):
    check_prompt(BEFORE.with_values({"rules": value}), BEFORE)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("# Title", "level 1 or 2"),
        ("text\n## New section\ntext", "level 1 or 2"),
        ("   ## indented", "level 1 or 2"),
        ("text\r## after a return", "level 1 or 2"),
        ("```\ncode", "fence open"),
        ("{{ secret }}", "input secret"),
        ("{{ task }} {{ task }} {{ task }}", "template tag"),
        ("{# a comment #}{{ task }}{{ tools }}", "template tag"),
        ("{% if task %}hidden{% endif %}", "template tag"),
        ("{{ task", "does not parse"),
        ("{{ task.__class__ }}", "may not read"),
        (3, "is text, not int"),
        (None, "is text, not NoneType"),
    ],
)
def test_a_value_that_is_more_than_data_is_refused(value, said):
    with pytest.raises(InvalidRecord, match=said) as raised:
        check_prompt(BEFORE.with_values({"rules": value}), BEFORE)
    assert "prompt/x#rules" in str(raised.value)


# Rendering


def test_sections_render_to_messages_and_neighbours_of_one_role_are_one():
    text = "You solve.\n## Rules\nBe brief.\n## Task\n{{ task }}\n## More\nNow."
    marks = "---\nsections: {task: {role: user}, more: {role: user}}\n---\n"
    assert Prompt(parsed(marks + text)).render(task="2+2") == [
        {"role": "system", "content": "You solve.\n\n## Rules\nBe brief."},
        {"role": "user", "content": "## Task\n2+2\n\n## More\nNow."},
    ]


def test_a_section_that_renders_to_nothing_is_left_out():
    record = parsed("Hello.\n## Memory\n{{ memory }}\n")
    assert Prompt(record).render(memory=" \n") == [{"role": "system", "content": "Hello."}]


def test_an_inputs_text_is_never_a_template():
    record = parsed("{{ task }}")
    for task in ("{{ 7*7 }}", "{% if", "{# x #}", "## Rules\n, = : ' \" { } ${"):
        assert [{"role": "system", "content": task}] == Prompt(record).render(task=task)


def test_a_missing_input_is_an_error_that_names_it():
    with pytest.raises(TemplateError, match="'task' is undefined"):
        Prompt(parsed("{{ task }}")).render(tsak="x")
