"""Numbers of bounded size: exact rationals as long as they are short enough, else 50 significant digits."""

from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow, Underflow, localcontext
from fractions import Fraction
from math import isqrt

from attrs import frozen

from autogenesis_core import InputError

_DIGITS = 1000  # of a value, before or after the decimal point
_BITS = 3322  # so many bits hold 1000 digits
_PLACES = 20  # decimals that are shown exactly
_ROUND = 100  # decimals that one may round to
_TRAPS = [DivisionByZero, InvalidOperation, Overflow, Underflow]
# Wide enough for every value that Number.of lets pass, so that overflow always means "too large".
_WORKING = Context(prec=50, Emin=-_DIGITS - 100, Emax=_DIGITS + 100, traps=_TRAPS)
_SHOWN = Context(prec=12, Emin=-_DIGITS - 100, Emax=_DIGITS + 100, traps=_TRAPS)


@frozen
class Number:
    """A value, and whether it is exact; what is not has 50 significant digits."""

    value: Fraction
    exact: bool = True

    @classmethod
    def of(cls, value: Fraction | int, exact: bool = True) -> "Number":
        """The number of that value, rounded if it is long; raises InputError if it is too large or small."""
        value = Fraction(value)
        above, below = value.numerator.bit_length(), value.denominator.bit_length()
        if abs(above - below) > _BITS:
            raise _too_long()
        if exact and max(above, below) <= _BITS:
            return cls(value)
        with localcontext(_WORKING):
            return cls(Fraction(_decimal(value)), False)

    @classmethod
    def parse(cls, literal: str) -> "Number":
        """The number that a literal means, e.g. `1_000`, `.5`, `2e-3`; raises InputError as `of` does."""
        with localcontext(_WORKING):
            try:
                decimal = Decimal(literal)
            except InvalidOperation:
                raise _too_long() from None
        if decimal and abs(decimal.adjusted()) > _DIGITS:  # before a fraction of that many digits is made
            raise _too_long()
        return cls.of(Fraction(decimal))

    def __str__(self) -> str:
        if self.exact and self.value.denominator == 1:
            return str(self.value.numerator)
        if self.exact and 10**_PLACES % self.value.denominator == 0:
            return _terminating(self.value)
        with localcontext(_SHOWN):
            shown = _decimal(self.value).normalize()
        return format(shown, "f" if -7 <= shown.adjusted() < 12 else "e")


def power(base: Number, exponent: Number) -> Number:
    """`base ** exponent`; raises InputError if it is unreal or too long, ZeroDivisionError for `0 ** -1`."""
    of, by = base.value, exponent.value
    least_bits = abs(by) * (max(of.numerator.bit_length(), of.denominator.bit_length()) - 1)
    if by.denominator == 1 and least_bits <= _BITS:
        return Number.of(of**by.numerator, base.exact and exponent.exact)
    if by == Fraction(1, 2):
        return root(base)
    if of < 0 and by.denominator > 1:
        raise InputError("a negative number to a fractional power is no real number")
    if of == 0 and by < 0:
        raise ZeroDivisionError
    with localcontext(_WORKING):
        try:
            return Number.of(Fraction(_decimal(of) ** _decimal(by)), exact=False)
        except (Overflow, Underflow):
            raise _too_long() from None


def root(number: Number) -> Number:
    """The square root, exact where it is rational; raises InputError for a negative number."""
    value = number.value
    if value < 0:
        raise InputError("the square root of a negative number is no real number")
    exact = Fraction(isqrt(value.numerator), isqrt(value.denominator))
    if exact * exact == value:
        return Number.of(exact, number.exact)
    with localcontext(_WORKING):
        return Number.of(Fraction(_decimal(value).sqrt()), exact=False)


def rounded(number: Number, places: Number | None = None) -> Number:
    """The number rounded to `places` decimals (default 0), a half to the even neighbour, as Python does."""
    if places is None:
        return Number.of(round(number.value), number.exact)
    if places.value.denominator != 1 or abs(places.value) > _ROUND:
        raise InputError(f"round takes a whole number of decimals up to {_ROUND}, not {places}")
    return Number.of(round(number.value, places.value.numerator), number.exact)


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def _terminating(value: Fraction) -> str:
    digits = str(abs(value.numerator) * 10**_PLACES // value.denominator).zfill(_PLACES + 1)
    return f"{'-' if value < 0 else ''}{digits[:-_PLACES]}.{digits[-_PLACES:].rstrip('0')}"


def _too_long() -> InputError:
    return InputError(f"a value has more than {_DIGITS:,} digits", "ask for something smaller")
