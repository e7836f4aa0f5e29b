"""What blocks, asked from an event loop, and waited for no longer than people wait.

A server that hangs answers nothing and refuses nothing, so the thread that asks it stands there
for as long as that lasts. Who waits for the thread must go on without it.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

SECONDS = 4.0
LOOK_SECONDS = 0.01

T = TypeVar("T")


class NoAnswerError(SQLAlchemyError):
    """No answer in time: to who waits, the database is away."""


class BlockingPool:
    """Threads of their own for one kind of question, so that others never wait behind it.

    Those that hang are given up by who waits, not ended: further questions have the rest of the
    threads, and wait for one no longer than for an answer.

    Args:
        count: How many, and so how many connections.
        name: For who looks at the process.
        patience: Seconds until a question counts as not answered.
    """

    def __init__(self, count: int, name: str, patience: float = SECONDS) -> None:
        self._pool = ThreadPoolExecutor(count, name)
        self._patience = patience

    async def run(self, action: Callable[..., T], *arguments: Any) -> T:
        """Do a blocking thing in one of the threads.

        Raises:
            SilentError: it is not done in time.
        """
        done = asyncio.get_running_loop().run_in_executor(self._pool, action, *arguments)
        try:
            async with asyncio.timeout(self._patience):
                return await done
        except TimeoutError:
            raise NoAnswerError(f"no answer within {self._patience:g} s") from None

    def close(self) -> None:
        """Stop the threads once they are done."""
        self._pool.shutdown(wait=False, cancel_futures=True)


async def join_async(thread: threading.Thread, seconds: float) -> None:
    """Wait a while for a thread's end, without a thread that waits: all may be taken."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while thread.is_alive():
                await asyncio.sleep(LOOK_SECONDS)
