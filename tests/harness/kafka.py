"""Clients of a broker: what tests write beside the API, and read beside the services."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaError, Message, TopicPartition

from infra.embedded.kafka.server import Kafka
from infra.kafka.client import create_consumer, create_producer
from infra.kafka.codec import Codec
from infra.kafka.reader import LogRecord
from infra.setting_values import kafka_environment
from infra.settings import Settings
from schemas.events import Event
from schemas.topics import Topic
from schemas.topics import TopicPartition as TopicAndNumber
from streams.deadletters.producer import DeadLetterProducer

CODEC = Codec()


def client_variables(server: Kafka) -> dict[str, str]:
    """The `KAFKA_*` variables of a client of that broker."""
    return {"KAFKA_BOOTSTRAP_SERVERS": server.address, **kafka_environment(server.security)}


def at_kafka(variables: Mapping[str, str]) -> Settings:
    """Settings of a client of that broker; see the fixture `kafka`."""
    return Settings.from_environment(variables)


@contextmanager
def hanging_transaction(
    settings: Settings, partition: TopicAndNumber, transactional_id: str, keys: int = 60
) -> Iterator[None]:
    """Hold a transaction with so many records of a partition open, and abort it at the end."""
    producer = create_producer(settings, {"transactional.id": transactional_id})
    producer.init_transactions(20)
    producer.begin_transaction()
    for number in range(keys):
        producer.produce(partition[0], b"never committed", str(number).encode(), partition[1])
    assert producer.flush(20) == 0
    try:
        yield
    finally:
        producer.abort_transaction(20)


class Sender:
    """Puts events on their topics, as the API does."""

    def __init__(self, kafka: dict[str, str]) -> None:
        self._producer = create_producer(at_kafka(kafka))

    def send(self, events: Iterable[Event]) -> None:
        """Return once the broker has all of them."""
        for event in events:
            self._producer.produce(
                event.data.topic.name, key=event.key.encode(), value=CODEC.encode(event)
            )
        assert self._producer.flush(20) == 0

    def send_raw(self, topic: str, key: bytes, value: bytes | None, **more: Any) -> Message:
        """Put bytes on a topic; the delivered message says where they stand."""
        delivered: list[Message] = []
        self._producer.produce(
            topic,
            key=key,
            value=value,
            on_delivery=lambda _, message: delivered.append(message),
            **more,
        )
        assert self._producer.flush(20) == 0
        assert not delivered[0].error()
        return delivered[0]


class Reader:
    """Reads a topic from its beginning, and keeps what it read."""

    def __init__(self, kafka: dict[str, str], topic: Topic) -> None:
        self._consumer = create_consumer(at_kafka(kafka), {"enable.partition.eof": True})
        self._partitions = [TopicPartition(topic.name, n, 0) for n in range(topic.partitions)]
        self._consumer.assign(self._partitions)
        self._read_up_to = {partition.partition: -1 for partition in self._partitions}
        self._messages: dict[bytes, list[Message]] = {}

    def of(self, key: bytes) -> list[Message]:
        """All messages of a key that are on the topic by now, in their order."""
        ends = {
            partition.partition: self._consumer.get_watermark_offsets(partition, timeout=20)[1]
            for partition in self._partitions
        }
        deadline = time.monotonic() + 20
        while any(self._read_up_to[number] < end for number, end in ends.items()):
            assert time.monotonic() < deadline, f"read up to {self._read_up_to} of {ends}"
            for message in self._consumer.consume(1_000, timeout=0.05):
                self._take(message)
        return self._messages.get(key, [])

    def close(self) -> None:
        """Let the broker go."""
        self._consumer.close()

    def _take(self, message: Message) -> None:
        error = message.error()
        if error is None:
            self._messages.setdefault(message.key() or b"", []).append(message)
        elif error.code() == KafkaError._PARTITION_EOF:
            self._read_up_to[message.partition() or 0] = message.offset() or 0


def write_dead_letter(settings: Settings, record: LogRecord, error: Exception) -> None:
    """Write one dead letter as a worker does."""
    DeadLetterProducer(settings).write([(record, error)])
