"""The processors: each event topic's records, folded and stored by one actor per partition."""

import time
from collections.abc import Sequence
from functools import partial

from aiokafka.structs import ConsumerRecord
from faust.types import TP
from sqlalchemy import Engine

from infra.consumer.agent import consume
from infra.consumer.app import BatchedApp
from infra.consumer.group_commit import LARGE_BATCH, GroupCommitter
from infra.consumer.partition_consumer import ApplyBatch
from infra.consumer.protocols import Mismatch, Refused, Settled
from infra.kafka.codec import Codec
from infra.runtime.blocking_pool import BlockingPool
from infra.telemetry import event_log, recording, tracing
from projections.write import store
from projections.write.store import Batch
from schemas.topics import EVENT_TOPICS
from streams.processing import batch_traces
from streams.processing.batch import (
    Commit,
    DeadLetterSink,
    DeadLettersOnce,
    PreparedBatch,
    commit_in_halves,
    prepare,
)
from streams.processing.batch_traces import TracedEvent

# Decoding may ask a schema registry that hangs, and dead letters a broker that does. Neither
# occupies a thread that commits.
_PREPARING = BlockingPool(4, "prepare", timeout=None)
_SETTING_ASIDE = BlockingPool(4, "dead letters", timeout=None)


class Projector:
    """Applies the records of one partition to the projections.

    Args:
        partition: Topic and partition.
        engine: Where traces go on.
        codec: Decodes events.
        dead_letters: Takes records that can never be applied.
        commit: Commits batches; blocks.
        committer: Calls `commit` for several partitions at once.
    """

    def __init__(
        self,
        partition: TP,
        engine: Engine,
        codec: Codec,
        dead_letters: DeadLetterSink,
        commit: Commit,
        committer: GroupCommitter[Batch],
    ) -> None:
        self._partition = partition
        self._engine = engine
        self._codec = codec
        self._dead_letters = DeadLettersOnce(dead_letters)
        self._commit = commit
        self._committer = committer

    async def apply(self, records: Sequence[ConsumerRecord], expected: int, upto: int) -> Settled:
        """Apply the records that can be applied, once the others are dead letters."""
        began = time.monotonic()
        batch = await self._prepare(records, expected, upto)
        traced = await self._remember_traces(batch) if tracing.enabled() else ()
        if batch.unusable:
            await _SETTING_ASIDE.run(self._dead_letters.write, batch.unusable)
        outcome = await self._commit_batch(batch)
        if isinstance(outcome, Mismatch):
            recording.mismatched(self._partition.topic)
            return outcome
        self._dead_letters.forget()
        seconds = time.monotonic() - began
        recording.applied(self._partition.topic, len(records), records[0].timestamp, seconds)
        event_log.applied(self._partition, (event.id for event in batch.events))
        batch_traces.add_spans(traced, seconds)
        return outcome

    async def _prepare(
        self, records: Sequence[ConsumerRecord], expected: int, upto: int
    ) -> PreparedBatch:
        """Decode a few records at once: a thread would cost more than the work."""
        arguments = self._codec, self._partition, records, expected, upto
        topic = self._partition.topic
        if len(records) < LARGE_BATCH and all(
            self._codec.is_current(topic, record.value) for record in records
        ):
            return prepare(*arguments)
        return await _PREPARING.run(prepare, *arguments)

    async def _remember_traces(self, batch: PreparedBatch) -> list[TracedEvent]:
        return await _PREPARING.run(batch_traces.remember, self._engine, batch)

    async def _commit_batch(self, batch: PreparedBatch) -> Settled:
        outcome = await self._committer.submit(batch.to_store())
        if isinstance(outcome, Refused):
            return await _SETTING_ASIDE.run(
                commit_in_halves, batch, self._commit, self._dead_letters.write
            )
        return outcome


def register(app: BatchedApp, engine: Engine, codec: Codec, dead_letters: DeadLetterSink) -> None:
    """Register one agent per event topic."""
    commit = partial(store.commit, engine)
    committer = GroupCommitter(commit)

    def applier(partition: TP) -> ApplyBatch:
        return Projector(partition, engine, codec, dead_letters, commit, committer).apply

    for topic in EVENT_TOPICS:
        consume(app, topic.name, applier)
