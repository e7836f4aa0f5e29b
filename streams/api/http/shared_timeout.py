"""One timeout for many waits at once, at almost no cost.

`asyncio.timeout` sets a timer for each wait, which would cost a vote a twentieth of its time here.
"""

import asyncio
from time import monotonic
from types import TracebackType
from typing import Any


class SharedTimeout:
    """Ends each `with` block that takes longer, with `TimeoutError`; one timer serves all blocks.

    For the tasks of one event loop, each in one such block at a time.

    Args:
        seconds: How long a block may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._started: dict[asyncio.Task[Any], float] = {}  # in the order of their start
        self._expired: set[asyncio.Task[Any]] = set()

    def __enter__(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task
        if loop is not self._loop:
            self._loop, self._timer = loop, None
            self._started.clear()
        self._started[task] = monotonic()
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._cancel_expired, loop)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        task = asyncio.current_task()
        assert task
        self._started.pop(task, None)
        if self._expired and task in self._expired:
            self._expired.discard(task)
            if kind is asyncio.CancelledError and task.uncancel() <= 0:
                raise TimeoutError from error

    def _cancel_expired(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cancel expired tasks, and set the timer for the next one."""
        now = monotonic()
        self._timer = None
        for task, start in list(self._started.items()):
            if start + self._seconds > now:
                delay = start + self._seconds - now
                self._timer = loop.call_later(delay, self._cancel_expired, loop)
                return
            del self._started[task]
            self._expired.add(task)
            task.cancel()
