"""The agent of a topic: one actor per partition, each batch one call of a sink."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import structlog
from faust.types import TP, StreamT

from infra.consumer.app import BatchedApp
from infra.consumer.partition_consumer import BatchSink, PartitionConsumer, StepRunner
from infra.consumer.protocols import LogMismatchError
from infra.consumer.runner import abort_process, run_blocking

# Enough to spread a commit's cost over many votes, few enough to finish within a second.
LARGEST_BATCH = 5_000
log = structlog.get_logger(__name__)


def consume(
    app: BatchedApp,
    topic: str,
    sink: Callable[[TP], BatchSink],
    doing: StepRunner,
    *,
    gaps: bool = False,
) -> None:
    """Register the agent that hands every partition of a topic to a sink of its own.

    Args:
        app: The application.
        topic: The topic's name.
        sink: Makes the sink of a partition.
        doing: Does what the sinks say.
        gaps: Whether offsets may be missing, as on a compacted topic.
    """

    async def agent(stream: StreamT[Any]) -> None:
        try:
            await follow(stream)
        except asyncio.CancelledError:
            # Its partition was revoked. Faust would take that for a failure and start another
            # actor for the same partition, and end the process at the second within 10 ms.
            return
        except Exception as error:
            # Nobody foresaw it, and what is in hand must not be passed over.
            log.exception("an agent failed")
            abort_process(error)
        finally:
            # Faust forgets the channel only of an actor that was idle when its partition went, and
            # crashes at the next assignment where a busy one has left its own behind.
            channel: Any = stream.channel
            app.topics.discard(channel)

    async def follow(stream: StreamT[Any]) -> None:
        partition: PartitionConsumer | None = None
        async for chunk in stream:
            records = drained(chunk, stream)
            if partition is None:
                place = TP(records[0].topic, records[0].partition)
                name = f"{place.topic}/{place.partition}"
                holds = partial(app.checkpoints.has_records, place)
                seek = seeker(app, place)
                partition = PartitionConsumer(name, sink(place), doing, seek, holds, gaps=gaps)
            for batch in batches(records):
                await partition.consume(batch)

    channel = app.topic(topic, value_type=None, value_serializer="raw", acks=False)
    app.agent(channel, name=f"consume.{topic}", isolated_partitions=True)(agent)


def drained(first: list[Any], stream: StreamT[Any]) -> list[Any]:
    """Take what waits behind the first chunk, so that it shares its transaction.

    What arrives while a transaction is in flight waits in Faust's own bounded queue and becomes
    the next batch. Nothing is kept beside the queue: that would defeat its backpressure, and
    survive a revocation.
    """
    channel: Any = stream.channel
    queue = channel.queue
    records = list(first)
    while len(records) < LARGEST_BATCH and queue.qsize():
        records += queue.get_nowait().value
    return records


def batches(records: list[Any]) -> Iterator[list[Any]]:
    """Split records into batches of at most the largest size."""
    for start in range(0, len(records), LARGEST_BATCH):
        yield records[start : start + LARGEST_BATCH]


def seeker(app: BatchedApp, place: TP) -> Callable[[int], Awaitable[None]]:
    """Give a function that makes the consumer fetch this partition again from an offset."""

    async def seek(offset: int) -> None:
        try:
            # Loading verifies that the log still holds that offset.
            await run_blocking(app.checkpoints.load, [place])
        except LogMismatchError as error:
            abort_process(error)
        await app.consumer.seek_wait({place: offset})

    return seek
