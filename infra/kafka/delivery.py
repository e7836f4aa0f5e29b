"""What is sent and what becomes of it: outcomes, a blocking send, and futures for an event loop.

`send_each` serves threads. `infra.kafka.producer` serves the API's event loop, and resolves
`asyncio` futures with the same outcomes.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import confluent_kafka
import msgspec
from confluent_kafka import KafkaError, KafkaException

from schemas.topics import TopicPartition

PARTITION_OF_KEY = -1
QUEUE_FULL_SECONDS = 0.1

T = TypeVar("T")
Headers = Sequence[tuple[str, str | bytes | None]]
Report = Callable[[KafkaError | None, Any], None]
"""librdkafka's delivery callback: an error, or the message as it was written."""


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """A record to send; `timestamp` in milliseconds since 1970, 0 for the time of sending."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers | None = None
    partition: int = PARTITION_OF_KEY
    timestamp: int = 0


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """The offset of an acknowledged record."""

    topic: str
    partition: int
    offset: int

    @property
    def topic_partition(self) -> TopicPartition:
        """Where the offset counts."""
        return self.topic, self.partition


class NotWritten(Exception):  # noqa: N818 - an outcome, named for what it is
    """The record is not on the log and never will be.

    `too_large` tells a record that no broker takes from a broker that takes none now.
    """

    def __init__(self, reason: str, *, too_large: bool = False) -> None:
        super().__init__(reason)
        self.too_large = too_large


class DeliveryUnknown(Exception):  # noqa: N818
    """Delivery outcome unknown: the record may or may not have been written."""


Outcome = Delivery | NotWritten | DeliveryUnknown
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


def refusal(error: KafkaError) -> NotWritten | DeliveryUnknown:
    """Tell a record that was certainly not appended from one that may have been."""
    if error.code() in _NEVER_APPENDED:
        too_large = error.code() == KafkaError.MSG_SIZE_TOO_LARGE
        return NotWritten(error.str(), too_large=too_large)
    return DeliveryUnknown(error.str())


def outcome_of(error: KafkaError | None, message: Any) -> Outcome:
    """Turn the arguments of a delivery callback into an outcome."""
    if error is not None:
        return refusal(error)
    return Delivery(message.topic(), message.partition(), message.offset())


def produce(producer: confluent_kafka.Producer, record: Outgoing, report: Report) -> None:
    """Queue a record; `report` is called with its outcome while the producer is polled.

    Raises:
        BufferError: the producer's queue is full.
        KafkaException: the client refuses the record.
    """
    producer.produce(
        record.topic,
        record.value,
        record.key,
        record.partition,
        on_delivery=report,
        timestamp=record.timestamp,
        headers=list(record.headers or ()),
    )


def send_each(
    producer: confluent_kafka.Producer,
    items: Iterable[T],
    to_record: Callable[[T], Outgoing],
    seconds: float,
) -> Iterator[tuple[T, Outcome]]:
    """Send a record per item; yield each item with its outcome, in the order of the answers.

    Records are sent while the generator is read: a caller that stops reading stops the sending.
    Sending waits while the producer's queue is full, so memory is bounded by that queue. Threads
    may share a producer; each waits for the records of all.

    Args:
        producer: Its `message.timeout.ms` limits the wait for each record.
        items: What to send.
        to_record: Makes an item's record.
        seconds: After the last record, the longest wait for all answers; items that are still
            without one get `DeliveryUnknown`.
    """
    unanswered: dict[int, T] = {}
    answered: deque[tuple[T, Outcome]] = deque()

    def report(number: int, error: KafkaError | None, message: Any) -> None:
        with suppress(KeyError):  # the answer came after the wait
            answered.append((unanswered.pop(number), outcome_of(error, message)))

    for number, item in enumerate(items):
        unanswered[number] = item
        refused = _produce_when_free(producer, to_record(item), partial(report, number))
        if refused is not None:
            answered.append((unanswered.pop(number), refused))
        while answered:
            yield answered.popleft()
    producer.flush(seconds)
    while answered:
        yield answered.popleft()
    while unanswered:
        yield unanswered.popitem()[1], DeliveryUnknown("no answer in time")


def _produce_when_free(
    producer: confluent_kafka.Producer, record: Outgoing, report: Report
) -> NotWritten | DeliveryUnknown | None:
    """Queue a record once there is room; give the refusal of one that cannot be queued."""
    while True:
        try:
            produce(producer, record, report)
        except BufferError:
            producer.poll(QUEUE_FULL_SECONDS)
        except KafkaException as error:
            return refusal(error.args[0])
        else:
            producer.poll(0)
            return None


def resolve(future: "asyncio.Future[Delivery]", outcome: Outcome) -> None:
    """End a record's future with its outcome."""
    if future.done():  # its caller was cancelled
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
        future.exception()  # seen: a client that has gone is no reason for a warning
    else:
        future.set_result(outcome)
