"""A deadline for many waits at once, nearly for nothing.

`asyncio.timeout` sets a timer for each, which would cost a vote a twentieth of its time here.
"""

import asyncio
from time import monotonic
from types import TracebackType
from typing import Any


class SharedTimeout:
    """Ends each `with` block that takes longer, with `TimeoutError`; one timer looks after all.

    For the tasks of one event loop, each in one such block at a time.

    Args:
        seconds: How long a block may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._begun: dict[asyncio.Task[Any], float] = {}  # the one that began first stands first
        self._late: set[asyncio.Task[Any]] = set()

    def __enter__(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task
        if loop is not self._loop:
            self._loop, self._timer = loop, None
            self._begun.clear()
        self._begun[task] = monotonic()
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._look, loop)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        task = asyncio.current_task()
        assert task
        self._begun.pop(task, None)
        if self._late and task in self._late:
            self._late.discard(task)
            if kind is asyncio.CancelledError and task.uncancel() <= 0:
                raise TimeoutError from error

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cancel who is late, and come back when the next one would be."""
        now = monotonic()
        self._timer = None
        for task, begun in list(self._begun.items()):
            if begun + self._seconds > now:
                self._timer = loop.call_later(begun + self._seconds - now, self._look, loop)
                return
            del self._begun[task]
            self._late.add(task)
            task.cancel()
