"""Blocking calls off the event loop, with a timeout: one pool of threads per purpose.

A server that hangs neither answers nor refuses, so a call to it keeps its thread for as long as
that lasts. With a pool per purpose no other kind of call waits behind it.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

ANSWER_SECONDS = 4.0
JOIN_POLL_SECONDS = 0.01

T = TypeVar("T")


class NoAnswerError(SQLAlchemyError):
    """No answer in time. Callers treat it like a database that is away."""


class BlockingPool:
    """Runs blocking calls of one purpose in threads of their own.

    A call that times out keeps its thread until it returns; later calls share the remaining
    threads, and their wait for a thread counts towards their timeout.

    Args:
        threads: Number of calls at once. A thread starts when it is first needed.
        purpose: Name of the threads.
        timeout: Seconds until a call counts as not answered; None waits for ever.
    """

    def __init__(self, threads: int, purpose: str, timeout: float | None = ANSWER_SECONDS) -> None:
        self._executor = ThreadPoolExecutor(threads, purpose)
        self._timeout = timeout

    async def run(self, call: Callable[..., T], *arguments: Any) -> T:
        """Make a blocking call in one of the threads.

        Raises:
            NoAnswerError: the call does not return in time.
        """
        result = asyncio.get_running_loop().run_in_executor(self._executor, call, *arguments)
        if self._timeout is None:
            return await result
        try:
            async with asyncio.timeout(self._timeout):
                return await result
        except TimeoutError:
            raise NoAnswerError(f"no answer within {self._timeout:g} s") from None

    def close(self) -> None:
        """End the threads after their present calls; drop the calls that wait for a thread."""
        self._executor.shutdown(wait=False, cancel_futures=True)


async def join_async(thread: threading.Thread, seconds: float) -> None:
    """Wait up to `seconds` for a thread's end, without occupying another thread."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while thread.is_alive():
                await asyncio.sleep(JOIN_POLL_SECONDS)
