"""The executor: order kept, width respected, the first error raised."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogenesis_core.services.executor import AsyncioExecutor


def mapped(function, items, workers=4):
    return asyncio.run(AsyncioExecutor(workers).map(function, items))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(), max_size=12), st.integers(1, 20), st.integers())
def test_results_have_the_order_of_the_items_whatever_takes_longer(items, workers, seed):
    draw = random.Random(seed)

    async def twice(item):
        for _ in range(draw.randrange(4)):
            await asyncio.sleep(0)
        return 2 * item

    assert mapped(twice, items, workers) == [2 * item for item in items]


@pytest.mark.parametrize(("workers", "items", "widest"), [(1, 5, 1), (3, 9, 3), (8, 4, 4)])
def test_as_many_run_at_once_as_there_are_workers(workers, items, widest):
    running, seen = 0, []

    async def work(_):
        nonlocal running
        running += 1
        seen.append(running)
        await asyncio.sleep(0.002)
        running -= 1

    mapped(work, range(items), workers)
    assert max(seen) == widest


def test_one_worker_takes_the_items_one_after_another():
    events = []

    async def work(item):
        events.append(("begin", item))
        await asyncio.sleep(0)
        events.append(("end", item))

    mapped(work, [1, 2], 1)
    assert events == [("begin", 1), ("end", 1), ("begin", 2), ("end", 2)]


def test_a_result_of_none_is_a_result():
    async def nothing(_):
        return None

    assert mapped(nothing, [1, 2]) == [None, None]


def test_the_first_error_is_raised_as_it_is_and_the_rest_is_cancelled():
    ended = {}

    async def work(item):
        try:
            if item == 2:
                await asyncio.sleep(0.005)
                raise ValueError("item 2")
            await asyncio.sleep(30)
        except BaseException as error:
            ended[item] = type(error).__name__
            raise

    with pytest.raises(ValueError, match=r"^item 2$") as raised:
        mapped(work, range(9), 4)
    assert type(raised.value) is ValueError
    assert ended == {0: "CancelledError", 1: "CancelledError", 2: "ValueError", 3: "CancelledError"}


def test_of_two_errors_the_first_in_time_is_raised():
    async def work(item):
        await asyncio.sleep(0.001 if item == 1 else 0.01)
        raise ValueError(item)

    with pytest.raises(ValueError, match=r"^1$"):
        mapped(work, [0, 1, 2])


def test_an_error_while_others_are_cancelled_does_not_hide_the_first():
    async def work(item):
        if item == 0:
            await asyncio.sleep(0.001)
            raise ValueError("first")
        try:
            await asyncio.sleep(30)
        finally:
            raise RuntimeError("while cleaning up")

    with pytest.raises(ValueError, match="first"):
        mapped(work, [0, 1])


def test_a_cancelled_map_cancels_what_it_runs():
    cancelled = []

    async def work(item):
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.append(item)
            raise

    async def main():
        await asyncio.wait_for(AsyncioExecutor(2).map(work, [0, 1, 2]), 0.01)

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert sorted(cancelled) == [0, 1]


def test_an_item_that_cancels_itself_is_no_missing_result():
    async def work(item):
        if item == 1:
            raise asyncio.CancelledError
        return item

    with pytest.raises(asyncio.CancelledError):
        mapped(work, [0, 1, 2], 1)
