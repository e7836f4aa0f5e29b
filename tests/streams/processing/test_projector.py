"""Records that can be applied are applied; the others become dead letters first, whole and once."""

import asyncio
import threading
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import pytest
from faust.types import TP
from sqlalchemy import Engine
from sqlalchemy.exc import DataError, OperationalError

from infra.consumer.group_commit import GroupCommitter
from infra.consumer.protocols import Applied, Mismatch, Outcome, Settled
from infra.kafka.codec import Codec, UndecodableError
from infra.postgres.engine import create_engine
from projections.read.tools import find_tool
from projections.write import checkpoints, store
from projections.write.store import Batch
from schemas.events import Event
from schemas.topics import DIGESTS, VOTES
from streams.processing.projector import Projector
from tests.harness.examples import NOON, TOOL, a_digest, a_listing, a_vote
from tests.harness.journal import Journal

pytestmark = pytest.mark.integration

CODEC = Codec()
GARBAGE = b"no Avro of ours"


class ARecord(NamedTuple):
    topic: str
    offset: int
    value: bytes | None
    partition: int = 0
    timestamp: int = NOON // 1000
    key: bytes | None = b"key"
    headers: tuple[tuple[str, bytes], ...] = (("ce_id", b"01"),)


class FakeDeadLetters:
    """Keeps dead letters; refuses them while it is unavailable.

    Attributes:
        letters: Each record with its error.
        writable: Writing waits for this.
    """

    def __init__(self) -> None:
        self.letters: list[tuple[Any, Exception]] = []
        self.unavailable = False
        self.writable = threading.Event()
        self.writable.set()

    @property
    def offsets(self) -> list[int]:
        return [record.offset for record, _ in self.letters]

    def write(self, failures: Iterable[tuple[Any, Exception]]) -> None:
        assert self.writable.wait(10)
        if self.unavailable:
            raise ConnectionError("no broker")
        self.letters += failures


class ProjectedTopic:
    """Projectors on the real database, one for each partition of a topic.

    Attributes:
        faults: What the next commits raise.
    """

    def __init__(self, engine: Engine, topic: str = VOTES.name) -> None:
        self.engine = engine
        self.topic = topic
        self.journals = [Journal(engine, (topic, partition)) for partition in range(2)]
        self.journal = self.journals[0]
        self.dead = FakeDeadLetters()
        self.faults: list[Exception] = []
        committer = GroupCommitter(self._commit)
        self.projectors = [
            Projector(TP(topic, partition), engine, CODEC, self.dead, self._commit, committer)
            for partition in range(2)
        ]

    def _commit(self, batches: Sequence[Batch]) -> list[Outcome]:
        if self.faults:
            raise self.faults.pop()
        return store.commit(self.engine, batches)

    def stored(self, partition: int = 0) -> int:
        offset: int = self.journal.read(checkpoints.stored, (self.topic, partition))
        return offset

    def apply(self, *values: Event | bytes | None) -> Settled:
        return asyncio.run(self.applying(*values))

    async def applying(self, *values: Event | bytes | None, partition: int = 0) -> Settled:
        begin = self.stored(partition)
        raw = [CODEC.encode(value) if isinstance(value, Event) else value for value in values]
        records = [ARecord(self.topic, begin + n, value, partition) for n, value in enumerate(raw)]
        projector: Any = self.projectors[partition]
        outcome: Settled = await projector.apply(records, begin, begin + len(records))
        return outcome


@pytest.fixture
def votes(projected: Engine) -> ProjectedTopic:
    Journal(projected).apply(a_listing())
    return ProjectedTopic(projected)


@pytest.fixture
def digests(projected: Engine) -> ProjectedTopic:
    """The one topic that can carry what the codec takes and the database refuses."""
    return ProjectedTopic(projected, DIGESTS.name)


def tally(world: ProjectedTopic) -> int:
    return world.journal.read(find_tool, TOOL).community.votes


def test_a_batch_is_applied_and_the_checkpoint_moves(votes: ProjectedTopic) -> None:
    votes.apply(a_vote(), a_vote(voter="v-2"))
    assert tally(votes) == 2
    assert votes.stored() == 2
    assert votes.dead.letters == []


def test_undecodable_records_become_dead_letters_with_a_reason_and_the_others_are_applied(
    votes: ProjectedTopic,
) -> None:
    votes.apply(a_vote(), GARBAGE, None, CODEC.encode(a_vote())[:-1], a_vote(voter="v-2"))
    assert tally(votes) == 2
    assert votes.stored() == 5
    assert votes.dead.offsets == [1, 2, 3]
    assert [record.value for record, _ in votes.dead.letters][:2] == [GARBAGE, None]
    assert all(isinstance(error, UndecodableError) for _, error in votes.dead.letters)


def test_a_batch_of_undecodable_records_moves_the_checkpoint(votes: ProjectedTopic) -> None:
    votes.apply(GARBAGE, GARBAGE)
    assert votes.stored() == 2
    assert votes.dead.offsets == [0, 1]


def test_while_dead_letters_cannot_be_written_nothing_is_applied_or_passed_over(
    votes: ProjectedTopic,
) -> None:
    votes.dead.unavailable = True
    with pytest.raises(ConnectionError):
        votes.apply(a_vote(), GARBAGE)
    assert (votes.stored(), tally(votes)) == (0, 0)
    votes.dead.unavailable = False
    votes.apply(a_vote(), GARBAGE)
    assert (votes.stored(), tally(votes)) == (2, 1)


def test_a_dead_letter_is_written_once_however_often_its_batch_is_retried(
    votes: ProjectedTopic,
) -> None:
    votes.faults = [OperationalError("", None, Exception("the database is away"))] * 3
    for _ in range(3):
        with pytest.raises(OperationalError):
            votes.apply(a_vote(), GARBAGE)
    votes.apply(a_vote(), GARBAGE)
    assert (votes.stored(), tally(votes), votes.dead.offsets) == (2, 1, [1])


def test_a_good_batch_needs_no_dead_letters(votes: ProjectedTopic) -> None:
    votes.dead.unavailable = True
    votes.apply(a_vote())
    assert tally(votes) == 1


@pytest.mark.parametrize("position", range(5))
def test_a_record_that_the_database_refuses_is_found_wherever_it_is(
    digests: ProjectedTopic, position: int
) -> None:
    values = [a_digest(week=f"2026-W{n:02}") for n in range(1, 6)]
    values[position] = a_digest(digest="a\0b")
    digests.apply(*values)
    assert digests.stored() == 5
    assert digests.dead.offsets == [position]
    assert isinstance(digests.dead.letters[0][1], DataError)
    assert len(digests.journal.rows("digests")) == 4


def test_each_poison_record_of_a_batch_becomes_one_dead_letter_whatever_the_kind(
    digests: ProjectedTopic,
) -> None:
    digests.apply(a_digest("2026-W01"), GARBAGE, a_digest(digest="\0"), GARBAGE, a_digest())
    assert digests.stored() == 5
    assert sorted(digests.dead.offsets) == [1, 2, 3]
    assert len(digests.journal.rows("digests")) == 2


def test_a_batch_that_misses_its_checkpoint_is_told_and_applies_nothing(
    votes: ProjectedTopic,
) -> None:
    votes.apply(a_vote())
    record = ARecord(VOTES.name, 0, CODEC.encode(a_vote(voter="v-2")))
    projector: Any = votes.projectors[0]
    assert asyncio.run(projector.apply([record], 0, 1)) == Mismatch(1)
    assert tally(votes) == 1


def test_a_database_that_is_away_makes_no_dead_letter(votes: ProjectedTopic) -> None:
    away = create_engine("postgresql://nobody@127.0.0.1:1/nowhere")
    commit = partial(store.commit, away)
    projector: Any = Projector(
        TP(VOTES.name, 0), away, CODEC, votes.dead, commit, GroupCommitter(commit)
    )
    with pytest.raises(OperationalError):
        asyncio.run(projector.apply([ARecord(VOTES.name, 0, CODEC.encode(a_vote()))], 0, 1))
    assert votes.dead.letters == []


def test_other_partitions_do_not_wait_for_a_dead_letter(votes: ProjectedTopic) -> None:
    votes.dead.writable.clear()

    async def scene() -> None:
        poisoned = asyncio.create_task(votes.applying(GARBAGE))
        assert await votes.applying(a_vote(), partition=1) == Applied()
        assert not poisoned.done()
        votes.dead.writable.set()
        assert await poisoned == Applied()

    asyncio.run(asyncio.wait_for(scene(), 20))
    assert (votes.stored(0), votes.stored(1)) == (1, 1)


def test_a_dead_letter_that_cannot_be_written_fails_its_own_partition_alone(
    votes: ProjectedTopic,
) -> None:
    votes.dead.unavailable = True

    async def scene() -> list[Settled | BaseException]:
        both = [votes.applying(GARBAGE), votes.applying(a_vote(), partition=1)]
        return await asyncio.gather(*both, return_exceptions=True)

    failed, applied = asyncio.run(scene())
    assert isinstance(failed, ConnectionError)
    assert applied == Applied()
    assert (votes.stored(0), votes.stored(1)) == (0, 1)


def test_a_refused_record_of_one_partition_holds_up_no_other(
    digests: ProjectedTopic,
) -> None:
    async def scene() -> list[Settled]:
        refused = [a_digest("2026-W01"), a_digest(digest="\0"), a_digest("2026-W03")]
        both = [digests.applying(*refused), digests.applying(a_digest("2026-W04"), partition=1)]
        return await asyncio.gather(*both)

    assert asyncio.run(scene()) == [Applied(), Applied()]
    assert (digests.stored(0), digests.stored(1), digests.dead.offsets) == (3, 1, [1])
    assert len(digests.journal.rows("digests")) == 3
