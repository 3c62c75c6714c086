"""Prompt templates: Jinja2's immutable sandbox with an allow-list of filters and caps on size and work.

Jinja2's own sandbox lets a template build gigabytes by repetition or padding, so repetition, powers, formatting and
every filter outside the list are refused, loops are bounded, and a rendered text may have 200,000 characters at most.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from autogenesis_core.errors import TemplateError

LIMIT = 200_000
_ITEMS = 10_000
_FILTERS = (
    "capitalize", "default", "escape", "first", "int", "join", "last", "length", "list", "lower", "replace", "reverse",
    "round", "sort", "string", "title", "tojson", "trim", "truncate", "unique", "upper", "wordcount",
)  # fmt: skip
_TESTS = (
    "defined",
    "undefined",
    "none",
    "string",
    "number",
    "mapping",
    "sequence",
    "boolean",
    "eq",
    "ne",
    "in",
)
_NODES = (
    "Template", "Output", "TemplateData", "Name", "Getattr", "Getitem", "Const", "If", "For", "Compare", "Operand",
    "And", "Or", "Not", "Filter", "Test", "CondExpr", "Concat", "List", "Tuple", "Slice", "Keyword",
)  # fmt: skip


def render(source: str, inputs: Mapping[str, Any]) -> str:
    """`source` with its placeholders filled from `inputs` (any values: a caller's own data).

    Raises TemplateError if it does not parse, uses what is not allowed, needs an input that is not there,
    or renders to more than `LIMIT` characters.
    """
    if "{" not in source:
        return source
    from jinja2 import TemplateError as JinjaError

    pieces: list[str] = []
    size = 0
    try:
        for piece in _compiled(source).generate(**{name: _bounded(value) for name, value in inputs.items()}):
            size += len(piece)
            if size > LIMIT:
                raise TemplateError(f"this template renders to more than {LIMIT:,} characters")
            pieces.append(piece)
    except JinjaError as error:
        raise TemplateError(f"this template does not render: {error.message}") from None
    except (
        TypeError,
        ValueError,
        ArithmeticError,
        LookupError,
        AttributeError,
        MemoryError,
        RecursionError,
    ) as error:
        if isinstance(error, TemplateError):
            raise
        raise TemplateError(f"this template does not render: {type(error).__name__}: {error}") from None
    return "".join(pieces)


def inputs_of(source: str) -> frozenset[str]:
    """The names that `source` wants filled; raises TemplateError if it does not parse or uses what is not allowed."""
    from jinja2 import meta

    return frozenset(meta.find_undeclared_variables(_parsed(source)))


@lru_cache(maxsize=1)
def _environment() -> Any:  # jinja2's types would import jinja2 where nothing is rendered
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in _FILTERS}
    environment.filters["replace"] = _replace
    environment.tests = {name: environment.tests[name] for name in _TESTS}
    return environment


def _replace(text: object, old: str, new: str) -> str:
    source = str(text)
    if not old or len(source) + source.count(old) * len(new) > LIMIT:
        raise ValueError(f"a replacement would make more than {LIMIT:,} characters")
    return source.replace(old, new)


def _parsed(source: str) -> Any:
    from jinja2 import TemplateSyntaxError, nodes

    if len(source) > LIMIT:
        raise TemplateError(f"this template has more than {LIMIT:,} characters")
    try:
        tree = _environment().parse(source)
    except TemplateSyntaxError as error:
        raise TemplateError(f"this template does not parse, line {error.lineno}: {error.message}") from None
    except RecursionError:
        raise TemplateError("this template is nested too deeply") from None
    for depth, node in _walk(tree, 0):
        _check(node, depth, nodes)
    return tree


def _walk(node: Any, loops: int) -> Iterator[tuple[int, Any]]:
    stack = [(loops, node)]
    while stack:
        loops, node = stack.pop()
        yield loops, node
        inner = loops + (type(node).__name__ == "For")
        stack.extend((inner, child) for child in node.iter_child_nodes())


def _check(node: Any, loops: int, nodes: Any) -> None:
    name = type(node).__name__
    if name not in _NODES:
        raise TemplateError(f"a template may not use '{name.lower()}', line {node.lineno}")
    if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
        raise TemplateError(f"a template may not use the filter '{node.name}'", f"allowed: {', '.join(_FILTERS)}")
    if isinstance(node, nodes.Test) and node.name not in _TESTS:
        raise TemplateError(f"a template may not use the test '{node.name}'", f"allowed: {', '.join(_TESTS)}")
    if isinstance(node, nodes.For) and (loops > 1 or node.recursive):
        raise TemplateError("a template may nest two loops at most")
    if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        raise TemplateError(f"a template may not read '{node.attr}'")


@lru_cache(maxsize=512)
def _compiled(source: str) -> Any:
    return _environment().from_string(_parsed(source))


def _bounded(value: object) -> object:
    """`value`, refused where a loop over it would be long: a loop's work is bounded before it starts."""
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping | list | tuple):
        value = list(value)
    if isinstance(value, list | tuple | Mapping) and len(value) > _ITEMS:
        raise TemplateError(f"a template's input has more than {_ITEMS:,} items")
    return value
