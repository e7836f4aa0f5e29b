import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka.admin import NewTopic

from infra.cli.main import verdicts
from infra.kafka.client import create_admin, create_producer
from infra.kafka.codec import Codec
from infra.kafka.reader import LogRecord
from infra.operations.event_query.query import (
    FoundEvent,
    Query,
    QueryError,
    full_name,
    known_type,
    parse_time,
)
from infra.operations.event_query.reader import FIRST_DEPTH, EventReader
from infra.operations.event_query.rendering import line, to_full_json, to_json
from infra.settings import Settings
from schemas.events import Event
from schemas.topics import EVENT_TOPICS, REVIEWS, VOTES
from tests.harness.examples import HOUR, NOON, SECOND, a_review, a_vote


def a_record(
    value: bytes | None = b"", key: bytes = b"v-1", timestamp: int = NOON // 1000
) -> LogRecord:
    return LogRecord(VOTES.name, 3, 7, timestamp, key, value)


def a_found_event(event: Event | None, **record: Any) -> FoundEvent:
    return FoundEvent(a_record(**record), event, "" if event else "broken Avro")


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("2026-11-20T12:00:00Z", NOON),
        ("2026-11-20T13:00:00+01:00", NOON),
        ("2026-11-20", NOON - 12 * HOUR),
        ("90m", NOON - 90 * 60 * SECOND),
        ("12h", NOON - 12 * HOUR),
        ("2d", NOON - 48 * HOUR),
    ],
)
def test_times_are_given_as_rfc_3339_as_dates_or_as_ages(text: str, microseconds: int) -> None:
    assert parse_time(text, now=lambda: NOON / SECOND) == microseconds


@pytest.mark.parametrize("text", ["yesterday", "", "5", "2026-13-01", "-3d"])
def test_an_unreadable_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(QueryError, match="is no time; write 2026-11-20"):
        parse_time(text)


def test_a_topic_is_named_by_its_short_name_too() -> None:
    assert full_name("votes") == full_name(VOTES.name) == VOTES.name
    with pytest.raises(QueryError, match="there are catalog, reviews, votes"):
        full_name("vote")
    with pytest.raises(QueryError, match=r"there are category\.defined"):
        known_type("vote")


def test_only_topics_that_can_hold_matching_events_are_read() -> None:
    assert Query().topics_to_read == sorted(topic.name for topic in EVENT_TOPICS)
    assert Query(types=("vote.cast", "vote.retracted")).topics_to_read == [VOTES.name]
    assert Query(types=("vote.cast", "undecodable")).topics_to_read == Query().topics_to_read
    assert Query(topics=(REVIEWS.name,), types=("vote.cast",)).topics_to_read == []


def test_an_event_names_the_token_that_sent_it() -> None:
    record = a_record()._replace(headers=(("ce_id", b"e"), ("verdicts-token", b"7f3k2m9qx1zd")))
    assert to_full_json(FoundEvent(record, a_vote()))["token"] == "7f3k2m9qx1zd"
    assert "token" not in to_full_json(a_found_event(a_vote()))


def test_a_query_takes_events_by_type_and_by_their_own_time() -> None:
    late = a_found_event(a_vote(time=NOON), timestamp=(NOON + HOUR) // 1000)
    assert Query(since=NOON, until=NOON + 1).matches(late)
    assert not Query(since=NOON + 1).matches(late)
    assert not Query(until=NOON).matches(late)
    assert not Query(types=("review.submitted",)).matches(late)
    assert Query(types=("undecodable",), since=NOON).matches(a_found_event(None))


def test_a_line_never_moves_the_cursor() -> None:
    event = a_review(body="\x1b[2Jgone\nnext" + "x" * 100)
    text = line(a_found_event(event))
    assert text.isprintable()
    assert "reviewer=builder" in text
    assert len(text) < 400


def test_events_are_shown_as_they_are_sent() -> None:
    event = to_json(a_vote(voter="v-9"))
    assert event == {
        "id": "01",
        "type": "vote.cast",
        "time": "2026-11-20T12:00:00Z",
        "data": {"tool": "smolvlm-2-5", "voter": "v-9", "choice": "ship"},
    }


@pytest.fixture
def settings(cluster: dict[str, str]) -> Settings:
    return Settings.from_environment(cluster)


@pytest.mark.integration
def test_the_log_is_queried_by_topic_key_type_and_time(
    settings: Settings, unique: Callable[[str], str]
) -> None:
    asker = unique("asker")
    reader, codec = EventReader(settings, Codec()), Codec()
    before = Query(key=asker)
    producer = create_producer(settings)
    for number in range(5):
        event = a_vote(voter=asker, time=NOON + number * HOUR, id=str(number))
        producer.produce(VOTES.name, codec.encode(event), asker.encode())
    producer.produce(VOTES.name, b"garbage", asker.encode())
    producer.flush()

    def ids(query: Query) -> list[str]:
        return [
            record.event.id for record in reader.events(query, reader.ranges(query)) if record.event
        ]

    assert ids(before) == ["0", "1", "2", "3", "4"]
    assert ids(Query(key=asker, since=NOON + HOUR, until=NOON + 3 * HOUR)) == ["1", "2"]
    assert ids(Query(key=asker, types=("vote.retracted",))) == []
    ranges = reader.ranges(before)
    assert [record.type for record in reader.last(before, 2, ranges)] == [
        "vote.cast",
        "undecodable",
    ]
    counts = reader.count(before, "hour", ranges, lambda _: None)
    assert counts["2026-11-20T12"] == 1
    (newest,) = reader.last(before, 1, ranges)
    last = newest.record
    assert reader.at(*last[:3]) == newest
    assert reader.at(VOTES.name, last.partition, last.offset + 1) is None


@pytest.fixture
def topic(kafka: dict[str, str], unique: Callable[[str], str]) -> str:
    """A topic of the test's own with two partitions, on which also what is old stays."""
    name = unique("stretches")
    admin = create_admin(Settings.from_environment(kafka))
    new = NewTopic(name, 2, 1, config={"retention.ms": "-1"})
    admin.create_topics([new])[name].result(20)
    return name


@pytest.fixture
def write(settings: Settings, topic: str) -> Callable[..., None]:
    """Writes a record for each of these times, in milliseconds, to a partition of the topic."""

    def written(partition: int, timestamps: Iterable[int], key: str = "v-1") -> None:
        producer = create_producer(settings)
        for timestamp in timestamps:
            producer.produce(topic, None, key, partition=partition, timestamp=timestamp)
        assert producer.flush(20) == 0

    return written


def times(newest: Iterable[FoundEvent]) -> list[int]:
    return [record.record.timestamp for record in newest]


@pytest.mark.integration
def test_the_newest_before_a_time_are_found_deep_in_a_busy_partition(
    settings: Settings, topic: str, write: Callable[..., None]
) -> None:
    write(0, range(1_000, 1_300))
    write(1, range(1, 11))
    reader, query = EventReader(settings, Codec()), Query(topics=(topic,), until=1_050_000)
    newest = reader.last(query, 5, reader.ranges(query))
    assert times(newest) == [1_045, 1_046, 1_047, 1_048, 1_049]


@pytest.mark.integration
def test_rare_events_of_a_busy_partition_are_found_before_common_ones_of_a_quiet_one(
    settings: Settings, topic: str, write: Callable[..., None]
) -> None:
    write(0, [1_000, 1_001], key="rare")
    write(0, range(1_002, 1_300))
    write(1, range(1, 11), key="rare")
    reader, query = EventReader(settings, Codec()), Query(topics=(topic,), key="rare")
    assert times(reader.last(query, 3, reader.ranges(query))) == [10, 1_000, 1_001]


@pytest.mark.integration
def test_a_partition_is_read_no_further_back_once_its_records_are_too_old(
    settings: Settings, topic: str, write: Callable[..., None]
) -> None:
    write(0, range(2_000, 2_300))
    write(1, range(1, 1_001))
    reader, query, passed = (
        EventReader(settings, Codec()),
        Query(topics=(topic,), until=2_050_000),
        [0],
    )
    newest = reader.last(query, 5, reader.ranges(query), passed.append)
    assert times(newest) == [2_045, 2_046, 2_047, 2_048, 2_049]
    assert max(passed) == 2 * FIRST_DEPTH
    assert passed[-1] == 300 - FIRST_DEPTH  # of the busy one alone


@pytest.mark.integration
def test_fewer_than_asked_for_are_found_and_none_when_none_are_asked_for(
    settings: Settings, topic: str, write: Callable[..., None]
) -> None:
    write(0, range(1, 301))
    reader, query = EventReader(settings, Codec()), Query(topics=(topic,), until=3_000)
    ranges = reader.ranges(query)
    assert times(reader.last(query, 5, ranges)) == [1, 2]
    assert reader.last(query, 0, ranges) == []


@pytest.mark.integration
def test_events_that_arrive_while_the_newest_are_read_are_followed(
    settings: Settings, topic: str, write: Callable[..., None]
) -> None:
    reader, query = EventReader(settings, Codec()), Query(topics=(topic,))
    write(0, [1])
    ranges = reader.ranges(query)
    write(0, [2])
    assert times(reader.last(query, 5, ranges)) == [1]
    following = reader.follow(query, ranges)
    write(0, [3])
    assert next(following).record.timestamp == 2
    assert next(following).record.timestamp == 3


@pytest.mark.integration
def test_an_id_with_slashes_is_no_position(
    settings: Settings, cluster: dict[str, str], unique: Callable[[str], str]
) -> None:
    name = unique("orders/2026/17")
    producer = create_producer(settings)
    producer.produce(VOTES.name, Codec().encode(a_vote(voter=name, id=name)), name)
    assert producer.flush(20) == 0
    environ = {**cluster, "DATABASE_URL": "postgresql://nobody/asks"}
    words = ["events", "show", name, "--type", "vote.cast", "--json"]
    shown = CliRunner().invoke(verdicts, words, env=environ)
    assert [record["id"] for record in json.loads(shown.stdout)] == [name]


def test_a_negative_number_of_events_is_refused() -> None:
    refused = CliRunner().invoke(verdicts, ["events", "tail", "-n", "-5"])
    assert refused.exit_code == 2
    assert "-5 is not in the range x>=0" in refused.output
