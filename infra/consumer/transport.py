"""A Faust transport that delivers records in chunks and starts from the database's offsets.

Stock Faust carries every message across the event loop on its own, about 75 µs each. Here the
consumer yields one Faust message per fetched chunk of a partition, whose value is the list of
records, so the price is paid per chunk. Faust finds the transport by the `batched://` scheme,
through the `faust.transports` entry point.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord, OffsetAndMetadata, TopicPartition
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka
from faust.types import TP, ConsumerMessage
from sqlalchemy.exc import SQLAlchemyError

from infra.consumer.fetch_tuning import LOW_LATENCY, FetchTuner
from infra.consumer.protocols import Checkpoints, LogMismatchError
from infra.consumer.runner import UPKEEP, abort_process

Records = list[ConsumerRecord]
log = structlog.get_logger(__name__)


class ConsumerThread(aiokafka.AIOKafkaConsumerThread):
    """The consumer's own thread and loop; `tuner` chooses the settings of each fetch."""

    tuner: FetchTuner

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # By default Faust reads records of transactions that never commit.
        consumer._isolation_level = "read_committed"
        consumer._fetch_min_bytes, consumer._fetch_max_wait_ms = LOW_LATENCY
        self.tuner = FetchTuner()
        return consumer

    async def _fetch_records(self, consumer: AIOKafkaConsumer, *given: Any, **more: Any) -> Any:
        """Fetch, and tune the next fetch, which is not sent yet."""
        fetched = await super()._fetch_records(consumer, *given, **more)
        tuned = self.tuner.update(sum(map(len, fetched.values())))
        consumer._fetcher._fetch_min_bytes, consumer._fetcher._fetch_max_wait_ms = tuned
        return fetched

    async def report_offsets(self, offsets: Mapping[TP, int]) -> None:
        """Commit the database's offsets to the broker, for monitors of lag alone."""
        await self.call_thread(self.report_unless_rebalancing, offsets)

    async def report_unless_rebalancing(self, offsets: Mapping[TP, int]) -> None:
        """Report offsets, except while the group rebalances.

        A report would wait behind the join request at the broker, arrive with an old generation,
        and make the client forget its new membership: the group would rebalance once more, and a
        process that stops then would not leave it, so that the others wait for ten seconds.
        """
        consumer = self._ensure_consumer()
        subscription = consumer._subscription.subscription
        if subscription is None or consumer._coordinator.need_rejoin(subscription):
            return
        assigned = self.assignment()
        known = {
            TopicPartition(tp.topic, tp.partition): OffsetAndMetadata(offset, "")
            for tp, offset in offsets.items()
            if tp in assigned
        }
        if known:
            await consumer.commit(known)


class Consumer(aiokafka.Consumer):
    """Yields chunks, and seeks to the checkpoints."""

    _thread: ConsumerThread
    _subscribed = False

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Subscribe to the topics of all agents, once.

        Faust subscribes anew 45 seconds after a partition was revoked. That would rebalance the
        whole group, and drop the topics without a partition here at present, so that their
        partitions could not move here when their owner dies.
        """
        if not self._subscribed:
            self._subscribed = True
            await super().subscribe(topics)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """Yield each partition's fetched records as one message."""
        fetched, active = await self._wait_next_records(timeout)
        if not fetched or self.should_stop:
            return
        if not self.flow_active:
            await self.perform_seek()
            return
        generation = self.app.consumer_generation_id
        for partition, records in fetched.items():
            if not self.flow_active or self.app.consumer_generation_id != generation:
                break
            tp = ensure_TP(partition)
            if active is None or tp in active or tp in self._buffered_partitions:
                yield tp, self._chunk(tp, records)

    def _chunk(self, tp: TP, records: Records) -> ConsumerMessage:
        first = records[0]
        value: Any = records  # typed as bytes, but Faust passes any value on
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            first.offset,
            first.timestamp / 1000.0,
            first.timestamp_type,
            None,
            None,
            value,
            None,
            None,
            None,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    @property
    def _checkpoints(self) -> Checkpoints:
        app: Any = self.app
        checkpoints: Checkpoints = app.checkpoints
        return checkpoints

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek every assigned partition to the offset that its checkpoint stores.

        Waits for a database that is away: without it nothing could be applied anyway.
        """
        assigned = self.assignment()
        offsets = await self._load_checkpoints(assigned)
        if offsets:
            await self.seek_wait(offsets)
        return offsets

    async def _load_checkpoints(self, assigned: set[TP]) -> dict[TP, int]:
        while True:
            try:
                offsets = await UPKEEP.run(self._checkpoints.load, assigned)
            except LogMismatchError as error:
                abort_process(error)
            except Exception as error:
                log.warning("waiting for the checkpoints", reason=str(error))
                await asyncio.sleep(1.0)
            else:
                return {tp: offsets[tp.topic, tp.partition] for tp in assigned}

    async def commit(self, *_: Any, **__: Any) -> bool:
        """Report the database's offsets in place of Faust's own."""
        assigned = self.assignment()
        if not assigned:
            return False
        try:
            stored = await UPKEEP.run(self._checkpoints.stored, assigned)
            # A partition that was never assigned before may have no checkpoint yet.
            offsets = {TP(*partition): offset for partition, offset in stored.items()}
            await self._thread.report_offsets(offsets)
        except (KafkaError, SQLAlchemyError) as error:
            log.info("offsets were not reported", reason=str(error))
            return False
        return True


class Transport(aiokafka.Transport):
    """The transport behind `batched://`."""

    Consumer = Consumer
    driver_version = f"batched over {aiokafka.Transport.driver_version}"
