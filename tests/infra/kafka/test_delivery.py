"""The blocking send: one outcome per item, bounded by the queue of the producer."""

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from infra.kafka import topics
from infra.kafka.client import create_producer
from infra.kafka.delivery import Delivery, DeliveryUnknown, NotWritten, Outgoing, send_each
from schemas.topics import FOREVER, Topic
from tests.harness.kafka import at_kafka


class Message:
    """A written message, as librdkafka reports it."""

    def __init__(self, topic: str, offset: int) -> None:
        self._topic, self._offset = topic, offset

    def topic(self) -> str:
        return self._topic

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self._offset


class SmallQueue:
    """A producer whose queue holds two records, and whose broker answers when it is polled."""

    def __init__(self, *, silent: bool = False) -> None:
        self.written: list[bytes | None] = []
        self.longest = 0
        self._queue: list[tuple[str, bytes | None, Callable[[Any, Any], None]]] = []
        self._silent = silent

    def produce(
        self, topic: str, value: bytes | None, *_: object, on_delivery: Any, **__: Any
    ) -> None:
        if len(self._queue) == 2:
            raise BufferError
        if value == b"refused":
            raise KafkaException(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE))
        self._queue.append((topic, value, on_delivery))
        self.longest = max(self.longest, len(self._queue))

    def poll(self, seconds: float) -> None:
        if seconds:
            self.flush(seconds)

    def flush(self, _: float) -> None:
        while self._queue and not self._silent:
            topic, value, on_delivery = self._queue.pop(0)
            self.written.append(value)
            failed = value == b"timed out"
            error = KafkaError(KafkaError._MSG_TIMED_OUT) if failed else None
            on_delivery(error, Message(topic, len(self.written) - 1))


def record_of(value: bytes) -> Outgoing:
    return Outgoing("t", b"k", value)


def send(producer: Any, *values: bytes) -> dict[bytes, Any]:
    return dict(send_each(producer, values, record_of, 0.1))


def test_each_item_gets_its_own_outcome() -> None:
    outcomes = send(SmallQueue(), b"a", b"timed out", b"refused", b"b")
    assert outcomes[b"a"] == Delivery("t", 0, 0)
    assert isinstance(outcomes[b"timed out"], DeliveryUnknown)
    assert isinstance(outcomes[b"refused"], NotWritten)
    assert outcomes[b"refused"].too_large
    assert outcomes[b"b"] == Delivery("t", 0, 2)


def test_a_full_queue_waits_for_the_broker() -> None:
    producer = SmallQueue()
    values = [b"%d" % number for number in range(7)]
    assert send(producer, *values).keys() == set(values)
    assert producer.written == values
    assert producer.longest == 2


def test_without_an_answer_in_time_the_outcome_is_unknown() -> None:
    outcomes = send(SmallQueue(silent=True), b"a", b"b")
    assert [type(outcome) for outcome in outcomes.values()] == [DeliveryUnknown, DeliveryUnknown]


def test_a_caller_that_stops_reading_stops_the_sending() -> None:
    producer: Any = SmallQueue()
    outcomes = send_each(producer, (b"refused", b"never sent"), record_of, 0.1)
    assert isinstance(next(outcomes)[1], NotWritten)
    producer.flush(0)
    assert producer.written == []


def test_nothing_to_send_needs_no_broker() -> None:
    assert send(SmallQueue(silent=True)) == {}


@pytest.mark.integration
def test_records_of_given_partitions_and_times_are_delivered(
    kafka: dict[str, str], unique: Callable[[str], str]
) -> None:
    topic = Topic(unique("sent"), 3, "any", "what a test sends", FOREVER)
    topics.apply(at_kafka(kafka), [topic])
    producer: Producer = create_producer(at_kafka(kafka))

    def record(partition: int) -> Outgoing:
        return Outgoing(topic.name, None, b"v", [("h", b"1")], partition, timestamp=1_000)

    outcomes = dict(send_each(producer, (2, 0, 2), record, 20))
    assert outcomes[0] == Delivery(topic.name, 0, 0)
    assert outcomes[2] in (Delivery(topic.name, 2, 0), Delivery(topic.name, 2, 1))
