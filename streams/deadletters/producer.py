"""Writes records that can never be applied to the topic of dead letters, each with its reason."""

import threading
from collections.abc import Iterable
from typing import Protocol

import confluent_kafka
import structlog

from infra.kafka.client import create_producer
from infra.kafka.codec import UndecodableError
from infra.kafka.delivery import Delivery, Outgoing, send_each
from infra.settings import Settings
from infra.telemetry.recording import dead_lettered
from schemas import topics

SECONDS = 10.0
PREFIX = "__connect.errors."
# The stage that failed, in Kafka Connect's words: reading the record, judging it, or storing it.
UNREADABLE, UNACCEPTABLE, UNSTORABLE = "VALUE_CONVERTER", "TRANSFORMATION", "TASK_PUT"
LONGEST_MESSAGE = 2_000
log = structlog.get_logger(__name__)


class FailedRecord(Protocol):
    """A record as it was fetched; `timestamp` in milliseconds since 1970."""

    @property
    def topic(self) -> str: ...  # noqa: D102
    @property
    def partition(self) -> int: ...  # noqa: D102
    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def timestamp(self) -> int: ...  # noqa: D102
    @property
    def key(self) -> bytes | None: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102
    @property
    def headers(self) -> Iterable[tuple[str, bytes | None]]: ...  # noqa: D102


class AheadOfTimeError(Exception):
    """An event is dated too far ahead of its record; the message names the event and its time."""


class DeadLettersUnavailableError(Exception):
    """A dead letter was not acknowledged, so its original must not be passed over."""


class DeadLetterProducer:
    """Writes to `verdicts.deadletters.v1`, with Kafka Connect's names for the headers."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._producer: confluent_kafka.Producer | None = None

    def write(self, poison: Iterable[tuple[FailedRecord, Exception]]) -> None:
        """Write each record with the error that it caused; return once the broker holds them all.

        Raises:
            DeadLettersUnavailableError: at least one was not acknowledged in ten seconds.
        """
        failed = list(poison)
        outcomes = send_each(self._open_producer(), failed, _outgoing, 2 * SECONDS)
        rejections = [outcome for _, outcome in outcomes if not isinstance(outcome, Delivery)]
        if rejections:
            self._producer = None  # it may have failed for good; the next attempt makes another
            raise DeadLettersUnavailableError(str(rejections[0]))
        dead_lettered(record.topic for record, _ in failed)
        for record, error in failed:
            log.warning(
                "dead letter", topic=record.topic, partition=record.partition,
                offset=record.offset, reason=str(error),
            )  # fmt: skip

    def _open_producer(self) -> confluent_kafka.Producer:
        with self._lock:
            if self._producer is None:
                # A dead letter holds an original and more headers.
                large = {"message.max.bytes": topics.LARGEST_RECORD}
                self._producer = create_producer(self._settings, large, delivery_seconds=SECONDS)
            return self._producer


def _outgoing(poison: tuple[FailedRecord, Exception]) -> Outgoing:
    record, error = poison
    headers = [*record.headers, *_reason_headers(record, error)]
    return Outgoing(topics.DEAD_LETTERS.name, record.key, record.value, headers)


def _reason_headers(record: FailedRecord, error: Exception) -> list[tuple[str, bytes]]:
    cause = getattr(error, "orig", None) or error  # the database's own words, without the SQL
    reason = {
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "timestamp": str(record.timestamp),
        "stage": _stage_of(error),
        "exception.class.name": type(cause).__name__,
        "exception.message": str(cause)[:LONGEST_MESSAGE],
    }
    return [(PREFIX + name, value.encode(errors="replace")) for name, value in reason.items()]


def _stage_of(error: Exception) -> str:
    if isinstance(error, UndecodableError):
        return UNREADABLE
    return UNACCEPTABLE if isinstance(error, AheadOfTimeError) else UNSTORABLE
