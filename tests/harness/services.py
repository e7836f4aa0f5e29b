"""The services as processes, as production runs them, and a way to wait for what they do."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from confluent_kafka import Message, TopicPartition

from infra.kafka.client import create_consumer, create_producer
from infra.kafka.codec import Codec
from infra.settings import Settings
from schemas.events import Event
from schemas.topics import Topic

T = TypeVar("T")
CODEC = Codec()


class Service:
    """`verdicts worker` or `verdicts publisher` as a process of its own."""

    def __init__(self, name: str, *, kafka: str, database: str, data: Path) -> None:
        """Start it; what it says goes to a file in `data`."""
        data.mkdir(exist_ok=True)
        self.log = data / f"{name}-{time.monotonic_ns()}.log"
        self._told = self.log.open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "infra.cli", *name.split()],
            env=environment(kafka=kafka, database=database, data=data),
            stdout=self._told,
            stderr=subprocess.STDOUT,
        )

    def kill(self) -> None:
        """End it as the kernel would, without a chance to clean up."""
        self.process.kill()
        self.process.wait()
        self._told.close()

    def stop(self) -> int:
        """Send SIGTERM; its exit status, which it has ten seconds to give."""
        self.process.terminate()
        try:
            return self.process.wait(10)
        finally:
            self.kill()


def environment(*, kafka: str, database: str, data: Path) -> dict[str, str]:
    """What a service is told."""
    return os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "DATABASE_URL": database,
        "VERDICTS_DATA": str(data),
        "VERDICTS_SECRET_KEY": "signs nothing here",
        "VERDICTS_VOTER_KEY": "hides nobody here",
        "VERDICTS_PUBLIC_URL": "https://verdicts.example",
    }


def at_kafka(address: str) -> Settings:
    """Settings of a client of that broker."""
    return Settings.from_environment({"KAFKA_BOOTSTRAP_SERVERS": address})


class Sender:
    """Puts events on their topics, as the API does."""

    def __init__(self, kafka: str) -> None:
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
            topic, key=key, value=value, on_delivery=lambda _, it: delivered.append(it), **more
        )
        assert self._producer.flush(20) == 0
        assert not delivered[0].error()
        return delivered[0]


class Reader:
    """Reads a topic from its beginning, and keeps what it read."""

    def __init__(self, kafka: str, topic: Topic) -> None:
        self._consumer = create_consumer(at_kafka(kafka))
        self._consumer.assign([TopicPartition(topic.name, n, 0) for n in range(topic.partitions)])
        self._found: dict[bytes, list[Message]] = {}

    def of(self, key: bytes) -> list[Message]:
        """All messages of a key that are there by now, in their order."""
        while messages := self._consumer.consume(1_000, timeout=0.05):
            for message in messages:
                if not message.error():
                    self._found.setdefault(message.key() or b"", []).append(message)
        return self._found.get(key, [])

    def close(self) -> None:
        """Let the broker go."""
        self._consumer.close()
