"""Dead letters: what can never be applied is kept whole, with the reason beside it."""

import threading
from collections.abc import Iterable
from typing import Protocol

import structlog
from confluent_kafka import KafkaError, Message, Producer

from infra.kafka.codec import UndecodableError
from infra.settings import Settings
from infra.telemetry.recording import dead_lettered
from schemas import topics

SECONDS = 10.0
PREFIX = "__connect.errors."
# Where in its way a record failed, in Kafka Connect's words: it could not be read, or not stored.
UNREADABLE, UNSTORABLE = "VALUE_CONVERTER", "TASK_PUT"
LONGEST_MESSAGE = 2_000
log = structlog.get_logger(__name__)


class FailedRecord(Protocol):
    """A record as it was fetched."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Iterable[tuple[str, bytes]]


class DeadLettersUnavailableError(Exception):
    """A dead letter was not acknowledged, so its original must not be passed over."""


class DeadLetterProducer:
    """Writes to `verdicts.deadletters.v1`, with Kafka Connect's names for the headers."""

    def __init__(self, settings: Settings) -> None:
        self._configuration = {
            "bootstrap.servers": settings.kafka,
            **settings.kafka_security,
            "partitioner": "murmur2_random",
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": 5,
            "message.max.bytes": topics.LARGEST_RECORD,
            "delivery.timeout.ms": int(SECONDS * 1000),
            "log_level": 2,
        }
        self._lock = threading.Lock()
        self._made: Producer | None = None

    def write(self, letters: Iterable[tuple[FailedRecord, Exception]]) -> None:
        """Write letters with what made them ones, and return once the broker holds them.

        Raises:
            DeadLettersUnavailableError: at least one was not acknowledged in ten seconds.
        """
        failures: list[KafkaError] = []
        given = list(letters)

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failures.append(error)

        producer = self._producer()
        for letter, error in given:
            producer.produce(
                topics.DEAD_LETTERS.name,
                key=letter.key,
                value=letter.value,
                headers=[*letter.headers, *_why(letter, error)],
                on_delivery=delivered,
            )
        left = producer.flush(2 * SECONDS)
        if failures or left:
            self._made = None  # it may have failed for good; the next attempt makes another
            raise DeadLettersUnavailableError(str(failures[0]) if failures else "timed out")
        dead_lettered(letter.topic for letter, _ in given)
        for letter, error in given:
            log.warning(
                "dead letter", topic=letter.topic, partition=letter.partition,
                offset=letter.offset, reason=str(error),
            )  # fmt: skip

    def _producer(self) -> Producer:
        with self._lock:
            if self._made is None:
                self._made = Producer(self._configuration)
            return self._made


def _why(letter: FailedRecord, error: Exception) -> list[tuple[str, bytes]]:
    cause = getattr(error, "orig", None) or error  # the database's own words, without the SQL
    said = {
        "topic": letter.topic,
        "partition": str(letter.partition),
        "offset": str(letter.offset),
        "timestamp": str(letter.timestamp),
        "stage": UNREADABLE if isinstance(error, UndecodableError) else UNSTORABLE,
        "exception.class.name": type(cause).__name__,
        "exception.message": str(cause)[:LONGEST_MESSAGE],
    }
    return [(PREFIX + name, value.encode(errors="replace")) for name, value in said.items()]
