"""Tools: the schema of a function, and what its arguments and results may be."""

import asyncio
import inspect
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Optional, Union

import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from autogenesis_core import Annotations, ConfigurationError, InvalidRecord, Tool, ToolResult, tool
from autogenesis_core.rspl.tool import schema_of
from autogenesis_core.structuring import structure_arguments


@tool(read_only=True, idempotent=True)
def roll(sides: int = 6, labels: list[str] | None = None) -> int:
    """Roll a die
    with many sides.

    Args:
        sides: number of sides
        labels: what is on them, if not numbers
    """
    return sides


def call(cls, **arguments):
    return asyncio.run(cls().call(arguments))


# Description and schema


def test_a_tools_description_and_schema_come_from_signature_and_docstring():
    text, schema = roll.describe()
    assert text == "Roll a die with many sides."
    assert schema == {
        "type": "object",
        "properties": {
            "sides": {"type": "integer", "description": "number of sides", "default": 6},
            "labels": {
                "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}],
                "description": "what is on them, if not numbers",
                "default": None,
            },
        },
        "required": [],
        "additionalProperties": False,
    }


def test_an_argument_without_a_default_is_required():
    @tool
    def add(a: int, b: int = 1) -> int:
        """Add."""
        return a + b

    assert add.describe()[1]["required"] == ["a"]


def test_a_class_with_a_typed_run_is_a_tool_and_its_fields_are_no_arguments():
    @frozen
    class Scale(Tool):
        factor: int = field(default=3)

        def run(self, n: int) -> int:
            """Multiply.

            Args:
                n: a number
            """
            return n * self.factor

    text, schema = Scale.describe()
    assert (text, list(schema["properties"])) == ("Multiply.", ["n"])
    assert asyncio.run(Scale(5).call({"n": 4})) == ToolResult("20", 20)


def fetch(url: str, retries: int = 2, colour: str = "", size: int = 0) -> str:
    """Fetch a page,
    even twice.

    Its text only.

    Args:
        url: where the page is,
            with its scheme: http or
            https

        retries (int, optional): how often to
          try again
        colour:
            any of the CSS colours
        size: a line that should
        have been indented

    Returns:
        the page's text,
        in Markdown

    Raises:
        InputError: the address is
            none of ours
        TimeoutError: too slow

    Limits:
        - at most
          5 MB
        - one host a call

    Text that belongs to no section.

    Examples:
        {"url": "https://a.example"}
            -> A

        {"url": "https://b.example"} -> B
    """
    return url


def test_the_text_of_an_argument_goes_on_over_deeper_lines():
    text, schema = tool(fetch).describe()
    assert text == "Fetch a page, even twice. Its text only."
    assert {name: inner["description"] for name, inner in schema["properties"].items()} == {
        "url": "where the page is, with its scheme: http or https",
        "retries": "how often to try again",
        "colour": "any of the CSS colours",
        "size": "a line that should have been indented",
    }


def test_the_sections_of_a_docstring_are_exported():
    exports = tool(read_only=True)(fetch).exports()
    assert exports.pop("parameters") == tool(fetch).describe()[1]
    assert exports == {
        "annotations": {"read_only": True, "destructive": False, "idempotent": False, "open_world": True},
        "returns": "the page's text, in Markdown",
        "raises": ["InputError: the address is none of ours", "TimeoutError: too slow"],
        "limits": ["at most 5 MB", "one host a call"],
        "examples": ['{"url": "https://a.example"}\n    -> A', '{"url": "https://b.example"} -> B'],
    }


def test_a_section_that_is_not_there_or_empty_is_not_exported():
    def none(a: int) -> int:
        """Do nothing.

        Args:
            a: a number

        Returns:

        Limits:
        """
        return a

    def undocumented():
        pass

    for function in (none, undocumented):
        assert tool(function).exports().keys() == {"parameters", "annotations"}


def test_the_words_of_a_heading_within_a_text_begin_no_section():
    def talk(a: int) -> int:
        """Say what Args: means, and
        Returns: too.

        Args:
            a: Raises: nothing
                Limits:
        """
        return a

    text, schema = tool(talk).describe()
    assert text == "Say what Args: means, and Returns: too."
    assert schema["properties"]["a"]["description"] == "Raises: nothing Limits:"
    assert tool(talk).exports().keys() == {"parameters", "annotations"}


lines = st.text(alphabet="ab :->#\t", max_size=12) | st.sampled_from(["Args:", "Examples:", "Limits:", "    a: b", ""])


@given(st.lists(lines, max_size=12))
def test_any_docstring_describes_a_tool_and_its_text_is_what_stands_before_the_first_section(found):
    def function(a: int = 0) -> int:
        return a

    function.__doc__ = "\n".join(["Do it.", *found])
    text, schema = tool(function).describe()
    before = []
    for line in inspect.cleandoc(function.__doc__).splitlines():
        if line.rstrip(" \t") in ("Args:", "Examples:", "Limits:"):
            break
        before.append(line)
    assert text == " ".join(" ".join(before).split())
    assert list(schema["properties"]) == ["a"]
    told = tool(function).exports()
    assert all(item.strip() for key in ("limits", "examples") for item in told.get(key, ()))


TYPES = [
    (str, {"type": "string"}, ["a", ""], [1, None, ["a"]]),
    (int, {"type": "integer"}, [1, -(10**20)], ["1", 1.5, True, None]),
    (float, {"type": "number"}, [1.5, 2], ["1.5", True, None]),
    (bool, {"type": "boolean"}, [True], [1, "true", None]),
    (list, {"type": "array"}, [[1, "a"]], ["ab", {"a": 1}, 1]),
    (dict, {"type": "object"}, [{"a": [1]}], [[], [["a", 1]], "a", 1]),
    (list[int], {"type": "array", "items": {"type": "integer"}}, [[1], []], [["1"], "1", 1]),
    (Sequence[str], {"type": "array", "items": {"type": "string"}}, [["a"]], ["a", [1]]),
    (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}, [[1, 2, 3]], [["1"]]),
    (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}, [{"a": 1}], [{"a": "1"}, [1]]),
    (Mapping[str, str], {"type": "object", "additionalProperties": {"type": "string"}}, [{"a": "b"}], [{"a": 1}]),
    (Literal["a", "b"], {"enum": ["a", "b"]}, ["a"], ["c", 1]),
    (Literal[1, 2], {"enum": [1, 2]}, [2], [3, "1"]),
    (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}, [1, None], ["1", 1.5]),
    (Optional[str], {"anyOf": [{"type": "string"}, {"type": "null"}]}, ["a", None], [1]),  # noqa: UP045  # the old spelling
    (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}, [1, "a"], [None, 1.5, [1]]),
    (Union[int, float], {"anyOf": [{"type": "integer"}, {"type": "number"}]}, [1, 1.5], ["1"]),  # noqa: UP007  # the old spelling
    (
        str | list[str],
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        ["a", ["a"]],
        [1, [1]],
    ),
    (
        list[dict[str, int | None]],
        {
            "type": "array",
            "items": {"type": "object", "additionalProperties": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
        },
        [[{"a": 1, "b": None}]],
        [[{"a": "1"}]],
    ),
]


@pytest.mark.parametrize(("annotation", "schema", "good", "bad"), TYPES, ids=[str(row[0]) for row in TYPES])
def test_a_supported_type_has_a_schema_and_takes_exactly_what_it_says(annotation, schema, good, bad):
    def function(value):
        """Take a value."""

    function.__annotations__["value"] = annotation
    made = tool(function)
    assert made.describe()[1]["properties"]["value"] == schema
    for value in good:
        found = structure_arguments(made.signature(), {"value": value})["value"]
        assert list(found) == value if isinstance(value, list) else found == value
    for value in bad:
        with pytest.raises(ConfigurationError):
            structure_arguments(made.signature(), {"value": value})


@pytest.mark.parametrize(
    "annotation",
    [
        object,
        bytes,
        set[int],
        Path,
        complex,
        int | Path,
        list[Path],
        dict[str, Path],
        tuple[int, str],
        dict[int, str],
    ],
    ids=str,
)
def test_a_type_without_a_faithful_schema_is_a_type_error(annotation):
    with pytest.raises(TypeError):
        schema_of(annotation)


def no_annotation(value):
    """Take a value."""


def any_number(*values: int):
    """Take values."""


def any_name(**values: int):
    """Take values."""


def by_position(value: int, /):
    """Take a value."""


@pytest.mark.parametrize("function", [no_annotation, any_number, any_name, by_position])
def test_a_signature_that_cannot_be_called_by_name_and_type_is_a_type_error(function):
    with pytest.raises(TypeError):
        tool(function).describe()


def test_the_hints_are_mcps_and_a_tool_that_only_reads_destroys_nothing():
    assert roll.annotations == Annotations(read_only=True, destructive=False, idempotent=True, open_world=True)
    assert Tool.annotations == Annotations(read_only=False, destructive=True, idempotent=False, open_world=True)


# Arguments


def test_all_problems_of_the_arguments_are_reported_at_once():
    def book(name: str, count: int, tags: list[str], when: str = "") -> None:
        """Book."""

    arguments = {"nmae": "x", "count": "2", "tags": ["a", 3], "when": None}
    with pytest.raises(ConfigurationError) as raised:
        structure_arguments(tool(book).signature(), arguments)
    problems = dict(raised.value.problems)
    assert problems.keys() == {"nmae", "name", "count", "tags[1]", "when"}
    assert problems["nmae"] == "unknown; did you mean name?"
    assert problems["name"] == "missing"


def test_defaults_are_left_to_the_function():
    assert structure_arguments(roll.signature(), {}) == {}
    assert call(roll) == ToolResult("6", 6)


# Results


def returns(value):
    def function():
        return value

    return tool(function)


@pytest.mark.parametrize(
    ("value", "text", "data"),
    [
        ("text", "text", None),
        ("", "", None),
        (391, "391", 391),
        (2.5, "2.5", 2.5),
        (True, "true", True),
        (None, "null", None),
        ([1, "ü"], '[1,"ü"]', [1, "ü"]),
        ({"b": 1, "a": None}, '{"a":null,"b":1}', {"b": 1, "a": None}),
    ],
)
def test_a_result_that_is_no_text_is_its_json_and_data(value, text, data):
    assert call(returns(value)) == ToolResult(text, data)


def test_a_result_that_is_one_already_is_given_as_it_is():
    result = ToolResult("no", {"code": 3}, is_error=True)
    assert call(returns(result)) is result


def test_a_result_that_is_no_json_is_an_error():
    with pytest.raises(InvalidRecord, match="no JSON"):
        call(returns({1, 2}))


# Threads


def test_a_blocking_tool_does_not_stop_the_loop():
    @tool
    def sleep() -> str:
        """Sleep."""
        time.sleep(0.2)
        return threading.current_thread().name

    async def main():
        ticks = 0
        task = asyncio.create_task(sleep().call({}))
        while not task.done():
            await asyncio.sleep(0.005)
            ticks += 1
        return ticks, (await task).text

    ticks, thread = asyncio.run(main())
    assert ticks >= 5
    assert thread != threading.main_thread().name


def test_blocking_tools_run_beside_each_other():
    barrier = threading.Barrier(2, timeout=5)

    @tool
    def meet() -> int:
        """Wait for the other."""
        return barrier.wait() * 0

    async def main():
        return await asyncio.gather(meet().call({}), meet().call({}))

    assert asyncio.run(main()) == [ToolResult("0", 0)] * 2


def test_a_tool_that_does_not_block_runs_in_the_loops_thread():
    @tool(blocking=False)
    def where() -> str:
        """Tell."""
        return threading.current_thread().name

    assert call(where).text == threading.current_thread().name


def test_a_coroutine_is_awaited():
    @tool
    async def later() -> str:
        """Wait."""
        await asyncio.sleep(0)
        return "done"

    assert call(later) == ToolResult("done")
