"""How a Faust application becomes a process: its signals, its tasks, its exit status."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NoReturn, TypeVar

import faust
import structlog
from faust.exceptions import ConsumerNotStarted

from infra.consumer.app import BatchedApp
from infra.consumer.protocols import LogMismatchError

# Batches that wait for the database take up every thread that they have. What keeps the process
# itself going (signs of life, checkpoints to seek to, reports) must not wait behind them.
_ASIDE = ThreadPoolExecutor(4, thread_name_prefix="aside")
T = TypeVar("T")

# A topic that is made anew while it is read keeps its name, and fetching goes on as if nothing
# had happened where the new one has grown past the offset. So its id is looked at this often.
VERIFY_SECONDS = 1.0
log = structlog.get_logger(__name__)


class _Worker(faust.Worker):
    """A worker that ends when all that it ran has ended."""

    async def _sentinel_task(self) -> None:
        """Let what was cancelled end; by default that is a whole second in which nobody works."""
        await asyncio.sleep(0.05)


def run(app: BatchedApp) -> None:
    """Run an application until SIGTERM or SIGINT; what it started ends with it.

    Raises:
        SystemExit: with status 1 when the application crashed.
    """
    logging.getLogger("faust").setLevel(logging.WARNING)
    logging.getLogger("mode").setLevel(logging.WARNING)
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    app.task(every(app, VERIFY_SECONDS, partial(_verify, app), name="looking at the log"))
    worker = _Worker(
        app,
        loglevel=None,
        redirect_stdouts=False,
        override_logging=False,
        quiet=True,
        blocking_timeout=0.0,
    )
    worker.spinner = None  # it would write escapes for a terminal into the log
    worker.execute_from_commandline()


def abort_process(error: Exception) -> NoReturn:
    """End the process at once and loudly: going on would do damage, and nothing is half done."""
    log.critical("halted", reason=str(error))
    os._exit(1)


async def run_blocking(action: Callable[..., T], *arguments: Any) -> T:
    """Do a blocking thing in a thread that no batch can occupy."""
    return await asyncio.get_running_loop().run_in_executor(_ASIDE, action, *arguments)


def _verify(app: BatchedApp) -> None:
    """Halt when a topic that is being read is not the one that was read so far."""
    places = [(topic, number) for topic, numbers in assigned(app).items() for number in numbers]
    try:
        app.checkpoints.verify(places)
    except LogMismatchError as error:
        abort_process(error)


def every(
    app: BatchedApp, seconds: float, action: Callable[[], Any], *, name: str
) -> Callable[[], Awaitable[None]]:
    """Make a task that calls a blocking function in a thread again and again; faults are logged."""

    async def repeat() -> None:
        while not app.should_stop:
            try:
                await run_blocking(action)
            except Exception as error:
                log.warning(f"{name} failed", reason=str(error))
            await asyncio.sleep(seconds)

    return repeat


def assigned(app: BatchedApp) -> Mapping[str, list[int]]:
    """The partitions that this process works on now, by topic."""
    if not app.consumer or app.rebalancing:
        return {}
    try:
        partitions = app.consumer.assignment()
    except ConsumerNotStarted:
        return {}
    found: dict[str, list[int]] = {}
    for tp in sorted(partitions):
        found.setdefault(tp.topic, []).append(tp.partition)
    return found
