"""The model client: what agents and optimizers call. The core alone retries, meters and traces."""

import asyncio
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Protocol

from attrs import define, evolve, field

from autogenesis_core.errors import BudgetExceeded, InvalidAnswer, ModelError, Refused, RetryableModelError
from autogenesis_core.identity import derive
from autogenesis_core.services.model import Message, Model, ModelAnswer, ModelRequest, Usage
from autogenesis_core.services.tracing import Span, Tracer


class Meter(Protocol):
    """Who must allow a call before it is made, and learns what it used; a run's budget."""

    def reserve(self, request: ModelRequest) -> object:
        """A reservation for a call; raises BudgetExceeded if there is nothing left for it."""

    async def freed(self) -> bool:
        """Waits until a call that is under way gives back what it did not need; False if none is."""

    def limit(self, reservation: object) -> int:
        """How many output tokens the reservation is for, 0 if that does not matter."""

    def settle(self, reservation: object, answer: ModelAnswer | None) -> float:
        """What the call used, or None if it failed; returns its price in US dollars."""


class NoMeter:
    """Allows everything."""

    def reserve(self, request: ModelRequest) -> None:  # the protocol's argument
        """Allows it."""

    async def freed(self) -> bool:
        """Nothing is under way."""
        return False

    def limit(self, reservation: object) -> int:
        """None."""
        return 0

    def settle(self, reservation: object, answer: ModelAnswer | None) -> float:
        """Forgets it."""
        return 0.0


@define
class Tally:
    """What the calls of one rollout, or of one proposal, used.

    Arguments:
        gave_up: why the last call had no answer after all attempts; empty if it had one
    """

    calls: int = 0
    usage: Usage = field(factory=Usage)
    money: float = 0.0
    gave_up: str = ""

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.usage.input_tokens + self.usage.output_tokens

    def add(self, answer: ModelAnswer | None, money: float) -> None:
        """One call more, which may have failed."""
        self.calls += 1
        self.money += money
        if answer is not None:
            self.usage += answer.usage
            self.gave_up = ""


@define
class ModelClient:
    """Calls one model for one role ("task", "optimizer").

    Arguments:
        seed: every call's seed is derived from it and the call's number, so that a rollout repeats
        attempts: requests at the most for one call; only errors that may pass are tried again
        wait: seconds before the second attempt, doubled each time, or what the provider asks for
        recall: what came of a call that was made before this run was resumed, by its number; None if it was not made
        keep: is told what came of each call, an answer or an error, and what it used
        slots: requests at once, shared by all clients of a model
        exceeded: set when the budget refused a call, whatever the caller made of it
    """

    model: Model
    role: str = "task"
    meter: Meter = field(factory=NoMeter)
    tracer: Tracer = field(factory=Tracer)
    span: Span | None = None
    seed: int = 0
    tally: Tally | None = None
    recall: Callable[[int], ModelAnswer | ModelError | None] | None = None
    keep: Callable[[int, ModelAnswer | ModelError, Tally], None] | None = None
    slots: asyncio.Semaphore | None = None
    exceeded: BudgetExceeded | None = None
    attempts: int = 4
    wait: float = 1.0
    _calls: int = 0
    _sent: list[tuple[Message, str]] = field(factory=list)

    async def __call__(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        schema: Mapping[str, Any] | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        logprobs: bool = False,
    ) -> ModelAnswer:
        """The model's answer.

        Raises ModelError or one of its kinds, after retries where they can help; BudgetExceeded before a call that
        the budget does not allow; InvalidAnswer if a schema was asked for and the answer is no JSON or was cut off.
        """
        self._calls += 1
        request = ModelRequest(
            messages,
            tools,
            schema,
            temperature,
            max_tokens,
            derive(self.seed, "call", self._calls) % 2**31,
            logprobs=logprobs,
        )
        with self.tracer.span("model", self.span, role=self.role, model=self.model.id) as span:
            span.data["messages"] = self._bodies(messages)
            answer = await self._recorded(request)
            if answer.finish_reason == "content_filter":
                raise Refused(f"{self.model.id} refuses to answer")
            span.data |= {
                "answer": self.tracer.body(answer.message()),
                "usage": _usage(answer),
                "cost": answer.cost,
            }
        return evolve(answer, parsed=_parsed(answer)) if schema is not None else answer

    def begin_again(self) -> None:
        """Counts calls from the first again: of those that had an answer nothing is asked twice, if it is kept."""
        self._calls = 0

    def _bodies(self, messages: Sequence[Message]) -> list[str]:
        """The messages' digests. A history only grows, so what was sent before is known by being the same object."""
        known = 0
        for (message, _), again in zip(self._sent, messages, strict=False):
            if message is not again:
                break
            known += 1
        self._sent = self._sent[:known] + [(message, self.tracer.body(message)) for message in messages[known:]]
        return [key for _, key in self._sent]

    async def _recorded(self, request: ModelRequest) -> ModelAnswer:
        if self.keep is None:
            return await self._attempt(request)
        number, tally = self._calls, Tally()
        known = self.recall(number) if self.recall is not None else None
        if known is not None:
            return _raised(known)
        found: ModelAnswer | ModelError
        try:
            found = await self._attempt(request, tally)
        except ModelError as error:
            found = error
        self.keep(number, found, tally)
        return _raised(found)

    async def _attempt(self, request: ModelRequest, tally: Tally | None = None) -> ModelAnswer:
        for attempt in range(1, self.attempts + 1):
            try:
                return await self._once(request, tally)
            except RetryableModelError as error:
                if attempt == self.attempts:
                    if self.tally is not None:
                        self.tally.gave_up = f"{type(error).__name__}: {error.reason}"
                    raise
                await asyncio.sleep(self._pause(attempt, error.retry_after))
        raise ModelError("no attempt was allowed", "model attempts must be at least 1")

    async def _once(self, request: ModelRequest, call: Tally | None) -> ModelAnswer:
        reservation = await self._reserved(request)
        if limit := self.meter.limit(reservation):
            request = evolve(request, max_tokens=limit)
        answer = None
        start = time.perf_counter()
        try:
            async with self.slots or nullcontext():
                start = time.perf_counter()
                answer = await self.model.answer(request)
        finally:
            money = self.meter.settle(reservation, answer)
            for tally in (call, self.tally):
                if tally is not None:
                    tally.add(answer, money)
        return evolve(answer, latency=time.perf_counter() - start)

    async def _reserved(self, request: ModelRequest) -> object:
        """A reservation; where calls under way hold what this one needs, as soon as they have given it back."""
        while True:
            try:
                return self.meter.reserve(request)
            except BudgetExceeded as error:
                if not await self.meter.freed():
                    self.exceeded = error
                    raise

    def _pause(self, attempt: int, retry_after: float | None) -> float:
        """Seconds: what the provider asks for (a minute at most), else doubling, with jitter lest all come at once."""
        if retry_after is not None:
            return min(retry_after, 60.0)
        return float(self.wait * 2 ** (attempt - 1) * random.uniform(0.5, 1.0))  # noqa: S311  # no secret


def _raised(found: ModelAnswer | ModelError) -> ModelAnswer:
    if isinstance(found, ModelError):
        raise found
    return found


def _parsed(answer: ModelAnswer) -> Any:  # JSON of the caller's schema
    if answer.finish_reason == "length":
        raise InvalidAnswer("the model's answer was cut off at its token limit", "raise max_tokens")
    text = answer.text.strip()
    if text.startswith("```"):
        text = text.partition("\n")[2].rpartition("```")[0]
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidAnswer(f"the model's answer is no JSON: {error}") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _usage(answer: ModelAnswer) -> list[int]:
    return [answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.cached_tokens]
