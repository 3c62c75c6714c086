"""The budget: limits on calls, tokens, money and seconds, reserved before a call and settled after it."""

import asyncio
import time
from fractions import Fraction
from math import ceil

from attrs import define, field, frozen

from autogenesis_core.errors import BudgetExceeded, InputError
from autogenesis_core.identity import JSON
from autogenesis_core.services.model import ModelAnswer, ModelRequest, Price, Usage
from autogenesis_core.settings import BudgetLimits

_ANSWER = 4096  # tokens that an answer may have under a limit, if its request says nothing
_LEAST = 64  # fewer are no answer, so the budget is spent before


@frozen
class Amount:
    """What was used, is reserved, or is held back."""

    calls: int = 0
    usage: Usage = field(factory=Usage)
    money: float = 0.0

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.usage.input_tokens + self.usage.output_tokens

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.calls + other.calls, self.usage + other.usage, self.money + other.money)

    def times(self, share: Fraction) -> "Amount":
        """So many times as much, rounded up."""
        usage = Usage(ceil(self.usage.input_tokens * share), ceil(self.usage.output_tokens * share))
        return Amount(ceil(self.calls * share), usage, self.money * float(share))

    def __sub__(self, other: "Amount") -> "Amount":
        minus = Usage(-other.usage.input_tokens, -other.usage.output_tokens, -other.usage.cached_tokens)
        return Amount(self.calls - other.calls, self.usage + minus, self.money - other.money)


@define
class Budget:
    """The meter of a run, for the task's and the optimizer's model alike.

    Arguments:
        price: of the models, None if unknown; a limit on money needs it
        held: set aside for what must still be done at the end
        earlier, earlier_rollouts: what earlier processes of this run used, as far as it was not recalled yet
    """

    limits: BudgetLimits = field(factory=BudgetLimits)
    price: Price | None = None
    used: Amount = field(factory=Amount)
    reserved: Amount = field(factory=Amount)
    held: Amount = field(factory=Amount)
    rollouts: int = 0
    held_rollouts: int = 0
    earlier: Amount = field(factory=Amount)
    earlier_rollouts: int = 0
    start: float = field(factory=time.monotonic)
    _waiting: list["asyncio.Future[None]"] = field(factory=list)

    def check_price(self, model: str) -> None:
        """Raises InputError if money is limited and nobody knows what `model` costs."""
        if self.limits.money is not None and self.price is None:
            raise InputError(
                f"budget.money is {self.limits.money} USD, but the price of {model} is unknown",
                "set model.input_price and model.output_price (USD per million tokens), or budget.money=null",
            )

    def reserve(self, request: ModelRequest) -> Amount:
        """Sets a call's largest cost aside; raises BudgetExceeded if the limits do not allow it.

        Where tokens or money are limited, the output tokens of the reservation are what the answer may have at most.
        """
        if not self._counts:
            amount = Amount(1)
            self.check(amount)
        else:
            size = _size(request)
            wanted = request.max_tokens or _ANSWER
            room = self._room(size)
            # Only the last calls get less than they want: before, those under way may need less than was set aside.
            whole = room >= wanted or self.reserved.calls > 0
            usage = Usage(size, wanted if whole else max(room, min(wanted, _LEAST)))
            amount = Amount(1, usage, self.price.of(usage) if self.price else 0.0)
            self.check(amount)
        self.reserved += amount
        return amount

    @property
    def _counts(self) -> bool:
        """Whether tokens matter: they are limited, or money is and they cost some."""
        costs = self.price is not None and max(self.price.input_token, self.price.output_token) > 0
        return self.limits.tokens is not None or (self.limits.money is not None and costs)

    def _room(self, size: int) -> int:
        """How many output tokens the limits leave for a request of `size` input tokens."""
        total = self._all()
        rooms = [_ANSWER]
        if self.limits.tokens is not None:
            rooms.append(self.limits.tokens - total.tokens - size)
        if self.limits.money is not None and self.price is not None and self.price.output_token > 0:
            left = self.limits.money - total.money - size * self.price.input_token
            rooms.append(int(left / self.price.output_token))
        return min(rooms)

    def limit(self, reservation: object) -> int:
        """How many output tokens the reservation is for, 0 if they are not limited."""
        assert isinstance(reservation, Amount)
        return reservation.usage.output_tokens

    def settle(self, reservation: object, answer: ModelAnswer | None) -> float:
        """Replaces a reservation by what was used, and returns its price; a failed call counts as a call."""
        assert isinstance(reservation, Amount)
        self.reserved -= reservation
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting.clear()
        if answer is None:
            self.used += Amount(1)
            return 0.0
        money = answer.cost if answer.cost is not None else self.price.of(answer.usage) if self.price else 0.0
        self.used += Amount(1, answer.usage, money)
        return money

    async def freed(self) -> bool:
        """Waits until a call that is under way gives back what it did not need; False if none is."""
        if not self.reserved.calls:
            return False
        settled = asyncio.get_running_loop().create_future()
        self._waiting.append(settled)
        await settled
        return True

    def remember(self, amount: Amount, rollouts: int = 0) -> None:
        """Counts what an earlier process of this run used, which no limit may forget."""
        self.earlier += amount
        self.earlier_rollouts += rollouts

    def recall(self, amount: Amount, rollouts: int = 0) -> None:
        """Counts it where this run used it, so that what is decided on it is decided again."""
        self.remember(Amount() - amount, -rollouts)
        self.used += amount
        self.rollouts += rollouts

    def begin_rollout(self) -> None:
        """Counts a rollout; raises BudgetExceeded if none is left."""
        limit = self.limits.rollouts
        if limit is not None and self.rollouts + self.earlier_rollouts >= limit:
            raise BudgetExceeded(f"budget.rollouts is spent: {limit}", "raise it: budget.rollouts=…")
        if self.limits.seconds is not None:
            self.check()
        self.rollouts += 1

    def allows(self, rollouts: int) -> bool:
        """Whether so many more rollouts can be made, beside those that are held back for the end."""
        limit = self.limits.rollouts
        return limit is None or self.rollouts + self.held_rollouts + rollouts <= limit

    def check(self, more: Amount | None = None) -> None:
        """Raises BudgetExceeded if `more`, beside what is used, reserved and held, is over a limit; or time is up."""
        total = self._all() + (more or Amount())
        for name, value, held, limit in (
            ("calls", total.calls, self.held.calls, self.limits.calls),
            ("tokens", total.tokens, self.held.tokens, self.limits.tokens),
            ("money", total.money, self.held.money, self.limits.money),
            ("seconds", self.seconds, 0, self.limits.seconds),
        ):
            if limit is not None and value > limit:
                needs = f"; the last assessment and test need {held:g}" if held else ""
                raise BudgetExceeded(f"budget.{name} is spent: {limit:g}{needs}", f"raise it: budget.{name}=…")

    def _all(self) -> Amount:
        return self.used + self.earlier + self.reserved + self.held

    def hold(self, amount: Amount, rollouts: int = 0) -> None:
        """Sets aside what must still be done at the end, in the place of what was held before."""
        self.held, self.held_rollouts = amount, rollouts

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self.start

    def shares(self) -> dict[str, float]:
        """Of each limit that is set, the share that is used or reserved, from 0 to 1."""
        total, limits = self.used + self.reserved, self.limits
        found = {
            "rollouts": (self.rollouts, limits.rollouts),
            "calls": (total.calls, limits.calls),
            "tokens": (total.tokens, limits.tokens),
            "money": (total.money, limits.money),
            "seconds": (self.seconds, limits.seconds),
        }
        return {name: min(1.0, used / limit) for name, (used, limit) in found.items() if limit is not None}

    def release(self) -> None:
        """Frees what was held."""
        self.hold(Amount())

    def spent(self) -> dict[str, JSON]:
        """What was used, for the result."""
        used = self.used + self.earlier
        return {
            "rollouts": self.rollouts + self.earlier_rollouts,
            "calls": used.calls,
            "input_tokens": used.usage.input_tokens,
            "output_tokens": used.usage.output_tokens,
            "money": round(used.money, 6) if self.price or used.money else None,
            "seconds": round(time.monotonic() - self.start, 2),
        }


def _size(request: ModelRequest) -> int:
    """About how many tokens a request has, rather more than fewer: a third of its characters."""
    texts = (str(message.get(key) or "") for message in request.messages for key in ("content", "tool_calls"))
    return (sum(map(len, texts)) + sum(len(str(tool)) for tool in request.tools)) // 3 + 4 * len(request.messages)
