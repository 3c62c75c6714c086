"""Arithmetic expressions: found in a text, and evaluated by the rules of arithmetic or from left to right."""

import re
from collections.abc import Callable
from fractions import Fraction

# Beyond these a small model has no business, and Python's integers would take for ever.
_LONGEST, _DEEPEST, _LARGEST_BITS = 600, 40, 4096
_SPOKEN = {
    r"multiplied by|times|\u00d7|\u00b7": "*",
    r"divided by|over|\u00f7": "/",
    r"to the power of|raised to": "**",
    r"plus": "+",
    r"minus|\u2212|\u2013": "-",
    r"\^": "**",
}
_RUN = re.compile(r"[-+(\d.][-+*/()\d.\s]*[\d)]")
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d+(?:\.\d+){2,}")
_TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?|\.\d+|\*\*|[-+*/()])")


def find_expression(text: str) -> str | None:
    """The longest arithmetic expression in `text` that has an operator and can be evaluated, as written."""
    for pattern, symbol in _SPOKEN.items():
        text = re.sub(rf"(?<=[\d)\s])\s*(?:{pattern})\s*(?=[-\d(\s])", f" {symbol} ", text)
    runs = (_balanced(run.group().strip()) for run in _RUN.finditer(_DATE.sub(" ", text)))
    known = [run for run in runs if len(run) <= _LONGEST and operations(run) and evaluate(run) is not None]
    return max(known, key=len, default=None)


def evaluate(expression: str, left_to_right: bool = False) -> Fraction | None:
    """The exact value of `expression`, or None if it has none (or one too large to write down).

    Args:
        expression: numbers, `+ - * / **`, parentheses, signs
        left_to_right: apply operators as they come, within parentheses, as who has never heard of precedence
    """
    tokens = _TOKEN.findall(expression)
    if "".join(tokens) != re.sub(r"\s", "", expression) or len(tokens) > _LONGEST:
        return None
    try:
        parser = _Parser(tokens, left_to_right)
        value = parser.expression(0)
    except (ArithmeticError, IndexError, ValueError):
        return None
    return value if parser.done() else None


def operations(expression: str) -> int:
    """How many operators stand between two operands in `expression`."""
    return len(re.findall(r"[\d)]\s*(?:\*\*|[-+*/])", expression))


def written(value: Fraction) -> str:
    """`value` as people write it: an integer, or a decimal of at most six places."""
    if value.denominator == 1:
        return str(value.numerator)
    return f"{float(value):.6f}".rstrip("0").rstrip(".")


def _balanced(run: str) -> str:
    """`run` without parentheses at its ends that belong to the text around it."""
    while run.count(")") > run.count("(") and run.endswith(")"):
        run = run[:-1].strip()
    while run.count("(") > run.count(")") and run.startswith("("):
        run = run[1:].strip()
    return run


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1 or abs(exponent) > 64 or base.numerator.bit_length() * abs(exponent) > _LARGEST_BITS:
        raise ValueError
    return Fraction(base ** int(exponent))


_APPLY: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": _power,
}
_STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2, "**": 3}


class _Parser:
    """Precedence climbing; from left to right all operators are equally strong."""

    def __init__(self, tokens: list[str], left_to_right: bool) -> None:
        self._tokens = tokens
        self._at = 0
        self._strength = dict.fromkeys(_STRENGTH, 1) if left_to_right else _STRENGTH
        self._depth = 0

    def done(self) -> bool:
        return self._at == len(self._tokens)

    def expression(self, least: int) -> Fraction:
        value = self._operand()
        while not self.done() and self._strength.get(self._tokens[self._at], -1) >= max(least, 1):
            operator = self._next()
            strength = self._strength[operator]
            # Powers alone bind to the right: 2 ** 3 ** 2 is 2 ** 9.
            value = _APPLY[operator](value, self.expression(strength if strength == 3 else strength + 1))
        return value

    def _operand(self) -> Fraction:
        found = self._next()
        if found in {"+", "-"}:
            # A sign is weaker than a power: -2 ** 2 is -4.
            value = self.expression(3) if self._strength["**"] == 3 else self._operand()
            return -value if found == "-" else value
        return self._inner() if found == "(" else Fraction(found)

    def _inner(self) -> Fraction:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError
        value = self.expression(0)
        if self._next() != ")":
            raise ValueError
        self._depth -= 1
        return value

    def _next(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]
