"""Prompt templates: Jinja2's immutable sandbox, cut down to what prompts need, with caps on size and work.

Jinja2's own sandbox lets a template build gigabytes by repetition or padding. So only the nodes, filters and tests
named here are allowed, no filter makes much more than it is given, and every loop and filter is charged to a budget
of work. A rendered text may have 200,000 characters at most.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from autogenesis_core.errors import TemplateError

LIMIT = 200_000  # characters of a template and of its text
_WORK = 500_000  # characters and items that loops and filters of one rendering may touch
_NODES_AT_MOST = 500
_IN_TAGS = 40_000  # characters of a template within its tags
_TAG = re.compile(r"\{\{|\{%|\}\}|%\}")
_DEPTH = 25
_TESTS = ("defined", "undefined", "none", "string", "number", "mapping", "sequence", "boolean", "eq", "ne", "in")
_NODES = (
    "Template", "Output", "TemplateData", "Name", "Getattr", "Getitem", "Const", "If", "For", "Compare", "Operand",
    "And", "Or", "Not", "Filter", "Test", "CondExpr",
)  # fmt: skip
_PLACEHOLDER = re.compile(r"\{\{ *([A-Za-z_][A-Za-z0-9_]*) *\}\}")
_RESERVED = frozenset(  # what jinja2 reads otherwise than as a name
    ("and", "false", "False", "if", "else", "in", "is", "none", "None", "not", "or", "self", "true", "True")
)
_left: ContextVar[list[int]] = ContextVar("_left")


def render(source: str, inputs: Mapping[str, Any]) -> str:
    """`source` with its placeholders filled from `inputs` (any values: a caller's own data).

    Raises TemplateError if it does not parse, uses what is not allowed, needs an input that is not there,
    takes too much work, or renders to more than `LIMIT` characters.
    """
    if len(source) > LIMIT:
        raise TemplateError(f"this template has more than {LIMIT:,} characters")
    if "{" not in source:
        return source
    if names := _placeholders(source):
        return _filled(source, names, inputs)
    token = _left.set([_WORK])
    try:
        return _joined(_compiled(source).generate(**inputs))
    except TemplateError:
        raise
    except Exception as error:  # noqa: BLE001  # inputs are a caller's own objects, which may raise anything
        raise TemplateError(f"this template does not render: {getattr(error, 'message', None) or error}") from None
    finally:
        _left.reset(token)


@lru_cache(maxsize=512)
def _placeholders(source: str) -> frozenset[str]:
    """The inputs of a template that has nothing but `{{ name }}`, which needs no jinja2; else none."""
    rest, count = _PLACEHOLDER.subn("", source)
    odd = any(mark in rest for mark in ("{{", "}}", "{%", "{#", "\r", "\0"))
    if not count or odd or "{{{" in source or "}}}" in source:
        return frozenset()
    names = frozenset(_PLACEHOLDER.findall(source))
    return frozenset() if names & _RESERVED else names


def _filled(source: str, names: Iterable[str], inputs: Mapping[str, Any]) -> str:
    for name in names:
        if name not in inputs:
            raise TemplateError(f"this template does not render: '{name}' is undefined")
    parts = _PLACEHOLDER.split(source)
    try:
        parts[1::2] = [str(inputs[name]) for name in parts[1::2]]
    except Exception as error:  # noqa: BLE001  # inputs are a caller's own objects, which may raise anything
        raise TemplateError(f"this template does not render: {error}") from None
    return _joined(parts)


def inputs_of(source: str) -> frozenset[str]:
    """The names that `source` wants filled; raises TemplateError if it does not parse or uses what is not allowed."""
    if len(source) > LIMIT:
        raise TemplateError(f"this template has more than {LIMIT:,} characters")
    if "{" not in source:
        return frozenset()
    from jinja2 import meta

    _compiled(source)
    return frozenset(meta.find_undeclared_variables(_parsed(source)))


def _joined(pieces: Iterable[str]) -> str:
    found: list[str] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > LIMIT:
            raise TemplateError(f"this template renders to more than {LIMIT:,} characters")
        found.append(piece)
    return "".join(found)


@lru_cache(maxsize=1)
def _environment() -> Any:  # jinja2's types would import jinja2 where nothing is rendered
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # Folding constants would run filters while a template is compiled, outside the budget.
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True, optimized=False
    )
    environment.globals.clear()
    environment.filters = {**_filters(), "_each": _each}
    environment.tests = {name: environment.tests[name] for name in _TESTS}
    return environment


def _filters() -> dict[str, Callable[..., Any]]:
    from jinja2.filters import do_default

    texts: dict[str, Callable[..., Any]] = {
        "capitalize": str.capitalize,
        "lower": str.lower,
        "string": str,
        "trim": str.strip,
        "upper": str.upper,
    }
    charged = {name: _on_text(function) for name, function in texts.items()}
    return {
        **charged, "default": do_default, "first": _first, "join": _join, "last": _last, "length": len,
        "replace": _replace, "tojson": _tojson,
    }  # fmt: skip


def _spend(amount: int) -> None:
    left = _left.get()
    left[0] -= amount + 1
    if left[0] < 0:
        raise TemplateError("this template takes too much work")


def _text(value: object) -> str:
    """A scalar as text: to write out a collection could take any amount of work."""
    if not isinstance(value, str | int | float | bool) and value is not None:
        raise TypeError(f"{type(value).__name__} is no text")
    text = str(value)
    _spend(len(text))
    return text


def _on_text(function: Callable[[str], str]) -> Callable[[object], str]:
    return lambda value: function(_text(value))


def _each(value: Iterable[Any]) -> Iterator[Any]:
    """The items of a loop, each charged."""
    for item in value:
        _spend(1)
        yield item


def _first(value: Iterable[Any]) -> Any:  # an item of any type
    return next(_each(value))


def _last(value: Any) -> Any:  # an item of any type
    return value[-1]


def _join(value: Iterable[Any], separator: str = "") -> str:
    """Every separator and item is charged before the text is made."""
    between = str(separator)
    parts = []
    for item in _each(value):
        _spend(len(between))
        parts.append(_text(item))
    return between.join(parts)


def _replace(value: object, old: str, new: str) -> str:
    text = _text(value)
    if not old:
        raise ValueError("nothing cannot be replaced")
    _spend(text.count(old) * len(new))
    return text.replace(old, new)


def _tojson(value: object) -> str:
    pieces = []
    for piece in json.JSONEncoder(ensure_ascii=False, sort_keys=True).iterencode(value):
        _spend(len(piece))
        pieces.append(piece)
    return "".join(pieces)


def _parsed(source: str) -> Any:  # a tree of jinja2's nodes
    from jinja2 import TemplateSyntaxError, nodes

    if _size_of_tags(source) > _IN_TAGS:
        raise TemplateError(f"this template is too large: more than {_IN_TAGS:,} characters within tags")
    try:
        tree = _environment().parse(source)
    except TemplateSyntaxError as error:
        raise TemplateError(f"this template does not parse, line {error.lineno}: {error.message}") from None
    except (RecursionError, ValueError) as error:
        raise TemplateError(f"this template does not parse: {error}") from None
    for count, (depth, loops, node) in enumerate(_walk(tree)):
        if count > _NODES_AT_MOST or depth > _DEPTH:
            raise TemplateError("this template is too large: too many tags, or nested too deeply")
        _check(node, loops, nodes)
    return tree


def _size_of_tags(source: str) -> int:
    """How many characters stand within tags; parsing takes time for those alone."""
    size, begin = 0, -1
    for mark in _TAG.finditer(source):
        if begin < 0 and mark[0][0] == "{":
            begin = mark.start()
        elif begin >= 0 and mark[0][-1] == "}":
            size, begin = size + mark.end() - begin, -1
    return size if begin < 0 else size + len(source) - begin


def _walk(node: Any) -> Iterator[tuple[int, int, Any]]:
    stack = [(0, 0, node)]
    while stack:
        depth, loops, node = stack.pop()
        yield depth, loops, node
        inner = loops + (type(node).__name__ == "For")
        stack.extend((depth + 1, inner, child) for child in node.iter_child_nodes())


def _check(node: Any, loops: int, nodes: Any) -> None:
    name = type(node).__name__
    if name not in _NODES:
        raise TemplateError(f"a template may not use '{name.lower()}', line {node.lineno}")
    allowed = _environment().filters.keys() - {"_each"}
    if isinstance(node, nodes.Filter) and node.name not in allowed:
        raise TemplateError(
            f"a template may not use the filter '{node.name}'", f"allowed: {', '.join(sorted(allowed))}"
        )
    if isinstance(node, nodes.Filter) and node.kwargs and node.name != "default":
        raise TemplateError(f"the filter '{node.name}' takes no named argument here")
    if isinstance(node, nodes.Test) and node.name not in _TESTS:
        raise TemplateError(f"a template may not use the test '{node.name}'", f"allowed: {', '.join(_TESTS)}")
    if isinstance(node, nodes.For) and (loops > 1 or node.recursive):
        raise TemplateError("a template may nest two loops at most")
    if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        raise TemplateError(f"a template may not read '{node.attr}'")


@lru_cache(maxsize=512)
def _compiled(source: str) -> Any:  # a jinja2 template
    from jinja2 import nodes

    tree = _parsed(source)
    for loop in list(tree.find_all(nodes.For)):
        loop.iter = nodes.Filter(loop.iter, "_each", [], [], None, None, lineno=loop.lineno).set_environment(
            _environment()
        )
    try:
        return _environment().from_string(tree)
    except (SyntaxError, ValueError, RecursionError, AssertionError) as error:
        raise TemplateError(f"this template does not parse: {error}") from None
