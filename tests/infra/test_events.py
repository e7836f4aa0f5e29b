from collections.abc import Callable

import pytest
from confluent_kafka import Producer

from infra import events
from infra.codec import Codec
from infra.events import Found, Query, QuestionError, Reader, full_name, known_type, line, moment
from infra.producer import configuration
from infra.scan import Record
from infra.settings import Settings
from schemas.topics import EVENT_TOPICS, REVIEWS, VOTES
from tests.examples import HOUR, NOON, SECOND, a_review, a_vote


def a_record(
    value: bytes | None = b"", key: bytes = b"v-1", timestamp: int = NOON // 1000
) -> Record:
    return Record(VOTES.name, 3, 7, timestamp, key, value)


def found(event: events.Event | None, **record: int) -> Found:
    return Found(a_record(**record), event, "" if event else "broken Avro")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-11-20T12:00:00Z", NOON),
        ("2026-11-20T13:00:00+01:00", NOON),
        ("2026-11-20", NOON - 12 * HOUR),
        ("90m", NOON - 90 * 60 * SECOND),
        ("12h", NOON - 12 * HOUR),
        ("2d", NOON - 48 * HOUR),
    ],
)
def test_moments_are_said_in_the_ways_of_people(said: str, meant: int) -> None:
    assert moment(said, now=lambda: NOON / SECOND) == meant


@pytest.mark.parametrize("said", ["yesterday", "", "5", "2026-13-01", "-3d"])
def test_what_is_no_moment_is_told_with_examples(said: str) -> None:
    with pytest.raises(QuestionError, match="is no moment; write 2026-11-20"):
        moment(said)


def test_a_topic_goes_by_its_short_name_too() -> None:
    assert full_name("votes") == full_name(VOTES.name) == VOTES.name
    with pytest.raises(QuestionError, match="there are catalog, reviews, votes"):
        full_name("vote")
    with pytest.raises(QuestionError, match=r"there are category\.defined"):
        known_type("vote")


def test_only_topics_that_can_hold_what_is_meant_are_read() -> None:
    assert Query().read == sorted(topic.name for topic in EVENT_TOPICS)
    assert Query(types=("vote.cast", "vote.retracted")).read == [VOTES.name]
    assert Query(types=("vote.cast", "undecodable")).read == Query().read
    assert Query(topics=(REVIEWS.name,), types=("vote.cast",)).read == []


def test_a_query_takes_events_by_type_and_by_their_own_time() -> None:
    late = found(a_vote(time=NOON), timestamp=(NOON + HOUR) // 1000)
    assert Query(since=NOON, until=NOON + 1).takes(late)
    assert not Query(since=NOON + 1).takes(late)
    assert not Query(until=NOON).takes(late)
    assert not Query(types=("review.submitted",)).takes(late)
    assert Query(types=("undecodable",), since=NOON).takes(found(None))


def test_a_line_never_moves_the_cursor() -> None:
    event = a_review(body="\x1b[2Jgone\nnext" + "x" * 100)
    text = line(found(event))
    assert text.isprintable()
    assert "reviewer=builder" in text
    assert len(text) < 400


def test_events_are_told_as_they_are_sent() -> None:
    told = events.told(a_vote(voter="v-9"))
    assert told == {
        "id": "01",
        "type": "vote.cast",
        "time": "2026-11-20T12:00:00Z",
        "data": {"tool": "smolvlm-2-5", "voter": "v-9", "choice": "ship"},
    }


@pytest.mark.integration
def test_the_log_is_asked_by_topic_key_type_and_time(
    cluster: str, unique: Callable[[str], str]
) -> None:
    its = Settings.from_environment({"KAFKA_BOOTSTRAP_SERVERS": cluster})
    asker = unique("asker")
    reader, codec = Reader(its, Codec()), Codec()
    before = Query(key=asker)
    producer = Producer(configuration(its))
    for number in range(5):
        event = a_vote(voter=asker, time=NOON + number * HOUR, id=str(number))
        producer.produce(VOTES.name, codec.encode(event), asker.encode())
    producer.produce(VOTES.name, b"garbage", asker.encode())
    producer.flush()

    def ids(query: Query) -> list[str]:
        return [it.event.id for it in reader.events(query, reader.spans(query)) if it.event]

    assert ids(before) == ["0", "1", "2", "3", "4"]
    assert ids(Query(key=asker, since=NOON + HOUR, until=NOON + 3 * HOUR)) == ["1", "2"]
    assert ids(Query(key=asker, types=("vote.retracted",))) == []
    assert [it.type for it in reader.last(before, 2)] == ["vote.cast", "undecodable"]
    counts = reader.count(before, "hour", reader.spans(before), lambda _: None)
    assert counts["2026-11-20T12"] == 1
    last = reader.last(before, 1)[0].record
    assert reader.at(*last[:3]) == reader.last(before, 1)[0]
    assert reader.at(VOTES.name, last.partition, last.offset + 1) is None


@pytest.mark.integration
def test_what_comes_is_followed(cluster: str, unique: Callable[[str], str]) -> None:
    its = Settings.from_environment({"KAFKA_BOOTSTRAP_SERVERS": cluster})
    voter = unique("voter")
    following = Reader(its, Codec()).follow(Query(key=voter))
    producer = Producer(configuration(its))
    producer.produce(VOTES.name, Codec().encode(a_vote(voter=voter, id="new")), voter.encode())
    producer.flush()
    event = next(following).event
    assert event
    assert event.id == "new"
