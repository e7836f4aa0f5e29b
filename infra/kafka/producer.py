"""The Kafka producer of an event loop: a record in, a future out.

The loop polls for deliveries, each millisecond while records are in flight. A polling thread would
hear of each delivery a little earlier, but needs the interpreter just when the loop holds it: under
load the two would wait for each other most of the time. Code on threads uses
`infra.kafka.delivery.send_each`.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

import structlog
from confluent_kafka import KafkaError, KafkaException

from infra.kafka.acknowledgement.delivery_group import DeliveryGroup, batch_message, is_batch
from infra.kafka.acknowledgement.delivery_watch import DeliveryWatch
from infra.kafka.client import DELIVERY_SECONDS, create_producer
from infra.kafka.delivery import (
    Delivery,
    DeliveryUnknown,
    Headers,
    NotWritten,
    Outcome,
    Outgoing,
    Report,
    outcome_of,
    produce,
    refusal,
    resolve,
)
from infra.settings import Settings

BUSY_POLL_SECONDS = 0.001
IDLE_POLL_SECONDS = 0.1
log = structlog.get_logger(__name__)


class Producer(Protocol):
    """Sends records from an event loop."""

    def send(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: Headers | None = None,
        *,
        timestamp: int = 0,
    ) -> "asyncio.Future[Delivery]":
        """Queue a record. The future ends with its delivery, `NotWritten` or `DeliveryUnknown`."""
        ...

    def send_all(self, records: Sequence[Outgoing]) -> "asyncio.Future[list[Outcome]]":
        """Queue records. The future ends with the outcome of each, once all are known."""
        ...


class KafkaProducer:
    """An idempotent producer with acknowledgement by all in-sync replicas.

    Args:
        settings: The brokers and their security.
        on_fatal: Called on the loop, once, when the producer can no longer keep its promise of
            one append per record; the process should then end and be started again.
        delivery_seconds: After this long an unacknowledged record is `DeliveryUnknown`.

    Create it on the loop that awaits the deliveries.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        on_fatal: Callable[[str], None] = lambda _: None,
        delivery_seconds: float = DELIVERY_SECONDS,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_fatal = on_fatal
        self._broken = ""
        self._watch = DeliveryWatch()
        self._kafka = create_producer(
            settings, {"error_cb": self._on_error}, delivery_seconds=delivery_seconds
        )
        self._idle = True
        self._timer = self._loop.call_later(0, self._poll)

    def send(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: Headers | None = None,
        *,
        timestamp: int = 0,
    ) -> "asyncio.Future[Delivery]":
        """Queue a record. The future ends with its delivery, `NotWritten` or `DeliveryUnknown`."""
        future: asyncio.Future[Delivery] = self._loop.create_future()

        def report(error: KafkaError | None, message: Any) -> None:
            resolve(future, self._outcome(error, message))

        record = Outgoing(topic, key, value, headers, timestamp=timestamp)
        refused = self._queue(record, report)
        if refused is not None:
            resolve(future, refused)
        return future

    def send_all(self, records: Sequence[Outgoing]) -> "asyncio.Future[list[Outcome]]":
        """Queue records. The future ends with the outcome of each, once all are known."""
        group = DeliveryGroup(records, self._loop.create_future())
        if not self._broken and is_batch(records):
            self._queue_batch(records, group)
        else:
            self._queue_each(records, group)
        return group.future

    def _queue_each(self, records: Sequence[Outgoing], group: DeliveryGroup) -> None:
        def report(number: int, error: KafkaError | None, message: Any) -> None:
            group.resolve(number, self._outcome(error, message))

        for number, record in enumerate(records):
            refused = self._queue(record, partial(report, number))
            if refused is not None:
                group.resolve(number, refused)

    def _queue_batch(self, records: Sequence[Outgoing], group: DeliveryGroup) -> None:
        """Queue records of one topic in one call, which takes a third less time."""

        def report(error: KafkaError | None, message: Any) -> None:
            group.resolve_value(message.value(), self._outcome(error, message))

        messages = [batch_message(record) for record in records]
        refused: KafkaError | None = None
        try:
            self._kafka.produce_batch(records[0].topic, messages, on_delivery=report)
        except KafkaException as exception:  # it has taken none of them
            refused = exception.args[0]
        for number, message in enumerate(messages):
            if (error := refused or message.get("_error")) is not None:
                group.resolve(number, refusal(error))
            else:
                self._watch.sent()
        if self._idle:
            self._poll_in(BUSY_POLL_SECONDS)

    def _outcome(self, error: KafkaError | None, message: Any) -> Outcome:
        """The outcome that a report tells, noted for `fault`."""
        outcome = outcome_of(error, message)
        self._watch.resolved(outcome)
        return outcome

    def _queue(self, record: Outgoing, report: Report) -> NotWritten | DeliveryUnknown | None:
        """Queue a record, or give its refusal at once; then `report` is not called."""
        if self._broken:
            return NotWritten(self._broken)
        try:
            produce(self._kafka, record, report)
        except BufferError:
            return NotWritten("too many records wait for the broker")
        except KafkaException as error:
            return refusal(error.args[0])
        self._watch.sent()
        if self._idle:
            self._poll_in(BUSY_POLL_SECONDS)
        return None

    @property
    def fault(self) -> str:
        """Why a record sent now would not be acknowledged; empty as far as is known."""
        return self._broken or self._watch.fault

    def connect(self, timeout: float) -> None:
        """Meet the cluster before the first record; blocks, so call it on a thread.

        Raises:
            KafkaException: no broker answers within `timeout` seconds.
        """
        self._kafka.list_topics(timeout=timeout)

    async def close(self, timeout: float = 5) -> None:
        """Wait for records in flight, at most `timeout` seconds, and stop polling."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while len(self._kafka):
                    await asyncio.sleep(BUSY_POLL_SECONDS)
        self._timer.cancel()

    def _poll(self) -> None:
        """Run the delivery callbacks that are due, and schedule the next poll."""
        try:
            self._kafka.poll(0)
        finally:
            self._poll_in(BUSY_POLL_SECONDS if len(self._kafka) else IDLE_POLL_SECONDS)

    def _poll_in(self, seconds: float) -> None:
        self._idle = seconds == IDLE_POLL_SECONDS
        self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._poll)

    def _on_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._FATAL and not self._broken:
            self._broken = f"the producer failed for good: {error.str()}"
            log.error("producer failed for good", reason=error.str())
            self._loop.call_soon_threadsafe(self._on_fatal, self._broken)
        elif error.code() == KafkaError._ALL_BROKERS_DOWN:
            log.warning("no broker answers", reason=error.str())


class FakeProducer:
    """A producer without a broker: acknowledges at once, or gives the failure it is set to.

    Attributes:
        sent: Everything acknowledged, in order.
        failure: When set, the outcome of each further record instead of a delivery.
    """

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.failure: NotWritten | DeliveryUnknown | None = None

    def send(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: Headers | None = None,
        *,
        timestamp: int = 0,
    ) -> "asyncio.Future[Delivery]":
        """Append the record to `sent`, on partition 0; offsets count per topic."""
        future: asyncio.Future[Delivery] = asyncio.get_running_loop().create_future()
        record = Outgoing(topic, key, value, headers, timestamp=timestamp)
        resolve(future, self._append(record))
        return future

    def send_all(self, records: Sequence[Outgoing]) -> "asyncio.Future[list[Outcome]]":
        """Append the records to `sent`, as `send` does."""
        future: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        future.set_result([self._append(record) for record in records])
        return future

    def _append(self, record: Outgoing) -> Outcome:
        if self.failure is not None:
            return self.failure
        offset = sum(sent.topic == record.topic for sent in self.sent)
        self.sent.append(record)
        return Delivery(record.topic, 0, offset)
