"""Tool calls of a model: whatever is wrong with one is an answer to the model, not an exception."""

import asyncio
import json

import pytest

from autogenesis_core import (
    ConfigurationError,
    InputError,
    Installed,
    PluginError,
    Record,
    Toolbox,
    ToolCall,
    ToolResult,
    hookimpl,
    tool,
)
from autogenesis_core.build import describe
from autogenesis_core.hooks import Hooks
from autogenesis_core.rspl.toolbox import ToolSet, ToolUse
from autogenesis_core.services.tracing import Tracer

CALLED = []


@tool(read_only=True)
def divide(a: float, b: float = 1.0) -> float:
    """Divide a by b.

    Args:
        a: dividend
        b: divisor
    """
    CALLED.append((a, b))
    return a / b


@tool
def strange() -> object:
    """Give what is no JSON."""
    return {1, 2}


@tool
def picky(word: str) -> str:
    """Refuse."""
    raise InputError(f"'{word}' is no word", "say another")


TOOLS = {"divide": divide, "strange": strange, "picky": picky}


def toolbox(authorize=None, tracer=None):
    records = {name: describe("tool", name, "", cls, "d", {}) for name, cls in TOOLS.items()}
    made = ToolSet(records, {name: cls() for name, cls in TOOLS.items()})
    return Toolbox(made, authorize, tracer or Tracer())


def call(name, arguments, **options):
    return asyncio.run(toolbox(**options).call(ToolCall("call-1", name, arguments)))


def test_tools_are_offered_in_the_shape_of_function_calling():
    first = toolbox().schemas[0]
    text, parameters = divide.describe()
    told = f"{text}\n\nEffects: reads only, may act anew each time, reaches the open world."
    assert first == {
        "type": "function",
        "function": {"name": "divide", "description": told, "parameters": parameters},
    }
    assert toolbox().names == ("divide", "strange", "picky")
    json.dumps(toolbox().schemas)


def test_a_call_gives_the_tools_result():
    assert call("divide", '{"a": 8, "b": 2}') == ToolResult("4.0", 4.0)
    assert call("divide", '{"a": 8}') == ToolResult("8.0", 8.0)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("divde", "{}", "there is no tool 'divde'; there are: divide, strange, picky"),
        ("divide", "{", "the arguments are no JSON"),
        ("divide", "[" * 100_000, "the arguments are no JSON"),
        ("divide", "[1, 2]", "must be a JSON object"),
        ("divide", "null", "must be a JSON object"),
        ("divide", "", "a  missing"),
        ("divide", "{}", "a  missing"),
        ("divide", '{"a": "8"}', "'8' is no number"),
        ("divide", '{"a": 1, "c": 2}', "c  unknown"),
        ("divide", '{"a": 1, "b": 0}', "divide failed: ZeroDivisionError: float division by zero"),
        ("picky", '{"word": "x"}', "'x' is no word\n  say another"),
        ("strange", "{}", "no JSON"),
    ],
)
def test_what_is_wrong_with_a_call_is_an_answer_that_says_so(name, arguments, said):
    result = call(name, arguments)
    assert result.is_error
    assert said in result.text


def test_all_wrong_arguments_are_said_in_one_answer():
    text = call("divide", '{"b": "x", "c": 1}').text
    for said in ("a  missing", "b  'x' is no number", "c  unknown"):
        assert said in text


@pytest.mark.parametrize("arguments", ['{"a": NaN}', '{"a": Infinity}', '{"a": 1, "a": 2}'])
def test_json_that_only_python_takes_does_no_harm(arguments):
    assert isinstance(call("divide", arguments).text, str)


def test_a_program_gets_the_exception_itself():
    with pytest.raises(ConfigurationError):
        asyncio.run(toolbox().run("divide", {"a": "8"}))
    with pytest.raises(ZeroDivisionError):
        asyncio.run(toolbox().run("divide", {"a": 1, "b": 0}))


def test_the_tools_that_were_called_are_counted_in_order_with_those_that_failed():
    box = toolbox()
    for name in ("divide", "nothing", "picky"):
        asyncio.run(box.call(ToolCall("1", name, '{"a": 1}')))
    assert box.used == ["divide", "nothing", "picky"]


# Permission


def answering(answer, asked=None):
    async def authorize(use):
        if asked is not None:
            asked.append(use)
        return answer

    return authorize


@pytest.mark.parametrize("answer", ["allow", None])
def test_a_call_that_is_allowed_or_that_nobody_judges_is_made(answer):
    assert call("divide", '{"a": 8, "b": 2}', authorize=answering(answer)) == ToolResult("4.0", 4.0)


@pytest.mark.parametrize("answer", ["deny", "ask", "Allow", True, ""])
def test_any_other_answer_prevents_the_call_and_the_model_is_told(answer):
    CALLED.clear()
    result = call("divide", '{"a": 8, "b": 2}', authorize=answering(answer))
    assert result.is_error
    assert "divide is not allowed here" in result.text
    assert CALLED == []


def test_who_authorizes_sees_tool_arguments_and_hints_of_a_call_that_is_well_formed():
    asked = []
    call("divide", '{"a": 8}', authorize=answering("allow", asked))
    call("divide", '{"a": "8"}', authorize=answering("allow", asked))
    hints = {"read_only": True, "destructive": False, "idempotent": False, "open_world": True}
    assert asked == [ToolUse("divide", {"a": 8}, hints)]


def test_a_failing_authorize_hook_ends_the_run_with_its_plugin_named():
    """Only observers' errors are caught; a guard that breaks is no answer to the model."""

    class Guard:
        @hookimpl
        async def rspl_authorize(self, use):
            raise ValueError("no rules")

    hooks = Hooks()
    hooks.register(Guard(), "gate guard")
    with pytest.raises(PluginError, match="gate guard failed in rspl_authorize: ValueError: no rules"):
        call("divide", '{"a": 8}', authorize=hooks.authorize)


# Traces


def test_a_call_is_traced_with_its_arguments_and_result(tmp_path):
    tracer = Tracer(tmp_path / "traces.jsonl")
    call("divide", '{"a": 8, "b": 2}', tracer=tracer)
    call("divide", '{"a": 1, "b": 0}', tracer=tracer)
    tracer.close()
    lines = [json.loads(line) for line in (tmp_path / "traces.jsonl").read_text().splitlines()]
    bodies = {line["digest"]: line["value"] for line in lines if line["type"] == "body"}
    spans = [line for line in lines if line["type"] == "tool"]
    assert [(span["tool"], bodies[span["arguments"]], bodies[span["result"]], span["is_error"]) for span in spans] == [
        ("divide", '{"a": 8, "b": 2}', "4.0", False),
        ("divide", '{"a": 1, "b": 0}', "divide failed: ZeroDivisionError: float division by zero", True),
    ]


def test_a_cancelled_call_is_cancelled_and_no_answer():
    @tool
    async def forever() -> None:
        """Wait."""
        await asyncio.Event().wait()

    record = Record("tool", "forever", "", Installed("d", "tool/forever", "h"))
    box = Toolbox(ToolSet({"forever": record}, {"forever": forever()}))

    async def main():
        await asyncio.wait_for(box.call(ToolCall("1", "forever", "{}")), 0.02)

    with pytest.raises(TimeoutError):
        asyncio.run(main())
