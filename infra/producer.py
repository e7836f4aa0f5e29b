"""The one Kafka producer of a process, as an event loop sees it: a record in, a future out.

The log's client reports deliveries in a thread of its own. They reach the loop in groups, one
wake-up per group, because a wake-up per record would cost more than the record.
"""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol

import confluent_kafka
import structlog
from confluent_kafka import KafkaError, KafkaException

from infra.settings import Settings

DELIVERY_SECONDS = 10
LINGER_MILLISECONDS = 1
MOST_WAITING = 100_000

Headers = list[tuple[str, str | bytes | None]]
log = structlog.get_logger(__name__)


class Delivery(NamedTuple):
    """Where an acknowledged record stands on the log."""

    topic: str
    partition: int
    offset: int


class NotWritten(Exception):  # noqa: N818 - an outcome, named for what it is
    """The record is surely not on the log, and never will be.

    `too_large` tells a record that no broker takes from a broker that takes none now.
    """

    def __init__(self, reason: str, *, too_large: bool = False) -> None:
        super().__init__(reason)
        self.too_large = too_large


class Undecided(Exception):  # noqa: N818
    """The record may stand on the log or not; nobody who can be asked knows."""


class Producer(Protocol):
    """Sends records; what the API needs of one."""

    def send(
        self, topic: str, key: bytes, value: bytes, headers: Headers | None = None
    ) -> "asyncio.Future[Delivery]":
        """Queue a record. The future ends with its delivery, `NotWritten` or `Undecided`."""
        ...


_NEVER_APPENDED = frozenset(
    {
        KafkaError._PURGE_QUEUE,
        KafkaError._QUEUE_FULL,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.INVALID_RECORD,
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.TOPIC_EXCEPTION,
    }
)
_Outcome = tuple["asyncio.Future[Delivery]", Delivery | Exception]


class KafkaProducer:
    """An idempotent producer with acknowledgement by all in-sync replicas.

    Args:
        settings: Where the brokers are, and how to speak to them.
        on_fatal: Called on the loop, once, when the producer can no longer keep its promise of
            one append per record; the process should then end and be started again.
        delivery_seconds: After this long a record that is not acknowledged is `Undecided`.

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
        self._settled: list[_Outcome] = []
        self._broken = ""
        self._stopping = threading.Event()
        self._kafka = confluent_kafka.Producer(
            configuration(settings, delivery_seconds) | {"error_cb": self._on_error}
        )
        self._thread = threading.Thread(target=self._poll, name="producer", daemon=True)
        self._thread.start()

    def send(
        self, topic: str, key: bytes, value: bytes, headers: Headers | None = None
    ) -> "asyncio.Future[Delivery]":
        """Queue a record. The future ends with its delivery, `NotWritten` or `Undecided`."""
        future: asyncio.Future[Delivery] = self._loop.create_future()
        if self._broken:
            return _failed(future, NotWritten(self._broken))
        try:
            self._kafka.produce(
                topic,
                value,
                key,
                on_delivery=partial(self._on_delivery, future),
                headers=headers,
            )
        except BufferError:
            return _failed(future, NotWritten("too many records wait for the broker"))
        except KafkaException as error:
            return _failed(future, _refusal(error.args[0]))
        return future

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
        await asyncio.to_thread(self._close, timeout)
        self._hand_over()
        await asyncio.sleep(0)  # let the loop settle what was handed over

    def _close(self, timeout: float) -> None:
        self._stopping.set()
        self._thread.join()
        self._kafka.flush(timeout)

    def _poll(self) -> None:
        while not self._stopping.is_set():
            self._kafka.poll(0.1)
            self._hand_over()

    def _hand_over(self) -> None:
        """Give the loop all deliveries that one poll reported, in one wake-up."""
        if not self._settled:
            return
        group, self._settled = self._settled, []
        try:
            self._loop.call_soon_threadsafe(_settle, group)
        except RuntimeError:  # the loop is closed: nobody waits any more
            self._stopping.set()

    def _on_delivery(
        self, future: "asyncio.Future[Delivery]", error: KafkaError | None, message: Any
    ) -> None:
        outcome: Delivery | Exception
        if error is None:
            outcome = Delivery(message.topic(), message.partition(), message.offset())
        else:
            outcome = _refusal(error)
        self._settled.append((future, outcome))

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


def _refusal(error: KafkaError) -> NotWritten | Undecided:
    """Tell what was certainly not appended from what may have been."""
    if error.code() in _NEVER_APPENDED:
        too_large = error.code() == KafkaError.MSG_SIZE_TOO_LARGE
        return NotWritten(error.str(), too_large=too_large)
    return Undecided(error.str())


def _settle(group: list[_Outcome]) -> None:
    for future, outcome in group:
        if future.done():  # whoever waited has gone
            continue
        if isinstance(outcome, Exception):
            _failed(future, outcome)
        else:
            future.set_result(outcome)


def _failed(
    future: "asyncio.Future[Delivery]", error: NotWritten | Undecided | Exception
) -> "asyncio.Future[Delivery]":
    future.set_exception(error)
    future.exception()  # seen: a client that has gone is no reason for a warning
    return future


class Sent(NamedTuple):
    """A record that a `FakeProducer` was given."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers | None


class FakeProducer:
    """A producer without a broker: acknowledges at once, or does what it is told.

    Attributes:
        sent: Everything acknowledged, in order.
        failure: When set, the outcome of each further record instead of a delivery.
    """

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.failure: NotWritten | Undecided | None = None

    def send(
        self, topic: str, key: bytes, value: bytes, headers: Headers | None = None
    ) -> "asyncio.Future[Delivery]":
        """Keep the record in `sent`, on partition 0; its offset is its place on the topic."""
        future: asyncio.Future[Delivery] = asyncio.get_running_loop().create_future()
        if self.failure is not None:
            return _failed(future, self.failure)
        offset = sum(record.topic == topic for record in self.sent)
        self.sent.append(Sent(topic, key, value, headers))
        future.set_result(Delivery(topic, 0, offset))
        return future
