import random
from io import BytesIO

import fastavro
import msgspec
import pytest

from infra.kafka.codec import FIRST_TIME, LAST_TIME, Codec
from schemas import topics
from schemas.avro import catalogue
from schemas.avro.voter_events import VOTER_EVENTS
from schemas.events import BookmarkAdded, BookmarkRemoved, Event, VoteCast, VoteRetracted
from schemas.time.instants import parse

NOON = parse("2026-11-20T12:00:00.123456Z")
TEXTS = ("a", "é" * 31, "é" * 32, "x" * 63, "x" * 64, "日本" * 64, "😀" * 128)
TIMES = (
    *(-2, -1, 0, 1, 63, 64, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, (1 << 21) + 7),
    *(NOON, FIRST_TIME, LAST_TIME),
)


def general(event: Event) -> bytes:
    """What fastavro writes for a whole union, from the schema as it is published."""
    topic = event.data.topic.name
    version, body = catalogue.NEWEST[topic], BytesIO()
    fields = {
        **msgspec.to_builtins(event.data),
        "id": event.id,
        "time": event.time,
        "source": event.source,
    }
    record = f"verdicts.{type(event.data).__name__}", fields
    fastavro.schemaless_writer(body, fastavro.parse_schema(version.schema()), record)
    return b"\x00" + version.id.to_bytes(4, "big") + body.getvalue()


def test_it_writes_votes_and_bookmarks_and_nothing_else() -> None:
    of_topics = {f"verdicts.{data.__name__}" for data in VOTER_EVENTS}
    schemas = (catalogue.NEWEST[topic.name].schema() for topic in (topics.VOTES, topics.BOOKMARKS))
    assert of_topics == {f"verdicts.{record['name']}" for union in schemas for record in union}


@pytest.mark.parametrize("seed", range(50))
def test_the_bytes_are_those_of_the_general_encoder(seed: int) -> None:
    chance = random.Random(seed)
    tool, voter, source = (chance.choice(TEXTS) for _ in range(3))
    event: Event = Event(
        chance.choice(TEXTS),
        chance.choice(TIMES),
        chance.choice(
            (
                VoteCast(tool=tool, voter=voter, choice=chance.choice(("ship", "skip"))),
                VoteRetracted(tool=tool, voter=voter),
                BookmarkAdded(tool=tool, voter=voter),
                BookmarkRemoved(tool=tool, voter=voter),
            )
        ),
        chance.choice((None, source)),
    )
    assert Codec().encode(event) == general(event)


@pytest.mark.parametrize("time", TIMES)
def test_every_time_is_written_as_the_general_encoder_does(time: int) -> None:
    event: Event = Event("an-id", time, VoteRetracted(tool="a-tool", voter="someone"))
    assert Codec().encode(event) == general(event)
