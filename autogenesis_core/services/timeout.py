"""Timeouts of equal length: one timer for all, since that of the oldest is always the next to end."""

import asyncio

from attrs import define, field


@define(eq=False)
class Timeouts:
    """`with timeouts():` ends what takes longer than so many seconds, as `asyncio.timeout` does, but cheaper."""

    seconds: float
    _open: dict["_Timeout", None] = field(factory=dict)  # the oldest first
    _timer: asyncio.TimerHandle | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    def __call__(self) -> "_Timeout":
        """A context around what the current task does; raises TimeoutError there."""
        return _Timeout(self)

    def begin(self, timeout: "_Timeout") -> None:
        """Counts from now."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._timer, self._open = loop, None, {}
        timeout.until = loop.time() + self.seconds
        self._open[timeout] = None
        if self._timer is None:
            self._timer = loop.call_at(timeout.until, self._expire, loop)

    def end(self, timeout: "_Timeout") -> None:
        """Counts no longer."""
        self._open.pop(timeout, None)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        for timeout in list(self._open):
            if timeout.until > loop.time():
                self._timer = loop.call_at(timeout.until, self._expire, loop)
                return
            timeout.expire()


class _Timeout:
    __slots__ = ("_cancelling", "_expired", "_task", "_timeouts", "until")

    until: float

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._expired = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a timeout needs a task")
        self._task, self._cancelling = task, task.cancelling()
        self._timeouts.begin(self)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._timeouts.end(self)
        # What was cancelled from elsewhere as well stays cancelled.
        if self._expired and self._task.uncancel() <= self._cancelling and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error

    def expire(self) -> None:
        """Cancels the task, which ends in a TimeoutError."""
        self._expired = True
        self._timeouts.end(self)
        self._task.cancel()
