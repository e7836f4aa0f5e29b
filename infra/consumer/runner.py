"""Runs a Faust application as a process: signals, tasks, exit status."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, NoReturn

import faust
import structlog
from faust.exceptions import ConsumerNotStarted

from infra.consumer.app import BatchedApp
from infra.consumer.protocols import LogMismatchError
from infra.runtime.blocking_pool import BlockingPool

# The checkpoints to seek to, offset reports, checks of the log. Batches that wait for the database
# occupy every thread of their own pools, and never one of these.
UPKEEP = BlockingPool(4, "upkeep", timeout=None)

# A topic that is made anew while it is read keeps its name, and fetching goes on unnoticed where
# the new one has grown past the offset. So the topics' ids are compared this often.
VERIFY_SECONDS = 1.0
log = structlog.get_logger(__name__)


class _Worker(faust.Worker):
    """A worker that ends when its tasks have ended."""

    async def _sentinel_task(self) -> None:
        """Let cancelled tasks end; by default this sleeps for a whole second."""
        await asyncio.sleep(0.05)


def run(app: BatchedApp) -> None:
    """Run an application until SIGTERM or SIGINT; its tasks end with it.

    Raises:
        SystemExit: with status 1 when the application crashed.
    """
    logging.getLogger("faust").setLevel(logging.WARNING)
    logging.getLogger("mode").setLevel(logging.WARNING)
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    app.task(every(app, VERIFY_SECONDS, partial(_verify, app), name="verifying the log"))
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
    """End the process at once: going on would do damage, and every transaction is whole."""
    log.critical("halted", reason=str(error))
    os._exit(1)


def _verify(app: BatchedApp) -> None:
    """End the process when a topic that is being read is not the one that was read so far."""
    partitions = [(topic, number) for topic, numbers in assigned(app).items() for number in numbers]
    try:
        app.checkpoints.verify(partitions)
    except LogMismatchError as error:
        abort_process(error)


def every(
    app: BatchedApp, seconds: float, action: Callable[[], Any], *, name: str
) -> Callable[[], Awaitable[None]]:
    """Make a task that repeats a blocking call; its errors are logged."""

    async def repeat() -> None:
        while not app.should_stop:
            try:
                await UPKEEP.run(action)
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
    by_topic: dict[str, list[int]] = {}
    for tp in sorted(partitions):
        by_topic.setdefault(tp.topic, []).append(tp.partition)
    return by_topic
