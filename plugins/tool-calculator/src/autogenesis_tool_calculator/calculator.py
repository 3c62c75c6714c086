"""The calculator tool: from an expression's text to its value's text, with hard limits on size and work."""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from fractions import Fraction

from autogenesis_core import InputError, tool
from autogenesis_tool_calculator.number import Number, power, root, rounded

_LENGTH = 1000  # characters of an expression
_DEPTH = 100  # nested parentheses, signs, powers or calls; a flat sum of any length has depth 1
_UNDERSTOOD = "understood are numbers, + - * / // % **, parentheses, sqrt, abs, round, min and max"
_SIGNS = str.maketrans("\u00d7\u00b7\u00f7\u2212", "**/-")  # as people write times, divided by, minus
_STRANGE = re.compile(r"[^0-9A-Za-z_.,+*/%^() -]")
# Python would read `1or 2` with a warning, and `0x1f` as hexadecimal.
_GLUED = re.compile(r"[0-9]\.?(?![eE][+-]?[0-9])[A-Za-z]+")


@tool(read_only=True, idempotent=True, open_world=False, blocking=False)
def calculator(expression: str) -> str:
    """Evaluate an arithmetic expression exactly, with standard precedence.

    It understands whole and decimal numbers, + - * / // % **, parentheses, and the functions sqrt, abs,
    round, min and max. Results that are no short decimals are rounded to 12 significant digits.

    Args:
        expression: the expression, e.g. "(3 + 4) * -2.5 / sqrt(2)"

    Returns:
        the value as a decimal number, with an exponent if it is rounded and large or small

    Raises:
        InputError: no arithmetic expression, division by zero, no real number, or one of the limits

    Limits:
        an expression has at most 1,000 characters and is nested at most 100 deep
        a value has at most 1,000 digits
        no variables, no units, no commas within a number, one expression a call

    Examples:
        {"expression": "17 * 23"} -> 391
        {"expression": "2 ** 0.5"} -> 1.41421356237
        {"expression": "round(10 / 4, 1) + max(1, 2)"} -> 4.5
    """
    text = " ".join(expression.translate(_SIGNS).split())
    return str(_value(_parsed(text), text, 0))


def _parsed(text: str) -> ast.expr:
    if not text:
        raise InputError("the expression is empty", 'for example "2 * (3 + 4)"')
    if len(text) > _LENGTH:
        raise InputError(f"the expression has {len(text):,} characters, more than {_LENGTH:,}", "split it")
    if strange := _STRANGE.search(text):
        raise InputError(f"the character {strange[0]!r} is not understood", _UNDERSTOOD)
    if glued := _GLUED.search(text):
        raise InputError(f"'{glued[0]}' is not understood", _UNDERSTOOD)
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error) or "it is nested too deeply"
        raise InputError(f"'{_short(text)}' is no arithmetic expression: {reason}", _UNDERSTOOD) from None


def _value(node: ast.expr, text: str, depth: int) -> Number:
    if depth > _DEPTH:
        raise InputError(f"the expression is nested more than {_DEPTH} deep", "split it")
    match node:
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            return Number.parse(text[node.col_offset : node.end_col_offset])
        case ast.BinOp():
            return _chain(node, text, depth)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            value = _value(operand, text, depth + 1)
            return Number.of(-value.value, value.exact) if isinstance(node.op, ast.USub) else value
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            return _called(name, [_value(argument, text, depth + 1) for argument in arguments])
    raise _not_understood(node, text)


def _chain(node: ast.expr, text: str, depth: int) -> Number:
    """A chain of operators; Python nests it to the left, but a long sum must not be a deep recursion."""
    operations = []
    while isinstance(node, ast.BinOp):
        if type(node.op) not in _OPERATORS:
            raise _not_understood(node, text)
        operations.append((_OPERATORS[type(node.op)], node.right))
        node = node.left
    value = _value(node, text, depth + 1)
    try:
        for operation, right in reversed(operations):
            value = operation(value, _value(right, text, depth + 1))
    except ZeroDivisionError:
        raise InputError(f"'{_short(text)}' divides by zero") from None
    return value


def _called(name: str, arguments: list[Number]) -> Number:
    most, function = _FUNCTIONS[name]
    if not 1 <= len(arguments) <= most:
        wanted = "1 value" if most == 1 else "1 or 2 values" if most == 2 else "1 or more values"
        raise InputError(f"{name} takes {wanted}, not {len(arguments)}")
    return function(*arguments)


def _not_understood(node: ast.expr, text: str) -> InputError:
    part = _short(text[node.col_offset : node.end_col_offset])
    if isinstance(node, ast.Tuple):
        return InputError(f"'{part}' holds a comma", "write 1000 for 1,000; one expression at a time")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor):
        return InputError(f"'{part}' is not understood", "write ** for a power")
    return InputError(f"'{part}' is not understood", _UNDERSTOOD)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _exactly(operation: Callable[[Fraction, Fraction], Fraction | int]) -> Callable[[Number, Number], Number]:
    return lambda a, b: Number.of(operation(a.value, b.value), a.exact and b.exact)


_OPERATORS: Mapping[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: _exactly(operator.add),
    ast.Sub: _exactly(operator.sub),
    ast.Mult: _exactly(operator.mul),
    ast.Div: _exactly(operator.truediv),
    ast.FloorDiv: _exactly(operator.floordiv),
    ast.Mod: _exactly(operator.mod),
    ast.Pow: power,
}
_FUNCTIONS: Mapping[str, tuple[int, Callable[..., Number]]] = {  # and how many arguments it takes at the most
    "sqrt": (1, root),
    "abs": (1, lambda number: Number.of(abs(number.value), number.exact)),
    "round": (2, rounded),
    "min": (_LENGTH, lambda *numbers: min(numbers, key=lambda number: number.value)),
    "max": (_LENGTH, lambda *numbers: max(numbers, key=lambda number: number.value)),
}
