"""Gauges that tell how the whole chain stands: looked up when Prometheus asks, not counted.

They are asked of broker and database, so every API replica tells the same; take the maximum.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

import structlog
from confluent_kafka import KafkaException
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from infra.kafka.offsets import LogOffsets
from infra.kafka.reader import OffsetRange, ages
from infra.operations.doctor.probes import waiting_letters
from infra.postgres.engine import error_text
from infra.settings import Settings
from infra.telemetry import metrics
from infra.telemetry.metrics import Family
from projections import generations
from schemas.topics import DEAD_LETTERS, EVENT_TOPICS, TopicPartition

REMEMBERED_SECONDS = 2.0
BROKER_SECONDS = 3.0  # Prometheus waits ten for everything that a process tells
Labels = tuple[str, ...]
Values = dict[Labels, float]
Reader = tuple[str, TopicPartition]
Ages = Callable[
    [Settings, Mapping[TopicPartition, OffsetRange]], Mapping[TopicPartition, float | None]
]
log = structlog.get_logger(__name__)

_QUEUES = text(
    "select 'outbox' as queue, count(*) as length, min(at) as oldest from verdicts.outbox"
    " union all select 'pages', count(*), min(at) from verdicts.dirty"
)
_AGE = "extract(epoch from clock_timestamp() - {})::float8"


class LagGauges(Collector):
    """Looks at the chain, at most once in two seconds.

    Args:
        settings: Where the log is.
        database: Where checkpoints, queues and signs of life are.
        ages: Tells how old the first record of each span is; see `infra.kafka.reader.ages`.
        broker_seconds: How long one question to the broker may take.
        remembered_seconds: How long values are reused.
    """

    def __init__(
        self,
        settings: Settings,
        database: Engine,
        ages: Ages = ages,
        *,
        broker_seconds: float = BROKER_SECONDS,
        remembered_seconds: float = REMEMBERED_SECONDS,
    ) -> None:
        self._settings = settings
        self._database = database
        self._ages = ages
        self._log = LogOffsets(settings, broker_seconds)
        self._remembered_seconds = remembered_seconds
        self._lock = threading.Lock()
        self._seen: tuple[float, dict[Family, Values]] | None = None

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing, so that registering asks nobody."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every family with its values now; without broker or database only that."""
        for family, values in self._remembered().items():
            gauge = GaugeMetricFamily(family.name, family.documentation, labels=family.labels)
            for labels, value in sorted(values.items()):
                gauge.add_metric(labels, value)
            yield gauge

    def _remembered(self) -> dict[Family, Values]:
        with self._lock:
            if self._seen is None or time.monotonic() - self._seen[0] > self._remembered_seconds:
                looked = self._look()  # without a broker that takes longer than it is remembered
                self._seen = (time.monotonic(), looked)
            return self._seen[1]

    def _look(self) -> dict[Family, Values]:
        try:
            with self._database.connect() as connection:
                offsets = _offsets(connection)
                found = {**_of_database(connection), **self._letters(connection)}
            return {**found, **self._lags(offsets), metrics.LOOKED: {(): 1.0}}
        except (SQLAlchemyError, KafkaException) as error:
            log.info("the chain cannot be looked at", reason=error_text(error))
            return {metrics.LOOKED: {(): 0.0}}

    def _lags(self, offsets: Mapping[Reader, int]) -> dict[Family, Values]:
        """How far each reader is behind.

        Where a record waits whose age nobody could read in time, the age is left out: zero would
        say that all is well.
        """
        topics = [topic.name for topic in EVENT_TOPICS]
        ends = self._log.ends(self._log.partitions_of(topics))
        behind = {
            (name, place): OffsetRange(at, ends[place])
            for (name, place), at in offsets.items()
            if place in ends
        }
        events = {_labels(it): 0.0 for it in behind}
        seconds: dict[Labels, float | None] = {**events}
        for name in {name for name, _ in behind}:
            spans = {at: span for (who, at), span in behind.items() if who == name}
            for place, age in self._ages(self._settings, spans).items():
                labels = _labels((name, place))
                events[labels] = float(spans[place].length)
                seconds[labels] = age
        known = {labels: age for labels, age in seconds.items() if age is not None}
        return {metrics.LAG_EVENTS: events, metrics.LAG_SECONDS: known}

    def _letters(self, connection: Connection) -> dict[Family, Values]:
        place = (DEAD_LETTERS.name, 0)
        waiting = waiting_letters(connection, self._log.bounds([place])[place])
        return {metrics.DEAD_LETTERS_WAITING: {(): float(waiting)}}


def _labels(reader: Reader) -> Labels:
    name, (topic, partition) = reader
    return name, topic, str(partition)


def _offsets(connection: Connection) -> dict[Reader, int]:
    """How far each generation is."""
    found: dict[Reader, int] = {}
    for name in generations.list_names(connection):
        positions = generations.read_offsets(connection, name)
        found |= {(name, place): offset for place, offset in positions.items()}
    return found


def _of_database(connection: Connection) -> dict[Family, Values]:
    queues = connection.execute(
        text(f"select queue, length, {_AGE.format('oldest')} as age from ({_QUEUES}) as queues")  # noqa: S608
    ).all()
    beats = connection.execute(
        text(f"select service, instance, {_AGE.format('beat')} as age from verdicts.heartbeats")  # noqa: S608
    ).all()
    return {
        metrics.LIVE_GENERATION: {(generations.find_live(connection),): 1.0},
        metrics.QUEUE_LENGTH: {(row.queue,): float(row.length) for row in queues},
        metrics.QUEUE_AGE: {(row.queue,): row.age or 0.0 for row in queues},
        metrics.BEAT_AGE: {(row.service, row.instance): row.age for row in beats},
    }
