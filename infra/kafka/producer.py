"""The one Kafka producer of a process, as an event loop sees it: a record in, a future out.

The loop itself looks after deliveries, each millisecond while some are awaited. A thread that
waits for them would hear of each a little earlier, but wants the interpreter just when the loop
has it: under load both would wait for one another most of the time.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

import confluent_kafka
import msgspec
import structlog
from confluent_kafka import KafkaError, KafkaException

from infra.kafka.delivery import (
    Delivery,
    DeliveryGroup,
    DeliveryUnknown,
    NotWritten,
    Outcome,
    outcome_of,
    refusal,
    resolve,
)
from infra.settings import Settings

DELIVERY_SECONDS = 10
# librdkafka has a request for each partition. With 1 ms a thousand votes a second are nearly as
# many requests, with 5 some seven hundred; where broker and API are short of time, votes are
# acknowledged sooner for it.
LINGER_MILLISECONDS = 5
MOST_WAITING = 100_000
LOOK_SECONDS = 0.001
IDLE_SECONDS = 0.1

Headers = list[tuple[str, str | bytes | None]]
Report = Callable[[KafkaError | None, Any], None]
"""What the log's client calls, on the loop, when it knows what became of a record."""
log = structlog.get_logger(__name__)


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """A record to send."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers | None = None


class Producer(Protocol):
    """Sends records; what the API needs of one."""

    def send(
        self, topic: str, key: bytes, value: bytes, headers: Headers | None = None
    ) -> "asyncio.Future[Delivery]":
        """Queue a record. The future ends with its delivery, `NotWritten` or `DeliveryUnknown`."""
        ...

    def send_all(self, records: Sequence[Outgoing]) -> "asyncio.Future[list[Outcome]]":
        """Queue records. The future ends with the outcome of each, once all are known."""
        ...


class KafkaProducer:
    """An idempotent producer with acknowledgement by all in-sync replicas.

    Args:
        settings: Where the brokers are, and how to speak to them.
        on_fatal: Called on the loop, once, when the producer can no longer keep its promise of
            one append per record; the process should then end and be started again.
        delivery_seconds: After this long a record that is not acknowledged is `DeliveryUnknown`.

    Make it on the loop that will wait for the deliveries.
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
        self._kafka = confluent_kafka.Producer(
            configuration(settings, delivery_seconds) | {"error_cb": self._on_error}
        )
        self._idle = True
        self._timer = self._loop.call_later(0, self._look)

    def send(
        self, topic: str, key: bytes, value: bytes, headers: Headers | None = None
    ) -> "asyncio.Future[Delivery]":
        """Queue a record. The future ends with its delivery, `NotWritten` or `DeliveryUnknown`."""
        future: asyncio.Future[Delivery] = self._loop.create_future()

        def report(error: KafkaError | None, message: Any) -> None:
            resolve(future, outcome_of(error, message))

        refused = self._queue(Outgoing(topic, key, value, headers), report)
        if refused is not None:
            resolve(future, refused)
        return future

    def send_all(self, records: Sequence[Outgoing]) -> "asyncio.Future[list[Outcome]]":
        """Queue records. The future ends with the outcome of each, once all are known."""
        group = DeliveryGroup(len(records), self._loop.create_future())

        def report(number: int, error: KafkaError | None, message: Any) -> None:
            group.resolve(number, outcome_of(error, message))

        for number, record in enumerate(records):
            refused = self._queue(record, partial(report, number))
            if refused is not None:
                group.resolve(number, refused)
        return group.future

    def _queue(self, record: Outgoing, report: Report) -> NotWritten | DeliveryUnknown | None:
        """Queue a record whose end is reported; or say at once why that cannot be."""
        if self._broken:
            return NotWritten(self._broken)
        try:
            self._kafka.produce(
                record.topic, record.value, record.key, on_delivery=report, headers=record.headers
            )
        except BufferError:
            return NotWritten("too many records wait for the broker")
        except KafkaException as error:
            return refusal(error.args[0])
        if self._idle:
            self._look_in(LOOK_SECONDS)
        return None

    @property
    def waiting(self) -> int:
        """Records that are queued or in flight."""
        return len(self._kafka)

    def brokers(self, timeout: float) -> int:
        """Number of brokers that are known; asks the cluster, so call it in a thread.

        Raises:
            KafkaException: No broker answers within `timeout` seconds.
        """
        return len(self._kafka.list_topics(timeout=timeout).brokers)

    async def close(self, timeout: float = 5) -> None:
        """Wait for what is in flight, at most `timeout` seconds, and stop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while self.waiting:
                    await asyncio.sleep(LOOK_SECONDS)
        self._timer.cancel()

    def _look(self) -> None:
        """Have every report called that has come in, and look again in a while."""
        try:
            self._kafka.poll(0)
        finally:
            self._look_in(LOOK_SECONDS if self.waiting else IDLE_SECONDS)

    def _look_in(self, seconds: float) -> None:
        self._idle = seconds == IDLE_SECONDS
        self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._look)

    def _on_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._FATAL and not self._broken:
            self._broken = f"the producer failed for good: {error.str()}"
            log.error("producer failed for good", reason=error.str())
            self._loop.call_soon_threadsafe(self._on_fatal, self._broken)
        elif error.code() == KafkaError._ALL_BROKERS_DOWN:
            log.warning("no broker answers", reason=error.str())


def configuration(settings: Settings, delivery_seconds: float = DELIVERY_SECONDS) -> dict[str, Any]:
    """The librdkafka properties of our producers: one key, one partition, one append."""
    return {
        "bootstrap.servers": settings.kafka,
        **settings.kafka_security,
        "client.id": "verdicts",
        "partitioner": "murmur2_random",
        "enable.idempotence": True,
        "acks": "all",
        "compression.type": "lz4",
        "linger.ms": LINGER_MILLISECONDS,
        "message.max.bytes": 2 << 20,  # no less than the event topics take
        "message.timeout.ms": int(delivery_seconds * 1000),
        "request.timeout.ms": int(delivery_seconds * 500),
        "queue.buffering.max.messages": MOST_WAITING,
        "retry.backoff.ms": 50,
        "reconnect.backoff.max.ms": 1000,
        "log_level": 2,  # what matters comes as errors; single connections come and go
    }


class FakeProducer:
    """A producer without a broker: acknowledges at once, or does what it is told.

    Attributes:
        sent: Everything acknowledged, in order.
        failure: When set, the outcome of each further record instead of a delivery.
    """

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.failure: NotWritten | DeliveryUnknown | None = None

    def send(
        self, topic: str, key: bytes, value: bytes, headers: Headers | None = None
    ) -> "asyncio.Future[Delivery]":
        """Keep the record in `sent`, on partition 0; its offset is its place on the topic."""
        future: asyncio.Future[Delivery] = asyncio.get_running_loop().create_future()
        resolve(future, self._kept(Outgoing(topic, key, value, headers)))
        return future

    def send_all(self, records: Sequence[Outgoing]) -> "asyncio.Future[list[Outcome]]":
        """Keep the records in `sent`, as `send` does."""
        future: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        future.set_result([self._kept(record) for record in records])
        return future

    def _kept(self, record: Outgoing) -> Outcome:
        if self.failure is not None:
            return self.failure
        offset = sum(sent.topic == record.topic for sent in self.sent)
        self.sent.append(record)
        return Delivery(record.topic, 0, offset)
