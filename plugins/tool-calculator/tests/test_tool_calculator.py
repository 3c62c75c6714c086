"""Of the calculator: right, against Python's own exact arithmetic; bounded, whatever is asked; clear about errors."""

import contextlib
import math
import operator
import time
import warnings
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogenesis_core import InputError
from autogenesis_tool_calculator.calculator import calculator

OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv}
literals = st.integers(0, 10**6).map(str) | st.decimals(0, 1000, places=3).map(str)


def join(parts):
    (left, a), sign, (right, b) = parts
    if a is None or b is None or (sign in ("/", "//", "%") and b == 0):
        return f"({left} {sign} {right})", None
    return f"({left} {sign} {right})", (OPERATORS | {"%": operator.mod})[sign](a, b)


def negate(part):
    text, value = part
    return f"-{text}", None if value is None else -value


expressions = st.recursive(
    literals.map(lambda text: (text, Fraction(text))),
    lambda inner: st.tuples(inner, st.sampled_from([*OPERATORS, "%"]), inner).map(join) | inner.map(negate),
    max_leaves=12,
)


@given(expressions)
def test_is_exact_arithmetic(expression):
    text, expected = expression
    if expected is None:
        with pytest.raises(InputError, match="divides by zero"):
            calculator.run(text)
    elif 10**20 % Fraction(expected).denominator == 0:
        assert Fraction(calculator.run(text)) == expected
    else:
        assert abs(Fraction(calculator.run(text)) / expected - 1) <= Fraction(1, 10**11)


@given(st.lists(st.tuples(st.sampled_from("+-*"), st.integers(0, 99)), min_size=1, max_size=60))
def test_has_pythons_precedence(terms):
    text = "1" + "".join(f" {sign} {number}" for sign, number in terms)
    assert calculator.run(text) == str(eval(text))


@given(st.integers(-99, 99), st.integers(0, 40))
def test_powers_of_whole_numbers_are_exact(base, exponent):
    assert calculator.run(f"({base}) ** {exponent}") == str(base**exponent)


@given(st.integers(0, 10**30))
def test_roots_of_squares_are_exact(number):
    assert calculator.run(f"sqrt({number * number})") == str(number)


@given(st.decimals(-1000, 1000, places=4), st.integers(0, 4))
def test_rounds_as_python_rounds_exact_numbers(number, places):
    assert Fraction(calculator.run(f"round({number}, {places})")) == round(Fraction(number), places)


@settings(deadline=None)
@given(st.text(alphabet="0123456789.+-*/%() esqrtabmin,", max_size=60))
def test_any_text_gives_a_number_or_an_input_error_without_a_warning(text):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with contextlib.suppress(InputError):
            assert Decimal(calculator.run(text)).is_finite()


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("6 / 2", "3"),
        ("0.1 + 0.2", "0.3"),
        ("-0.0", "0"),
        ("2.50 * 1", "2.5"),
        ("1 / 3", "0.333333333333"),
        ("2 / 3", "0.666666666667"),
        ("10 ** 30 / 3", "3.33333333333e+29"),
        ("1 / 2 ** 10", "0.0009765625"),
        ("2 ** -40", "9.09494701773e-13"),
        ("sqrt(2)", "1.41421356237"),
        ("sqrt(2) * 10 ** 40", "1.41421356237e+40"),
        ("2 ** 0.5", "1.41421356237"),
        ("8 ** (1 / 3)", "2"),
        ("-2 ** 2", "-4"),
        ("2 ** 3 ** 2", "512"),
        ("min(3, 2.5, -1) + max(4) + abs(-7)", "10"),
        ("3 \u00d7 4 \u2212 6 \u00f7 2", "9"),
        ("1 +\n 2", "3"),
        ("1_000 * 2e3", "2000000"),
    ],
)
def test_shows_integers_without_a_point_and_decimals_exactly_or_to_12_digits(expression, shown):
    assert calculator.run(expression) == shown


def test_what_grows_too_long_to_be_exact_is_rounded_not_refused():
    assert calculator.run("(1 + 0.0375 / 365) ** 3650") == f"{math.exp(3650 * math.log1p(0.0375 / 365)):.12g}"


@pytest.mark.parametrize(
    "expression",
    ["9**9**9", "(9**9)**9**9", "2**5000", "10**1000 * 10", "0.1**2000", "1e9999999999999999999", "1.5**10**30"],
)
def test_refuses_more_than_1000_digits_at_once(expression):
    start = time.perf_counter()
    with pytest.raises(InputError, match="1,000 digits"):
        calculator.run(expression)
    assert time.perf_counter() - start < 0.1


@pytest.mark.parametrize("expression", ["+".join(["1"] * 500), "+".join(["9**999/7**999"] * 70)])
def test_the_longest_expressions_take_a_moment_only(expression):
    start = time.perf_counter()
    calculator.run(expression)
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "empty"),
        ("1" * 1001, "more than 1,000"),
        ("-" * 200 + "1", "nested more than 100"),
        ("(" * 400 + "1" + ")" * 400, "no arithmetic"),
        ("1 / (2 - 2)", "divides by zero"),
        ("0 ** -1", "divides by zero"),
        ("sqrt(-1)", "no real number"),
        ("(-8) ** (1 / 3)", "no real number"),
        ("1,000 + 1", "holds a comma"),
        ("2 ^ 3", "write ** for a power"),
        ("17 * 23 =", "'=' is not understood"),
        ("2x", "'2x' is not understood"),
        ("0x1f", "not understood"),
        ("1or 2", "not understood"),
        ("1 < 2", "not understood"),
        ("x + 1", "'x' is not understood"),
        ("sqrt", "'sqrt' is not understood"),
        ("sqrt(x=4)", "not understood"),
        ("round(*(1, 2))", "not understood"),
        ("__import__('os')", "not understood"),
        ("(1).real", "not understood"),
        ("True", "'True' is not understood"),
        ("1 if 2 else 3", "not understood"),
        ("1; 2", "not understood"),
        ("2 +", "no arithmetic"),
        ("sqrt(1, 2)", "sqrt takes 1 value, not 2"),
        ("round(1, 2, 3)", "round takes 1 or 2 values, not 3"),
        ("max()", "max takes 1 or more values, not 0"),
        ("round(1, 10 ** 9)", "whole number of decimals"),
        ("round(1, 0.5)", "whole number of decimals"),
    ],
)
def test_says_what_is_wrong(expression, reason):
    with pytest.raises(InputError) as caught:
        calculator.run(expression)
    assert reason in str(caught.value)


def test_a_model_sees_what_it_understands_and_one_argument():
    description, schema = calculator.describe()
    assert "sqrt, abs, round, min and max" in description
    assert list(schema["properties"]) == ["expression"] == schema["required"]
    assert schema["properties"]["expression"]["description"].startswith("the expression")


def test_runs_at_once_and_changes_nothing():
    assert calculator.annotations.read_only
    assert not calculator.annotations.destructive
    assert not calculator.blocking
