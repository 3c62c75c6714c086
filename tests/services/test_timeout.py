"""Timeouts of equal length: each ends what it is around, and nothing else."""

import asyncio
import time

import pytest

from autogenesis_core.services.timeout import Timeouts


def test_what_takes_too_long_ends_in_a_timeout_and_the_rest_does_not():
    timeouts = Timeouts(0.05)

    async def work(seconds):
        with timeouts():
            await asyncio.sleep(seconds)
        return seconds

    async def all_of_them():
        return await asyncio.gather(*map(work, (0.0, 5.0, 0.01, 5.0)), return_exceptions=True)

    start = time.monotonic()
    found = asyncio.run(all_of_them())
    assert [type(item) for item in found] == [float, TimeoutError, float, TimeoutError]
    assert time.monotonic() - start < 2


def test_one_that_begins_later_ends_later():
    timeouts = Timeouts(0.1)

    async def work(wait):
        await asyncio.sleep(wait)
        begun = time.monotonic()
        with pytest.raises(TimeoutError), timeouts():
            await asyncio.sleep(5)
        return time.monotonic() - begun

    async def both():
        return await asyncio.gather(work(0), work(0.05))

    assert all(0.09 < seconds < 1 for seconds in asyncio.run(both()))


def test_a_cancellation_from_elsewhere_stays_one():
    timeouts = Timeouts(5)

    async def work():
        with timeouts():
            await asyncio.sleep(5)

    async def cancelled():
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())


def test_an_error_is_not_turned_into_a_timeout():
    async def work():
        with Timeouts(5)():
            raise ValueError("oops")

    with pytest.raises(ValueError, match="oops"):
        asyncio.run(work())


def test_they_serve_one_event_loop_after_another():
    timeouts = Timeouts(0.02)

    async def work():
        with timeouts():
            await asyncio.sleep(5)

    for _ in range(2):
        with pytest.raises(TimeoutError):
            asyncio.run(work())
