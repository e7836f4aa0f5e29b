"""Checkpoints belong to one log; what no longer is that log halts loudly."""

from collections.abc import Callable, Iterable, Mapping

import pytest
from sqlalchemy import Engine

from infra.consumer.protocols import CheckpointMismatch, LogMismatchError
from infra.kafka.offsets import Bounds
from projections.write import checkpoints
from projections.write.checkpoints import CheckpointMove, DatabaseCheckpoints
from schemas.topics import TopicPartition

pytestmark = pytest.mark.integration

VOTES, REVIEWS = ("verdicts.votes.v1", 3), ("verdicts.reviews.v1", 0)


class FakeLog:
    """A broker whose log is what a test says; `meanwhile` happens just after it answered."""

    def __init__(self, first: int = 0, end: int = 100, topic_id: str = "one") -> None:
        self.first, self.end, self.topic_id = first, end, topic_id
        self.meanwhile: Callable[[], None] = lambda: None

    def bounds(self, topic_partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, Bounds]:
        answer = {
            topic_partition: Bounds(self.topic_id, self.first, self.end)
            for topic_partition in topic_partitions
        }
        self.meanwhile()
        return answer

    def has_records(self, topic_partition: TopicPartition, begin: int, end: int) -> bool:  # noqa: ARG002
        return begin < end


def move(engine: Engine, topic_partition: TopicPartition, expected: int, upto: int) -> None:
    with engine.begin() as connection:
        checkpoints.move(connection, [CheckpointMove(topic_partition, expected, upto)])()


def test_a_partition_never_read_starts_at_its_beginning(projected: Engine) -> None:
    offsets = DatabaseCheckpoints(projected, FakeLog()).load([VOTES, REVIEWS])
    assert offsets == {VOTES: 0, REVIEWS: 0}


def test_a_partition_goes_on_where_it_was_left(projected: Engine) -> None:
    stored = DatabaseCheckpoints(projected, FakeLog())
    stored.load([VOTES, REVIEWS])
    move(projected, VOTES, 0, 42)
    assert stored.load([VOTES, REVIEWS]) == {VOTES: 42, REVIEWS: 0}
    assert stored.stored([VOTES]) == {VOTES: 42}


def test_a_checkpoint_at_the_end_of_the_log_is_one_that_has_read_everything(
    projected: Engine,
) -> None:
    stored = DatabaseCheckpoints(projected, FakeLog(end=42))
    stored.load([VOTES])
    move(projected, VOTES, 0, 42)
    assert stored.load([VOTES]) == {VOTES: 42}


def test_a_checkpoint_behind_the_end_of_the_log_is_refused(projected: Engine) -> None:
    log = FakeLog(end=100)
    stored = DatabaseCheckpoints(projected, log)
    stored.load([VOTES])
    move(projected, VOTES, 0, 42)
    log.end = 41
    with pytest.raises(LogMismatchError, match=r"votes\.v1/3 was applied up to offset 42"):
        stored.load([VOTES])


def test_a_checkpoint_before_the_beginning_of_the_log_is_refused(projected: Engine) -> None:
    log = FakeLog()
    stored = DatabaseCheckpoints(projected, log)
    stored.load([VOTES])
    move(projected, VOTES, 0, 42)
    log.first = 43
    with pytest.raises(LogMismatchError, match="its log holds 43 to 100"):
        stored.load([VOTES])


def test_a_log_whose_beginning_is_gone_is_not_begun_in_the_middle(projected: Engine) -> None:
    with pytest.raises(LogMismatchError):
        DatabaseCheckpoints(projected, FakeLog(first=7)).load([VOTES])


def test_a_topic_made_anew_is_refused_also_when_it_has_grown_past_the_checkpoint(
    projected: Engine,
) -> None:
    log = FakeLog(end=50)
    stored = DatabaseCheckpoints(projected, log)
    stored.load([VOTES])
    move(projected, VOTES, 0, 42)
    log.topic_id, log.end = "another", 1_000
    with pytest.raises(LogMismatchError, match=r"votes\.v1/3 was made anew"):
        stored.load([VOTES])
    assert stored.stored([VOTES]) == {VOTES: 42}


def test_a_topic_made_anew_while_it_is_read_is_noticed(projected: Engine) -> None:
    log = FakeLog()
    stored = DatabaseCheckpoints(projected, log)
    stored.load([VOTES])
    stored.verify([VOTES, REVIEWS])
    log.topic_id = "another"
    with pytest.raises(LogMismatchError, match=r"votes\.v1/3 was made anew"):
        stored.verify([VOTES, REVIEWS])


@pytest.mark.parametrize(("first", "end"), [(43, 100), (0, 41)])
def test_a_log_that_loses_what_was_not_read_yet_or_was_read_already_is_noticed(
    projected: Engine, first: int, end: int
) -> None:
    log = FakeLog()
    stored = DatabaseCheckpoints(projected, log)
    stored.load([VOTES])
    move(projected, VOTES, 0, 42)
    stored.verify([VOTES])
    log.first, log.end = first, end
    with pytest.raises(LogMismatchError, match=f"its log holds {first} to {end}"):
        stored.verify([VOTES])


def test_what_another_worker_applies_while_the_broker_is_asked_is_no_mismatch(
    projected: Engine,
) -> None:
    log = FakeLog(end=42)
    stored = DatabaseCheckpoints(projected, log)
    stored.load([VOTES])
    # After the broker has told the end, records are appended, and another owner applies them.
    log.meanwhile = lambda: move(projected, VOTES, 0, 50)
    assert stored.load([VOTES]).keys() == {VOTES}


def test_two_workers_that_begin_at_once_begin_once(projected: Engine) -> None:
    log = FakeLog()

    def assign_elsewhere() -> None:
        log.meanwhile = lambda: None
        DatabaseCheckpoints(projected, log).load([VOTES])

    log.meanwhile = assign_elsewhere
    assert DatabaseCheckpoints(projected, log).load([VOTES]) == {VOTES: 0}


def test_a_checkpoint_moves_from_where_it_is_expected_and_from_nowhere_else(
    projected: Engine,
) -> None:
    DatabaseCheckpoints(projected, FakeLog()).load([VOTES])
    move(projected, VOTES, 0, 10)
    for expected in (0, 9, 11):
        with pytest.raises(CheckpointMismatch) as missed:
            move(projected, VOTES, expected, 20)
        assert missed.value.stored == 10
