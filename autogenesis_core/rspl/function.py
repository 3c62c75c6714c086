"""An agent that is a function of the user's own, whatever framework is inside it."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import copy_context
from threading import Thread
from typing import Any, ClassVar

from attrs import define, field, frozen, validators

from autogenesis_core.errors import InputError, PluginError
from autogenesis_core.identity import JSON
from autogenesis_core.rspl.context import Context
from autogenesis_core.rspl.entity import Agent, Answer, variable

_WAIT = 0.01  # seconds that a batch waits for more


def keyword_variables(function: Callable[..., Any]) -> dict[str, JSON]:
    """The defaults of a function's keyword-only arguments: what may evolve, without another word of configuration."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is not p.empty}


def call_function(function: Callable[..., Any], /, *arguments: Any, threads: bool = False, **named: Any) -> Any:
    """What a function of the user's gives, or an awaitable of it.

    A sync function is called here and now, one call at a time; with `threads`, which only a thread-safe one may have,
    in a thread of its own, so that others go on while it blocks. A thread cannot be stopped: a call that takes too
    long is given up and runs on.
    """
    if threads and not inspect.iscoroutinefunction(function):
        return _in_thread(function, arguments, named)
    return function(*arguments, **named)


async def _in_thread(function: Callable[..., Any], arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
    loop = asyncio.get_running_loop()
    result: asyncio.Future[Any] = loop.create_future()

    def settle(settled: Callable[[Any], None], value: object) -> None:
        if not result.done():  # given up in the meantime
            settled(value)

    def work() -> None:
        settled, value = result.set_result, None
        try:
            value = copied.run(function, *arguments, **named)
        except BaseException as error:  # noqa: BLE001  # it is raised where the call is awaited
            settled, value = result.set_exception, error
            if isinstance(error, StopIteration):  # no future takes it
                value = RuntimeError("the function raised StopIteration")
        with suppress(RuntimeError):  # the loop may be closed by now
            loop.call_soon_threadsafe(settle, settled, value)

    copied = copy_context()
    # A daemon, unlike those of a pool: one that hangs must not keep the program from ending.
    Thread(target=work, daemon=True).start()
    given = await result
    return await given if inspect.isawaitable(given) else given


@define(eq=False)
class Gather:
    """Gathers calls that wait into one, of `size` inputs at the most.

    Arguments:
        call: gives an answer for each of its inputs, in their order
    """

    call: Callable[[list[str]], Awaitable[Sequence[Any]]]
    size: int
    _waiting: list[tuple[str, asyncio.Future[Any]]] = field(factory=list)
    _timer: asyncio.TimerHandle | None = None
    _tasks: set[asyncio.Task[None]] = field(factory=set)  # the loop itself holds them weakly

    async def __call__(self, text: str) -> Any:
        """The answer to one input."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((text, answer))
        if len(self._waiting) >= self.size:
            self._flush()
        elif len(self._waiting) == 1:
            self._timer = loop.call_later(_WAIT, self._flush)
        return await answer

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        waiting, self._waiting = [pair for pair in self._waiting if not pair[1].done()], []
        if waiting:
            task = asyncio.get_running_loop().create_task(self._answer(waiting))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, waiting: Sequence[tuple[str, asyncio.Future[Any]]]) -> None:
        try:
            answers = await self.call([text for text, _ in waiting])
        except (Exception, SystemExit) as error:  # noqa: BLE001  # it is raised where the call is awaited
            if len(waiting) > 1 and not isinstance(error, PluginError):
                # One input that cannot be answered must not be the failure of those that happened to be with it.
                for pair in waiting:
                    await self._answer([pair])
                return
            for _, future in waiting:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(waiting, answers, strict=True):
            if not future.done():
                future.set_result(answer)


@frozen
class FunctionAgent(Agent):
    """Calls `function(task, **variables)`, sync or async; it answers text, an `Answer`, or any JSON value.

    Arguments:
        threads: the function is thread-safe: calls of a sync one run beside each other
        batch: more than 1: the function is called as `function(tasks, **variables)`, with a list of so many tasks at
            the most, and returns a list of their answers
    """

    uses_model: ClassVar[bool] = False

    function: Callable[..., Any] = field(metadata={"parameter": False})
    variables: Mapping[str, JSON] = variable(factory=dict)
    threads: bool = field(default=False, metadata={"parameter": False})
    batch: int = field(default=1, validator=validators.ge(1), metadata={"parameter": False})
    _gather: Gather = field(init=False, eq=False, repr=False, metadata={"parameter": False})

    @_gather.default
    def _new_gather(self) -> Gather:
        return Gather(self._answers, self.batch)

    async def run(self, task: str, context: Context) -> Answer | str:  # Agent's signature
        """The function's answer."""
        answer = await (self._call(task) if self.batch == 1 else self._gather(task))
        if isinstance(answer, str | Answer):
            return answer
        if answer is None:
            raise InputError("the function returned None", "return the answer as text, a number or JSON data")
        return Answer(str(answer), answer)

    async def _call(self, given: str | list[str]) -> Any:  # what the function returns
        answer = call_function(self.function, given, threads=self.threads, **self.variables)
        return await answer if inspect.isawaitable(answer) else answer

    async def _answers(self, tasks: list[str]) -> Sequence[Any]:
        answers = await self._call(tasks)
        if not isinstance(answers, list | tuple) or len(answers) != len(tasks):
            found = f"{len(answers)} answers" if isinstance(answers, list | tuple) else type(answers).__name__
            raise PluginError(f"the function returned {found} to {len(tasks)} tasks", "it returns a list, one for each")
        return answers
