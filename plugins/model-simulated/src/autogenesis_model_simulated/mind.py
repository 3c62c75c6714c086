"""How a small model works a task out without tools, and which mistakes it makes.

The probabilities are the author's choice, made once: plausible faults of a small model, each with a cure in words.
"""

from fractions import Fraction

from autogenesis_model_simulated.draw import Draws
from autogenesis_model_simulated.expression import evaluate, operations, written
from autogenesis_model_simulated.policy import Policy
from autogenesis_model_simulated.tasks import Arithmetic, Conversion, Counting, Sorting, Task

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
# How likely the better way is taken: left alone, told to, told not to.
_PRECEDENCE = {None: 0.12, "standard": 0.93, "left_to_right": 0.03}
_CODE_POINT = {None: 0.12, "code_point": 0.93, "ignore_case": 0.03}
_LOWERCASE = {None: 0.5, "lowercase": 0.96, "uppercase": 0.04}
# By which factor slips grow or shrink.
_COUNTING = {None: 1.0, "letter_by_letter": 0.35, "at_a_glance": 1.6}
_CONVERSION = {None: 1.0, "stepwise": 0.4, "at_a_glance": 1.5}
_VERIFY = {None: 1.0, "do": 0.75, "dont": 1.1}


def solve(task: Task, policy: Policy, draws: Draws, distraction: float = 0.0) -> str:
    """The value that the model arrives at by itself.

    Args:
        task: what the question asks for
        policy: what the prompt says about such questions
        draws: the question's random draws
        distraction: a probability of slips on top, from whatever went wrong before
    """
    slips = _slips(task, policy) * _VERIFY[policy.stance("verify")] + policy.confusion() + distraction
    slipped = draws.chance("slip", min(slips, 0.95))
    if isinstance(task, Arithmetic):
        return _arithmetic(task, policy, draws, slipped)
    if isinstance(task, Sorting):
        return ", ".join(_sorted(task, policy, draws, slipped))
    if isinstance(task, Counting):
        return str(_counted(task, draws, slipped))
    return digits_as_told(_converted(task, draws, slipped), policy, draws, _LOWERCASE[None])


def digits_as_told(number: str, policy: Policy, draws: Draws, untold: float) -> str:
    """`number` with the case of digits that the prompt asks for; `untold` is the chance of lowercase if it does not."""
    stance = policy.stance("digits")
    lower = draws.chance("lowercase", untold if stance is None else _LOWERCASE[stance])
    return number if lower else number.upper()


def _slips(task: Task, policy: Policy) -> float:
    """The probability of a slip of the mind; it grows with the length of the task."""
    if isinstance(task, Arithmetic):
        figures = sum(character.isdigit() for character in task.expression)
        # One operation on two numbers of two digits is safe.
        return 0.025 * (operations(task.expression) - 1) + 0.008 * max(0, figures - 4)
    if isinstance(task, Sorting):
        return 0.02 * len(task.words)
    if isinstance(task, Counting):
        return min(0.05 + 0.008 * len(task.text), 0.6) * _COUNTING[policy.stance("counting")]
    return min(0.3 + 0.05 * len(task.number), 0.6) * _CONVERSION[policy.stance("conversion")]


def _arithmetic(task: Arithmetic, policy: Policy, draws: Draws, slipped: bool) -> str:
    standard = draws.chance("precedence", _PRECEDENCE[policy.stance("precedence")])
    value = evaluate(task.expression, left_to_right=not standard)
    # From left to right one may divide by zero where the rules of arithmetic do not.
    right = value if value is not None else evaluate(task.expression)
    number = right if right is not None else Fraction(0)
    return written(number + draws.choice("how wrong", (1, -1, 10, -10, 2, -100)) if slipped else number)


def _sorted(task: Sorting, policy: Policy, draws: Draws, slipped: bool) -> list[str]:
    by_code = draws.chance("code point", _CODE_POINT[policy.stance("sort_order")])
    key = str if by_code else str.lower
    words = sorted(task.words, key=key, reverse=task.descending)
    if slipped:
        at = draws.index("how wrong", len(words) - 1)
        words[at], words[at + 1] = words[at + 1], words[at]
    return words


def _counted(task: Counting, draws: Draws, slipped: bool) -> int:
    count = task.text.lower().count(task.letter.lower())
    if not slipped:
        return count
    return count + 1 if count == 0 else count + draws.choice("how wrong", (1, -1))


def _converted(task: Conversion, draws: Draws, slipped: bool) -> str:
    number = _in_base(int(task.number, task.source), task.target)
    if not slipped:
        return number
    at = draws.index("which digit", len(number))
    other = _DIGITS[(_DIGITS.index(number[at]) + 1) % task.target]
    return number[:at] + other + number[at + 1 :]


def _in_base(value: int, base: int) -> str:
    digits = ""
    while value or not digits:
        value, digit = divmod(value, base)
        digits = _DIGITS[digit] + digits
    return digits
