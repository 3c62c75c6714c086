"""The tool that converts numbers between bases."""

from autogenesis_core import InputError, tool

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LENGTH = 1000  # digits, and Python's own limit would stop at 4,300


@tool(read_only=True, idempotent=True, open_world=False, blocking=False)
def convert_base(number: str, from_base: int, to_base: int) -> str:
    """Convert a whole number from one base to another, with lowercase letters for digits above 9.

    Args:
        number: the number in its present base, e.g. "ff" or "-1011"
        from_base: the base of the number, from 2 to 36
        to_base: the base wanted, from 2 to 36

    Returns:
        the number in the base wanted, with a minus sign if it is negative

    Raises:
        InputError: a base out of range, a digit that the base lacks, or too many digits

    Limits:
        the number has at most 1,000 characters
        no fractions

    Examples:
        {"number": "ff", "from_base": 16, "to_base": 2} -> 11111111
        {"number": "-1011", "from_base": 2, "to_base": 10} -> -11
    """
    for name, base in (("from_base", from_base), ("to_base", to_base)):
        if not 2 <= base <= 36:
            raise InputError(f"{name} must be from 2 to 36, not {base}")
    return _written(_read(number, from_base), to_base)


def _read(number: str, base: int) -> int:
    if len(number) > _LENGTH:
        raise InputError(f"the number has {len(number):,} digits; at most {_LENGTH:,} are allowed")
    try:
        return int(number, base)
    except ValueError:
        digits = f"0-{_DIGITS[base - 1]}" if base <= 10 else f"0-9 and a-{_DIGITS[base - 1]}"
        reason = f"'{number[:60]}' is no whole number in base {base}"
        raise InputError(reason, f"its digits are {digits}") from None


def _written(value: int, base: int) -> str:
    digits = []
    rest = abs(value)
    while rest:
        rest, digit = divmod(rest, base)
        digits.append(_DIGITS[digit])
    return ("-" if value < 0 else "") + ("".join(reversed(digits)) or "0")
