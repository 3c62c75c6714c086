"""The executor: runs many coroutines, a bounded number at once, and gives their results in order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from attrs import frozen

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Executor(Protocol):
    """What a plugin for distributed execution implements."""

    async def map(self, function: Callable[[_Item], Awaitable[_Result]], items: Sequence[_Item]) -> list[_Result]:
        """The result for each item, in the items' order; the first error cancels the rest and is raised."""


@frozen
class AsyncioExecutor:
    """In this process, `workers` at once."""

    workers: int = 8

    async def map(self, function: Callable[[_Item], Awaitable[_Result]], items: Sequence[_Item]) -> list[_Result]:
        """The result for each item, in the items' order; the first error cancels the rest and is raised."""
        results: dict[int, _Result] = {}
        todo = iter(enumerate(items))

        async def work() -> None:
            for index, item in todo:
                results[index] = await function(item)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self.workers, len(items))):
                    group.create_task(work())
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        if len(results) < len(items):
            raise asyncio.CancelledError("an item cancelled itself")
        return [results[index] for index in range(len(items))]
