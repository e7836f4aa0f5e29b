import threading
import time
from collections.abc import Iterable, Mapping

import msgspec
import pytest
from confluent_kafka import TopicPartition
from sqlalchemy import Engine

from infra.kafka.client import create_consumer
from infra.kafka.codec import Codec
from infra.settings import Settings
from projections.history.tool_history import read_history
from projections.history.weekly_digests import find_digest, find_newest_digest_week, list_digests
from projections.read import changed_records
from projections.record_keys import RecordKey
from schemas.events import DigestFrozen, Event, FrozenTally
from schemas.time import weeks
from schemas.topics import DIGESTS
from streams.processing.week_freezer import GRACE, NotFrozen, WeekFreezer, earlier_clock
from streams.processing.week_freezer_thread import (
    ADVISORY_LOCK,
    SILENT_SECONDS,
    exclusive_lock,
    to_topic,
)
from tests.harness import examples
from tests.harness.databases import is_free
from tests.harness.examples import NOON, TOOL
from tests.harness.journal import Journal
from tests.harness.kafka import at_kafka

pytestmark = pytest.mark.integration

WEEK, AFTER = "2026-W47", "2026-W48"
CLOSED = weeks.span(WEEK)[1] + GRACE


class FakeLog:
    """A log whose partitions end where it is told; what is sent is applied at once, or not."""

    def __init__(self, engine: Engine) -> None:
        self.sent: list[Event] = []
        self.digests = Journal(engine, (DIGESTS.name, 0))
        self.further: dict[tuple[str, int], int] = {}
        self.marked: set[tuple[str, int]] = set()
        self.asked = 0

    def ends(self, topic_partitions: Iterable[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        return (
            dict.fromkeys(topic_partitions, 0)
            | {self.digests.topic_partition: self.digests.next}
            | self.further
        )

    def has_records(self, topic_partition: tuple[str, int], begin: int, end: int) -> bool:
        self.asked += 1
        return begin < end and topic_partition not in self.marked

    def send(self, event: Event) -> int:
        self.sent.append(event)
        self.digests.apply(event)
        return self.digests.next - 1


@pytest.fixture
def log(projected: Engine) -> FakeLog:
    return FakeLog(projected)


def freezer(
    log: FakeLog, now: int = CLOSED, stopping: threading.Event | None = None
) -> WeekFreezer:
    return WeekFreezer(log.digests.engine, log, log.send, lambda: now, stopping)


def test_a_closed_week_is_frozen_with_its_digest_and_every_tally(
    journal: Journal, log: FakeLog
) -> None:
    journal.apply(examples.a_listing(), examples.a_vote(), examples.a_bookmark())
    running = journal.read(find_digest, WEEK)
    assert freezer(log).due() == [WEEK]
    assert freezer(log).freeze(WEEK) == "frozen"
    (event,) = log.sent
    assert isinstance(event.data, DigestFrozen)
    assert (event.id, event.time, event.key) == ("freeze-2026-W47", CLOSED, WEEK)
    assert event.data.tallies == (FrozenTally(TOOL, 1, 0, 1),)
    assert journal.read(find_digest, WEEK) == msgspec.structs.replace(running, frozen=True)


def test_a_week_is_due_ten_minutes_after_its_end(journal: Journal, log: FakeLog) -> None:
    journal.apply(examples.a_listing())
    assert freezer(log, CLOSED - 1).due() == []
    assert freezer(log, CLOSED).due() == [WEEK]


def test_two_freezers_give_one_digest(journal: Journal, log: FakeLog) -> None:
    journal.apply(examples.a_listing())
    assert freezer(log).freeze(WEEK) == "frozen"
    assert freezer(log).freeze(WEEK) == "already"
    assert len(log.sent) == 1
    assert freezer(log).due() == []


def test_of_two_decisions_on_one_week_the_first_counts(journal: Journal, log: FakeLog) -> None:
    journal.apply(examples.a_listing())
    first = freezer(log, CLOSED).decide(WEEK)
    journal.apply(examples.a_vote())
    second = freezer(log, CLOSED + 1).decide(WEEK)
    assert isinstance(first, DigestFrozen)
    assert isinstance(second, DigestFrozen)
    log.digests.apply(examples.an_event(second, time=CLOSED + 1))
    log.digests.apply(examples.an_event(first, time=CLOSED))
    assert journal.read(find_digest, WEEK).counts.votes == 0


def test_a_quiet_week_is_decided_and_has_no_digest(journal: Journal, log: FakeLog) -> None:
    journal.apply(examples.a_listing(), examples.a_vote())
    freezer(log).freeze(WEEK)
    later = freezer(log, CLOSED + weeks.LENGTH)
    assert later.due() == [AFTER]
    assert later.freeze(AFTER) == "quiet"
    assert later.freeze(AFTER) == "already"
    assert later.due() == []
    assert [event.key for event in log.sent] == [WEEK, AFTER]
    first, second = (event.data for event in log.sent)
    assert isinstance(first, DigestFrozen)
    assert isinstance(second, DigestFrozen)
    assert first.tallies == second.tallies
    assert journal.read(find_digest, AFTER) is None
    assert [digest.week for digest in journal.read(list_digests)] == [WEEK]
    assert journal.read(find_newest_digest_week) == WEEK
    assert journal.read(changed_records.look_up, [RecordKey("digest", AFTER)]) == {
        RecordKey("digest", AFTER): None
    }


def test_what_comes_after_a_quiet_week_counts_for_its_own(journal: Journal, log: FakeLog) -> None:
    journal.apply(examples.a_listing(), examples.a_vote())
    freezer(log).freeze(WEEK)
    freezer(log, CLOSED + weeks.LENGTH).freeze(AFTER)
    journal.apply(examples.a_vote(voter="v-2", time=NOON + 2 * weeks.LENGTH))
    last = freezer(log, CLOSED + 2 * weeks.LENGTH)
    assert last.due() == ["2026-W49"]
    assert last.freeze("2026-W49") == "frozen"
    digest = journal.read(find_digest, "2026-W49")
    assert (digest.counts.votes, digest.since) == (1, WEEK)
    assert [point.week for point in journal.read(read_history, TOOL).community] == [
        WEEK,
        "2026-W49",
    ]


def test_a_clock_that_is_ahead_closes_no_week(
    projected: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: true + 30 * 24 * 3600 * 10**9)
    assert earlier_clock(projected) < true // 1000 + 3600 * 10**6
    monkeypatch.setattr(time, "time_ns", lambda: true - 10**9)
    assert earlier_clock(projected) == true // 1000 - 10**6


def test_each_week_is_held_against_the_one_before(journal: Journal, log: FakeLog) -> None:
    journal.apply(examples.a_listing(), examples.a_vote(voter="v-1"), examples.a_vote(voter="v-2"))
    freezer(log).freeze(WEEK)
    journal.apply(examples.a_vote(voter="v-3", time=NOON + weeks.LENGTH))
    freezer(log, CLOSED + weeks.LENGTH).freeze(AFTER)
    first, second = (journal.read(find_digest, week) for week in (WEEK, AFTER))
    assert (first.counts.votes, second.counts.votes) == (2, 1)
    assert (first.since, second.since) == (None, WEEK)


def test_nothing_is_decided_while_a_partition_is_behind(journal: Journal, log: FakeLog) -> None:
    journal.apply(examples.a_listing())
    log.further = {journal.topic_partition: journal.next + 1}
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(NotFrozen, match=r"behind on tests\.journal/0"):
        freezer(log, stopping=stopping).freeze(WEEK)
    assert log.sent == []


def test_markers_behind_the_last_record_hold_up_nothing(journal: Journal, log: FakeLog) -> None:
    journal.apply(examples.a_listing())
    log.further, log.marked = {journal.topic_partition: journal.next + 1}, {journal.topic_partition}
    work = WeekFreezer(journal.engine, log, log.send, lambda: CLOSED, marker_seconds=0)
    assert work.freeze(WEEK) == "frozen"


def test_what_is_left_of_a_partition_is_not_asked_while_it_moves(
    journal: Journal, log: FakeLog
) -> None:
    class Worker(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002
            journal.apply(examples.a_vote(voter=f"v-{journal.next}"))
            return False

    journal.apply(examples.a_listing())
    log.further = {journal.topic_partition: journal.next + 5}
    work = WeekFreezer(journal.engine, log, log.send, lambda: CLOSED, Worker(), marker_seconds=0)
    assert work.freeze(WEEK) == "frozen"
    assert log.asked == 0


def test_a_replay_of_the_log_gives_the_same_digests(journal: Journal, log: FakeLog) -> None:
    history = [
        examples.a_listing(),
        examples.a_reviewer(),
        examples.a_review(),
        *(examples.a_vote(voter=f"v-{number}") for number in range(3)),
    ]
    journal.apply(*history)
    freezer(log).freeze(WEEK)
    late = [examples.a_vote(voter="late", time=NOON + weeks.LENGTH), examples.a_review(5, "skip",
            id="02", time=NOON + weeks.LENGTH)]  # fmt: skip
    journal.apply(*late)
    before = journal.rows("digests", "version"), journal.read(list_digests)
    with journal.engine.begin() as connection:
        for table in ("tools", "first_listings", "reviewers", "revisions", "ballots", "tallies",
                      "digests", "checkpoints"):  # fmt: skip
            connection.exec_driver_sql(f"delete from {table}")
    again = Journal(journal.engine)
    again.apply(*reversed([*history, *late]))
    again.apply(*log.sent)
    assert (again.rows("digests", "version"), again.read(list_digests)) == before


def test_one_freezer_holds_the_lock_and_others_wait(migrated: str) -> None:
    settings = Settings.from_environment({"DATABASE_URL": migrated})
    stopping = threading.Event()
    stopping.set()
    with exclusive_lock(settings):
        assert not is_free(settings, ADVISORY_LOCK)
        with pytest.raises(NotFrozen), exclusive_lock(settings, stopping):
            pass
    assert is_free(settings, ADVISORY_LOCK)


def test_a_freezer_that_falls_silent_loses_the_lock_and_the_demo_keeps_it(migrated: str) -> None:
    settings = Settings.from_environment({"DATABASE_URL": migrated})
    for seconds, timeout in ((SILENT_SECONDS, "4min"), (0, "0")):
        with exclusive_lock(settings, silent_seconds=seconds) as lock:
            assert lock.execute("show idle_session_timeout").fetchone() == (timeout,)


def test_a_freeze_stands_on_its_topic_where_the_broker_says(cluster: dict[str, str]) -> None:
    settings = Settings.from_environment(cluster)
    event = examples.a_digest("1999-W01")
    offset = to_topic(settings, Codec(), event)
    consumer = create_consumer(at_kafka(cluster))
    consumer.assign([TopicPartition(DIGESTS.name, 0, offset)])
    (message,) = consumer.consume(1, timeout=20)
    consumer.close()
    assert (message.offset(), message.key()) == (offset, b"1999-W01")
    assert Codec().decode(DIGESTS.name, message.value()) == event
    assert dict(message.headers() or [])["ce_type"] == b"digest.frozen"
