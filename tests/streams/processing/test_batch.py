"""Phases of a batch: decoding keeps apart what is broken, committing finds what is refused."""

import asyncio
import threading
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, NamedTuple, cast

import pytest
from faust.types import TP
from sqlalchemy.exc import DataError

from infra.consumer.group_commit import GroupCommitter
from infra.consumer.protocols import Applied, Mismatch, Outcome, Refused, Settled
from infra.kafka.codec import HEADER, MAGIC, Codec, UndecodableError
from infra.kafka.registry import RegistryError
from projections.write.store import Batch
from schemas.time import instants
from schemas.topics import VOTES
from streams.deadletters.producer import AheadOfTimeError
from streams.processing.batch import (
    DeadLettersOnce,
    Failure,
    PreparedBatch,
    commit_in_halves,
    prepare,
)
from streams.processing.projector import Projector
from tests.harness.examples import MINUTE, NOON, a_vote

CODEC = Codec()
PARTITION = (VOTES.name, 0)


class ARecord(NamedTuple):
    offset: int
    value: bytes | None
    timestamp: int = NOON // 1000


class FakeStore:
    """A checkpoint with its compare-and-set; refuses batches with certain voters.

    Attributes:
        checkpoint: The offset.
        attempts: Every call: expected, upto, number of events.
        applied: Voters whose votes are applied.
    """

    def __init__(self, *refused: str, checkpoint: int = 0) -> None:
        self.checkpoint = checkpoint
        self.attempts: list[tuple[int, int, int]] = []
        self.applied: list[str] = []
        self._refused = set(refused)

    def commit(self, batches: Sequence[Batch]) -> list[Outcome]:
        (batch,) = batches
        events: Any = batch.events
        voters = [event.data.voter for event in events]
        self.attempts.append((batch.expected, batch.upto, batch.size))
        if self._refused & set(voters):
            return [Refused(DataError("", None, Exception("not these data")))]
        if batch.expected != self.checkpoint:
            return [Mismatch(self.checkpoint)]
        self.checkpoint = batch.upto
        self.applied += voters
        return [Applied()]


def vote(voter: str) -> bytes:
    return CODEC.encode(a_vote(voter=voter))


def prepared(*values: bytes | None, begin: int = 0) -> PreparedBatch:
    records: Any = [ARecord(begin + n, value) for n, value in enumerate(values)]
    return prepare(CODEC, PARTITION, records, begin, begin + len(values))


def commit(batch: PreparedBatch, store: FakeStore) -> tuple[Outcome, list[int]]:
    """Commit a batch; give the outcome and the offsets of the dead letters."""
    offsets: list[int] = []

    def write(failures: Iterable[Failure]) -> None:
        offsets.extend(record.offset for record, _ in failures)

    return commit_in_halves(batch, store.commit, write), offsets


def test_records_become_events_in_their_order() -> None:
    batch = prepared(vote("a"), vote("b"), begin=7)
    events: Any = batch.events
    assert [event.data.voter for event in events] == ["a", "b"]
    assert (batch.expected, batch.upto, batch.unusable) == (7, 9, [])


def test_records_that_cannot_be_decoded_are_kept_apart_with_their_errors() -> None:
    batch = prepared(vote("a"), b"no Avro", None, vote("b"))
    assert [record.offset for record in batch.records] == [0, 3]
    assert len(batch.events) == 2
    assert [record.offset for record, _ in batch.unusable] == [1, 2]
    assert all(isinstance(error, UndecodableError) for _, error in batch.unusable)


def test_an_event_dated_over_5_minutes_after_its_record_is_kept_apart() -> None:
    latest, later, never = (
        a_vote(voter=voter, id=voter, time=time)
        for voter, time in (
            ("latest", NOON + 5 * MINUTE),
            ("later", NOON + 5 * MINUTE + 1),
            ("never", instants.parse("9999-12-31T23:59:59Z")),
        )
    )
    values = [CODEC.encode(event) for event in (never, latest, later)]
    batch = prepared(b"no Avro", *values)
    assert [event.id for event in batch.events] == ["latest"]
    assert [record.offset for record in batch.records] == [2]
    assert [record.offset for record, _ in batch.unusable] == [0, 1, 3]
    errors = [error for _, error in batch.unusable[1:]]
    assert all(isinstance(error, AheadOfTimeError) for error in errors)
    assert str(errors[0]) == (
        "event 'never' is dated 9999-12-31T23:59:59Z, more than 5 minutes after its record "
        "(2026-11-20T12:00:00Z)"
    )


def test_a_record_without_a_timestamp_carries_no_event() -> None:
    records: Any = [ARecord(0, vote("a"), timestamp=-1)]
    batch = prepare(CODEC, PARTITION, records, 0, 1)
    assert (batch.events, len(batch.unusable)) == ([], 1)


def test_a_schema_registry_that_is_away_sets_no_record_aside() -> None:
    def away(_: int) -> None:
        raise RegistryError("The schema registry does not answer.")

    records: Any = [ARecord(0, HEADER.pack(MAGIC, 1))]
    with pytest.raises(RegistryError):
        prepare(Codec(fetch=away), PARTITION, records, 0, 1)


def test_a_batch_is_committed_at_once() -> None:
    store = FakeStore()
    assert commit(prepared(*map(vote, "abc")), store) == (Applied(), [])
    assert store.attempts == [(0, 3, 3)]


@pytest.mark.parametrize("refused", ["a", "c", "e", "abcde", "ae", "bd"])
def test_each_refused_record_is_found_and_every_other_is_applied_in_order(refused: str) -> None:
    store = FakeStore(*refused, checkpoint=10)
    outcome, offsets = commit(prepared(*map(vote, "abcde"), begin=10), store)
    assert outcome == Applied()
    assert offsets == [10 + "abcde".index(voter) for voter in refused]
    assert store.applied == [voter for voter in "abcde" if voter not in refused]
    assert store.checkpoint == 15


def test_halves_meet_at_the_offset_of_the_middle_record() -> None:
    store = FakeStore("d")
    batch = prepared(b"no Avro", *map(vote, "ab"), b"no Avro", *map(vote, "cd"), b"no Avro")
    assert commit(batch, store) == (Applied(), [5])
    assert store.attempts == [
        (0, 7, 4), (0, 4, 2), (4, 7, 2), (4, 5, 1), (5, 7, 1), (5, 7, 0),
    ]  # fmt: skip


def test_a_checkpoint_that_moves_during_the_search_ends_it() -> None:
    store = FakeStore("d")

    class Moving(FakeStore):
        def commit(self, batches: Sequence[Batch]) -> list[Outcome]:
            (outcome,) = store.commit(batches)
            if isinstance(outcome, Applied):
                store.checkpoint = 9
            return [outcome]

    assert commit(prepared(*map(vote, "abcd")), Moving()) == (Mismatch(9), [])
    assert store.applied == ["a", "b"]


def test_the_dead_letter_is_written_before_the_checkpoint_moves_past_it() -> None:
    store = FakeStore("b")

    def write(_: Iterable[Failure]) -> None:
        raise ConnectionError("no broker")

    with pytest.raises(ConnectionError):
        commit_in_halves(prepared(*map(vote, "ab")), store.commit, write)
    assert (store.checkpoint, store.applied) == (1, ["a"])


def test_a_retried_batch_writes_each_dead_letter_once() -> None:
    written: list[int] = []

    class Sink:
        def write(self, failures: Iterable[Failure]) -> None:
            written.extend(record.offset for record, _ in failures)

    dead_letters = DeadLettersOnce(Sink())
    failures = list(prepared(b"", vote("a"), b"").unusable)
    dead_letters.write(failures[:1])
    dead_letters.write(failures)
    assert written == [0, 2]
    dead_letters.forget()
    dead_letters.write(failures)
    assert written == [0, 2, 0, 2]


def test_a_schema_registry_that_hangs_holds_up_its_own_partition_alone() -> None:
    answered = threading.Event()
    dead_letters: list[int] = []

    def hang(_: int) -> None:
        assert answered.wait(10)

    class Sink:
        def write(self, failures: Iterable[Failure]) -> None:
            dead_letters.extend(record.offset for record, _ in failures)

    def apply(codec: Codec, value: bytes) -> Coroutine[Any, Any, Settled]:
        store, no_engine = FakeStore(), cast("Any", None)
        committer = GroupCommitter(store.commit)
        projector: Any = Projector(
            TP(*PARTITION), no_engine, codec, Sink(), store.commit, committer
        )
        outcome: Coroutine[Any, Any, Settled] = projector.apply([ARecord(0, value)], 0, 1)
        return outcome

    async def scene() -> None:
        waiting = asyncio.create_task(apply(Codec(fetch=hang), HEADER.pack(MAGIC, 1)))
        await asyncio.sleep(0)
        assert await apply(CODEC, vote("a")) == Applied()
        assert not waiting.done()
        answered.set()
        assert await waiting == Applied()

    asyncio.run(asyncio.wait_for(scene(), 20))
    assert dead_letters == [0]
