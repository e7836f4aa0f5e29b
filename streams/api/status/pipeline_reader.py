"""Reads the pipeline's state from PostgreSQL and the log."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import product

from msgspec.structs import replace
from sqlalchemy import Engine

from infra.kafka.acknowledgement.in_sync_replicas import InSyncReplicas
from infra.kafka.offsets import LogOffsets
from infra.kafka.reader import OffsetRange, ages
from infra.kafka.transactions.open_transactions import find_open_transactions
from infra.settings import Settings
from projections import pipeline_state
from projections.pipeline_state import Lag, PipelineState
from projections.private.ledger.queues import MailQueues, read_queues
from schemas.topics import DEAD_LETTERS_PARTITION, EVENT_TOPICS, TopicPartition
from streams.api.status.standstill import Key, StandstillWatch

NO_LAG = Lag(0, 0.0)
_EVENT_TOPICS = [topic.name for topic in EVENT_TOPICS]
Ages = Callable[
    [Settings, Mapping[TopicPartition, OffsetRange]], Mapping[TopicPartition, float | None]
]


class PipelineReader:
    """Reads the state from PostgreSQL and the log; every method blocks.

    Args:
        database: Holds checkpoints, queues and heartbeats.
        settings: The brokers.
        seconds: The longest wait for each of the broker's answers.
        ages: Reads the age of the first record of each range.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        database: Engine,
        settings: Settings,
        seconds: float,
        ages: Ages = ages,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._settings = settings
        self._mail_cutoff_hours = settings.mail.cutoff_hours
        self._log = LogOffsets(settings, seconds)
        self._replicas = InSyncReplicas(settings, seconds)
        self._ages = ages
        self._standstill = StandstillWatch(clock)

    def read_database(self, *, live_only: bool = False) -> PipelineState:
        """Read what PostgreSQL holds; checkpoints of all generations, or of the live one.

        Raises:
            SQLAlchemyError: the database does not answer, or is not migrated.
        """
        with self._database.connect() as connection:
            return pipeline_state.read(connection, live_only=live_only)

    def read_mail_queues(self) -> MailQueues:
        """Read what waits for the mailer.

        Raises:
            SQLAlchemyError: the database does not answer, or is not migrated.
        """
        with self._database.connect() as connection:
            return read_queues(connection, self._mail_cutoff_hours)

    def add_lags(
        self,
        state: PipelineState,
        generations: Collection[str],
        older_than: float = 0.0,
    ) -> PipelineState:
        """Add what these generations have not applied yet.

        The checkpoints must have been read before, so that none lies behind the log's end. A
        partition without a checkpoint counts from its first offset. Where a transaction's markers
        alone follow, there is no lag. Records behind an open transaction lag, though no consumer of
        committed records can read them.

        Args:
            state: With checkpoints.
            generations: Their names.
            older_than: Leave out records of the last so many seconds, unless the checkpoint has
                not moved for as long.

        Raises:
            KafkaException: the broker does not answer.
        """
        ends = self._log.ends(self._log.partitions_of(_EVENT_TOPICS))
        offsets = _offsets(state, generations, ends)
        standing = self._standstill.observe(offsets, ends)
        stands = {key for key, seconds in standing.items() if seconds >= older_than}
        before = self._offset_before(ends, older_than)
        open_transactions = find_open_transactions(self._settings, self._log, ends)
        unread = [each for each in open_transactions if each.lasts(older_than)]
        lags: dict[tuple[str, TopicPartition], Lag] = {}
        for name in generations:
            ranges = {
                at: OffsetRange(offsets[name, at], ends[at] if (name, at) in stands else end)
                for at, end in before.items()
            }
            lags |= {(name, at): NO_LAG for at in ranges}
            for at, age in self._ages(self._settings, ranges).items():
                lags[name, at] = Lag(ranges[at].length, age)
            for each in unread:
                at = each.topic_partition
                if (name, at) in lags and lags[name, at] == NO_LAG:
                    lags[name, at] = Lag(ranges[at].length, each.seconds)
        return replace(state, lags=lags, open_transactions=open_transactions)

    def add_unwritable(self, state: PipelineState) -> PipelineState:
        """Add the partitions of events that acknowledge nothing now.

        Raises:
            KafkaException: the broker does not answer.
        """
        return replace(state, unwritable=self._replicas.find_unwritable(_EVENT_TOPICS))

    def add_dead_letters(self, state: PipelineState) -> PipelineState:
        """Add the number of dead letters that wait.

        Raises:
            KafkaException: the broker does not answer.
            SQLAlchemyError: the database does not answer.
        """
        bounds = self._log.bounds([DEAD_LETTERS_PARTITION])[DEAD_LETTERS_PARTITION]
        with self._database.connect() as connection:
            waiting = pipeline_state.waiting_dead_letters(connection, bounds)
        return replace(state, waiting_dead_letters=waiting)

    def _offset_before(
        self, ends: Mapping[TopicPartition, int], older_than: float
    ) -> Mapping[TopicPartition, int]:
        """The end of what is so many seconds old, by the timestamps of records."""
        if not older_than:
            return ends
        return self._log.offset_at(ends, int((time.time() - older_than) * 1000))


def _offsets(
    state: PipelineState, generations: Collection[str], partitions: Iterable[TopicPartition]
) -> dict[Key, int]:
    """The checkpoint of each generation and partition; 0 where none is stored."""
    stored = {(row.generation, row.topic_partition): row.offset for row in state.checkpoints}
    keys = product(generations, partitions)
    return {key: stored.get(key, 0) for key in keys}
