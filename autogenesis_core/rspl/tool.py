"""Tools: typed functions, or classes with a typed `run`, described by a JSON schema made from their signature."""

import inspect
import re
import textwrap
import types
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints, overload

from attrs import asdict, frozen

from autogenesis_core.errors import InputError
from autogenesis_core.identity import JSON, canonical

if TYPE_CHECKING:
    from autogenesis_core.rspl.library import Library

_JSON_TYPES: dict[object, dict[str, JSON]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    dict: {"type": "object"},
    list: {"type": "array"},
}
_SECTION = re.compile(r"(Arg(?:ument)?s|Returns|Raises|Limits|Examples?):[ \t]*")
_SPELLINGS = {"Arguments": "Args", "Example": "Examples"}


@frozen
class Annotations:
    """MCP's four hints on what a tool does to the world."""

    read_only: bool = False
    destructive: bool = True
    idempotent: bool = False
    open_world: bool = True


@frozen
class ToolContext:
    """What a tool may use besides its arguments.

    A parameter of `run` that is annotated with it is given one; no model sees that parameter.
    """

    _library: "Library | None" = None

    @property
    def library(self) -> "Library":
        """The resources of the running system and its store; raises InputError where no system runs."""
        if self._library is None:
            raise InputError("this tool needs a running system", "Runtime.compose(…) is one")
        return self._library


@frozen
class ToolResult:
    """What a tool call gave: text for the model, data for programs, and whether it is an error."""

    text: str
    data: JSON = None
    is_error: bool = False

    @classmethod
    def of(cls, value: object) -> "ToolResult":
        """The result that a plain return value means."""
        if isinstance(value, ToolResult):
            return value
        return cls(value if isinstance(value, str) else canonical(value), None if isinstance(value, str) else value)  # type: ignore[arg-type]  # canonical() has just proved that it is JSON


class Tool:
    """Something that a model may call. A subclass is an attrs class with a typed, documented `run`.

    `blocking = False` says that `run`, if it is no coroutine, returns at once and needs no thread.
    """

    annotations: ClassVar[Annotations] = Annotations()
    blocking: ClassVar[bool] = True
    run: Callable[..., Any]  # each tool has arguments of its own

    @classmethod
    def signature(cls) -> inspect.Signature:
        """The signature of `run`, its annotations evaluated, without `self`."""
        return _signature(cls.run, bound=True)

    @classmethod
    def describe(cls) -> tuple[str, dict[str, JSON]]:
        """The tool's description and the JSON schema of its arguments, from the signature and docstring of `run`."""
        return describe(cls.run, cls.signature())

    @classmethod
    def exports(cls) -> dict[str, JSON]:
        """What a record tells a model of the tool: `parameters`, the arguments' JSON schema; `annotations`, its hints.

        And what the docstring of `run` has of these: `returns`, a text; `raises`, `limits` and `examples`, lists of
        texts.
        """
        told: dict[str, JSON] = {"parameters": cls.describe()[1], "annotations": asdict(cls.annotations)}
        found = sections_of(inspect.getdoc(cls.run) or "")
        if returned := " ".join(found.get("Returns", "").split()):
            told["returns"] = returned
        for section in ("Raises", "Limits"):
            if items := _items(found.get(section, "")):
                told[section.lower()] = [*items]
        if examples := [example.rstrip() for example in re.split(r"\n\s*\n", found.get("Examples", "")) if example]:
            told["examples"] = [*examples]
        return told

    async def call(self, arguments: Mapping[str, Any], context: ToolContext | None = None) -> ToolResult:
        """The result of `run` on arguments that are already of the right types."""
        if name := _context_name(type(self).run):
            arguments = {**arguments, name: context or ToolContext()}
        if inspect.iscoroutinefunction(self.run):
            return ToolResult.of(await self.run(**arguments))
        if self.blocking:
            import asyncio  # 25 ms, which those who only look at a registry need not wait

            return ToolResult.of(await asyncio.to_thread(self.run, **arguments))
        return ToolResult.of(self.run(**arguments))


@overload
def tool(function: Callable[..., Any]) -> type[Tool]: ...
@overload
def tool(
    *,
    read_only: bool = ...,
    destructive: bool = ...,
    idempotent: bool = ...,
    open_world: bool = ...,
    blocking: bool = ...,
) -> Callable[[Callable[..., Any]], type[Tool]]: ...
def tool(
    function: Callable[..., Any] | None = None,
    *,
    read_only: bool = False,
    destructive: bool = True,
    idempotent: bool = False,
    open_world: bool = True,
    blocking: bool = True,
) -> type[Tool] | Callable[[Callable[..., Any]], type[Tool]]:
    """Makes a tool of a typed function with a docstring; the four hints are MCP's, `blocking` is `Tool.blocking`.

    ::

        @tool(read_only=True)
        def roll(sides: int = 6, seed: int = 0) -> int:
            \"\"\"Roll a die.

            Args:
                sides: number of sides
                seed: the same seed rolls the same
            \"\"\"
    """
    hints = Annotations(read_only, destructive and not read_only, idempotent, open_world)

    def decorate(function: Callable[..., Any]) -> type[Tool]:
        body = {
            "run": staticmethod(function),
            "signature": classmethod(lambda _: _signature(function, bound=False)),
            "annotations": hints,
            "blocking": blocking,
            "__doc__": function.__doc__,
            "__module__": function.__module__,
        }
        return frozen(type(function.__name__, (Tool,), body))

    return decorate if function is None else decorate(function)


def describe(function: Callable[..., Any], signature: inspect.Signature) -> tuple[str, dict[str, JSON]]:
    """The description and argument schema of a function; argument texts come from the docstring's `Args:`."""
    sections = sections_of(inspect.getdoc(function) or "")
    texts = _argument_texts(sections.get("Args", ""))
    properties: dict[str, JSON] = {}
    for name, parameter in signature.parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"'{name}' cannot be given by name; a tool's arguments are plain ones")
        schema = dict(schema_of(parameter.annotation))
        if texts.get(name):
            schema["description"] = texts[name]
        if parameter.default is not parameter.empty:
            schema["default"] = parameter.default
        properties[name] = schema
    required: list[JSON] = [name for name, p in signature.parameters.items() if p.default is p.empty]
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return " ".join(sections[""].split()), schema


def sections_of(doc: str) -> dict[str, str]:
    """The sections of a docstring in Google's style, dedented; under `""` what stands before the first.

    A section is `Args`, `Returns`, `Raises`, `Limits` or `Examples`, alone on its line with a colon, and the indented
    lines below it. Text that is indented no more after a section belongs to none.
    """
    found: dict[str, list[str]] = {"": []}
    section = found[""]
    for line in doc.splitlines():
        if heading := _SECTION.fullmatch(line):
            section = found.setdefault(_SPELLINGS.get(heading[1], heading[1]), [])
        elif section is not found[""] and line[:1].strip():
            section = []
        else:
            section.append(line)
    return {name: textwrap.dedent("\n".join(lines)).strip("\n") for name, lines in found.items()}


def _items(text: str) -> list[str]:
    """The items of a section, one a line; lines that are indented further continue one."""
    items: list[str] = []
    for line in text.splitlines():
        if line[:1].strip() or not items:
            items.append(line)
        else:
            items[-1] += f" {line}"
    return [" ".join(item.split()).removeprefix("- ") for item in items if item.strip()]


def _argument_texts(text: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    last = ""
    for item in _items(text):
        if argument := re.fullmatch(r"(\w+)(?: \([^)]*\))?:(?: (.*))?", item):
            last = argument[1]
            texts[last] = argument[2] or ""
        elif last:  # a line that should have been indented
            texts[last] = f"{texts[last]} {item}".strip()
    return texts


def schema_of(annotation: Any) -> Mapping[str, JSON]:
    """The JSON schema of a Python type: scalars, lists, mappings, literals and unions of them."""
    if annotation is Any:  # what JSON is at run time
        return {}
    if annotation in _JSON_TYPES:
        return _JSON_TYPES[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [schema_of(argument) for argument in arguments]}
    if origin in (list, Sequence) or (origin is tuple and arguments[1:] == (...,)):
        return {"type": "array", "items": schema_of(arguments[0])}
    if origin in (dict, Mapping) and arguments[0] is str:
        return {"type": "object", "additionalProperties": schema_of(arguments[1])}
    if annotation is inspect.Parameter.empty:
        raise TypeError("every argument of a tool needs a type")
    raise TypeError(
        f"{annotation} has no JSON schema; use str, int, float, bool, list, dict, Literal or a union of them"
    )


@cache
def _signature(function: Callable[..., Any], *, bound: bool) -> inspect.Signature:
    hints = get_type_hints(function)
    parameters = list(inspect.signature(function).parameters.values())[1 if bound else 0 :]
    given = [p for p in parameters if hints.get(p.name) is not ToolContext]
    return inspect.Signature([p.replace(annotation=hints.get(p.name, p.empty)) for p in given])


@cache
def _context_name(function: Callable[..., Any]) -> str:
    """The parameter that takes a `ToolContext`, or nothing."""
    return next((name for name, hint in get_type_hints(function).items() if hint is ToolContext), "")
