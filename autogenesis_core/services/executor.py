"""The executor: runs many coroutines, a bounded number at once, and gives their results in order."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

from attrs import define

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Executor(Protocol):
    """What a plugin for distributed execution implements."""

    async def map(self, function: Callable[[_Item], Awaitable[_Result]], items: Sequence[_Item]) -> list[_Result]:
        """The result for each item, in the items' order; the first error cancels the rest and is raised."""


@define(eq=False)
class AsyncioExecutor:
    """In this process, `workers` at once, however many ask for work at the same time."""

    workers: int = 8
    _slots: asyncio.Semaphore | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    async def map(self, function: Callable[[_Item], Awaitable[_Result]], items: Sequence[_Item]) -> list[_Result]:
        """The result for each item, in the items' order; the first error cancels the rest and is raised."""
        results: dict[int, _Result] = {}
        todo = iter(enumerate(items))
        slots = self._shared()

        async def work() -> None:
            for index, item in todo:
                async with slots:
                    results[index] = await function(item)

        if len(items) == 1:
            await work()  # a task of its own would only take time
        else:
            await together([work() for _ in range(min(self.workers, len(items)))])
        if len(results) < len(items):
            raise asyncio.CancelledError("an item cancelled itself")
        return [results[index] for index in range(len(items))]

    def _shared(self) -> asyncio.Semaphore:
        """The slots of all maps of one event loop."""
        loop = asyncio.get_running_loop()
        if self._slots is None or self._loop is not loop:
            self._slots, self._loop = asyncio.Semaphore(self.workers), loop
        return self._slots


async def together(coroutines: Sequence[Coroutine[Any, Any, _Result]]) -> list[_Result]:
    """The results of coroutines that run at once, in their order; the first error cancels the rest and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in coroutines]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks if not task.cancelled()]
