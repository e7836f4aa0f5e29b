"""The agent of a topic: one actor per partition, fed in batches."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import structlog
from faust.types import TP, StreamT

from infra.consumer.app import BatchedApp
from infra.consumer.partition_consumer import ApplyBatch, PartitionConsumer
from infra.consumer.protocols import LogMismatchError
from infra.consumer.runner import UPKEEP, abort_process
from infra.runtime.blocking_pool import BlockingPool

# Enough to spread a commit's cost over many votes, few enough to finish within a second.
LARGEST_BATCH = 5_000
# A question waits for a server most of the time, and all partitions may ask at the same time.
_LOOK_UPS = BlockingPool(16, "partition look-ups", timeout=None)
log = structlog.get_logger(__name__)


def consume(app: BatchedApp, topic: str, applier: Callable[[TP], ApplyBatch]) -> None:
    """Register the agent that applies the records of a topic, each partition on its own.

    Args:
        app: The application.
        topic: The topic's name.
        applier: Gives the function that applies the batches of a partition.
    """

    async def agent(stream: StreamT[Any]) -> None:
        try:
            await follow(stream)
        except asyncio.CancelledError:
            # Its partition was revoked. Faust would take that for a failure and start another
            # actor for the same partition, and end the process at the second within 10 ms.
            return
        except Exception as error:
            # An unforeseen error: the records in hand must not be passed over.
            log.exception("an agent failed")
            abort_process(error)
        finally:
            # Faust forgets the channel only of an actor that was idle when its partition went, and
            # crashes at the next assignment where a busy one has left its own behind.
            channel: Any = stream.channel
            app.topics.discard(channel)

    async def follow(stream: StreamT[Any]) -> None:
        consumer: PartitionConsumer | None = None
        async for chunk in stream:
            records = drain(chunk, stream)
            if consumer is None:
                partition = TP(records[0].topic, records[0].partition)
                name = f"{partition.topic}/{partition.partition}"
                source = AssignedPartition(app, partition)
                consumer = PartitionConsumer(name, applier(partition), source)
            for batch in batches(records):
                await consumer.consume(batch)

    channel = app.topic(topic, value_type=None, value_serializer="raw", acks=False)
    app.agent(channel, name=f"consume.{topic}", isolated_partitions=True)(agent)


def drain(chunk: list[Any], stream: StreamT[Any]) -> list[Any]:
    """Take the chunks that wait behind one, so that they share its transaction.

    Chunks that arrive during a transaction wait in Faust's own bounded queue and become the next
    batch. A second queue beside it would defeat its backpressure, and survive a revocation.
    """
    channel: Any = stream.channel
    queue = channel.queue
    records = list(chunk)
    while len(records) < LARGEST_BATCH and queue.qsize():
        records += queue.get_nowait().value
    return records


def batches(records: list[Any]) -> Iterator[list[Any]]:
    """Split records into batches of at most the largest size."""
    for start in range(0, len(records), LARGEST_BATCH):
        yield records[start : start + LARGEST_BATCH]


class AssignedPartition:
    """A partition of a Faust application; see `PartitionSource`."""

    def __init__(self, app: BatchedApp, partition: TP) -> None:
        self._app = app
        self._partition = partition

    async def checkpoint(self) -> int:
        """Look the offset up in the database."""
        offsets = await _LOOK_UPS.run(self._app.checkpoints.stored, [self._partition])
        return offsets[self._partition]

    async def has_records(self, begin: int, end: int) -> bool:
        """Ask the broker."""
        return await _LOOK_UPS.run(self._app.checkpoints.has_records, self._partition, begin, end)

    async def seek(self, offset: int) -> None:
        """Seek; ends the process where the log no longer holds the checkpoint's offset."""
        try:
            await UPKEEP.run(self._app.checkpoints.load, [self._partition])
        except LogMismatchError as error:
            abort_process(error)
        await self._app.consumer.seek_wait({self._partition: offset})
