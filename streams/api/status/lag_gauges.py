"""Gauges of the pipeline's state, read when Prometheus asks.

Every API replica reads the same broker and database, so take the maximum over replicas.
"""

import threading
import time
from collections.abc import Iterable, Iterator

import structlog
from confluent_kafka import KafkaException
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from infra.kafka.reader import ages
from infra.postgres.engine import error_text
from infra.settings import Settings
from infra.telemetry import metrics
from infra.telemetry.metrics import Family
from projections.pipeline_state import PipelineState
from projections.private.ledger.queues import MailQueues
from schemas.topics import TopicPartition
from streams.api.status.pipeline_reader import Ages, PipelineReader

REMEMBERED_SECONDS = 2.0
BROKER_SECONDS = 3.0  # Prometheus waits ten for all metrics of a process
Labels = tuple[str, ...]
Values = dict[Labels, float]
log = structlog.get_logger(__name__)


class LagGauges(Collector):
    """Reads the pipeline's state, at most once in two seconds.

    Args:
        settings: The brokers.
        database: Holds checkpoints, queues and heartbeats.
        ages: Reads the age of the first record of each range.
        broker_seconds: The longest wait for each of the broker's answers.
        remembered_seconds: How long a reading serves further callers.
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
        self._reader = PipelineReader(database, settings, broker_seconds, ages)
        self._remembered_seconds = remembered_seconds
        self._lock = threading.Lock()
        self._newest: tuple[float, dict[Family, Values]] | None = None

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing, so that registering reads no server."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every family with its values now; without broker or database `VISIBLE` alone."""
        for family, values in self._remembered().items():
            gauge = GaugeMetricFamily(family.name, family.documentation, labels=family.labels)
            for labels, value in sorted(values.items()):
                gauge.add_metric(labels, value)
            yield gauge

    def _remembered(self) -> dict[Family, Values]:
        with self._lock:
            age = time.monotonic() - self._newest[0] if self._newest else float("inf")
            if self._newest is None or age > self._remembered_seconds:
                values = self._read()  # without a broker this takes longer than it is remembered
                self._newest = (time.monotonic(), values)
            return self._newest[1]

    def _read(self) -> dict[Family, Values]:
        try:
            state = self._reader.read_database()
            state = self._reader.add_lags(state, state.generations.readable)
            mails = mail_gauges(self._reader.read_mail_queues())
            return gauges(self._reader.add_dead_letters(state)) | mails
        except (SQLAlchemyError, KafkaException) as error:
            log.info("the pipeline's state cannot be read", reason=error_text(error))
            return {metrics.VISIBLE: {(): 0.0}}


def gauges(state: PipelineState) -> dict[Family, Values]:
    """The value of every gauge, by its labels.

    A record whose age could not be read in time leaves its age out: zero would say that there is
    no lag.
    """
    lags = {_labels(name, at): lag for (name, at), lag in state.lags.items()}
    return {
        metrics.LAG_EVENTS: {labels: float(lag.records) for labels, lag in lags.items()},
        metrics.LAG_SECONDS: {
            labels: lag.seconds for labels, lag in lags.items() if lag.seconds is not None
        },
        metrics.LIVE_GENERATION: {(state.generations.live or "",): 1.0},
        metrics.QUEUE_LENGTH: {(queue.name,): float(queue.length) for queue in state.queues},
        metrics.QUEUE_AGE: {(queue.name,): queue.age for queue in state.queues},
        metrics.OLDEST_DIRTY_PAGE: {(): max(state.age_of("pages"), state.age_of("backfill"))},
        metrics.HEARTBEAT_AGE: {
            (beat.service, beat.instance): beat.age for beat in state.heartbeats
        },
        metrics.DEAD_LETTERS_WAITING: {(): float(state.waiting_dead_letters or 0)},
        metrics.VISIBLE: {(): 1.0},
    }


def mail_gauges(read: MailQueues) -> dict[Family, Values]:
    """The value of every gauge of the mailer's queues, by its labels."""
    return {
        metrics.MAILS_WAITING: {(queue.kind,): float(queue.mails) for queue in read.queues},
        metrics.OLDEST_MAIL: {(queue.kind,): queue.age for queue in read.queues},
        metrics.MAILS_AMBIGUOUS: {(): float(read.ambiguous)},
    }


def _labels(generation: str, topic_partition: TopicPartition) -> Labels:
    topic, partition = topic_partition
    return generation, topic, str(partition)
