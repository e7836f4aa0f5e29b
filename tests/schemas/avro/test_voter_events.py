import json
import random
from io import BytesIO
from typing import Any

import fastavro
import msgspec
import pytest

from infra.kafka.codec import FIRST_TIME, LAST_TIME, Codec
from schemas import topics
from schemas.avro import catalogue
from schemas.avro.voter_events import (
    VOTER_EVENTS,
    EventFields,
    VoterEvent,
    decode_voter_event,
)
from schemas.events import BookmarkAdded, BookmarkRemoved, Event, VoteCast, VoteRetracted
from schemas.time.instants import parse

PREFIX = 6
"""Bytes before the body: of the wire format, and the record's index in the union."""
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


def an_event(seed: int) -> Event[VoterEvent]:
    """A vote or a bookmark with texts and times at the edges of what one byte tells."""
    chance = random.Random(seed)
    tool, voter, source = (chance.choice(TEXTS) for _ in range(3))
    data: tuple[VoterEvent, ...] = (
        VoteCast(tool=tool, voter=voter, choice=chance.choice(("ship", "skip"))),
        VoteRetracted(tool=tool, voter=voter),
        BookmarkAdded(tool=tool, voter=voter),
        BookmarkRemoved(tool=tool, voter=voter),
    )
    return Event(
        chance.choice(TEXTS),
        chance.choice(TIMES),
        chance.choice(data),
        chance.choice((None, source)),
    )


@pytest.mark.parametrize("seed", range(50))
def test_the_bytes_are_those_of_the_general_encoder(seed: int) -> None:
    event = an_event(seed)
    assert Codec().encode(event) == general(event)


def read(event: Event[VoterEvent], raw: bytes) -> EventFields | None:
    return decode_voter_event(raw, PREFIX, type(event.data))


def test_usual_bytes_are_read_as_they_were_written() -> None:
    for event in map(an_event, range(500)):
        fields = read(event, general(event))
        lengths = map(len, map(str.encode, (event.id, event.data.tool, event.data.voter)))
        is_usual = event.time == NOON and max(*lengths, len((event.source or "").encode())) < 64
        assert (fields is not None) == is_usual
        if fields is not None:
            data = msgspec.to_builtins(event.data)
            assert fields == EventFields(event.id, event.time, data, event.source)


def read_generally(raw: bytes) -> EventFields:
    """What fastavro reads from all bytes of a vote cast."""
    union, body = catalogue.NEWEST[topics.VOTES.name].schema(), BytesIO(raw[PREFIX - 1 :])
    plain = json.loads(json.dumps(union).replace('"timestamp-micros"', '"none"'))
    fields: Any = fastavro.schemaless_reader(body, fastavro.parse_schema(plain))
    assert body.tell() == len(raw) - PREFIX + 1, "bytes are left over"
    return EventFields(fields.pop("id"), fields.pop("time"), fields, fields.pop("source"))


@pytest.mark.parametrize("seed", range(20))
def test_broken_bytes_are_read_as_the_general_decoder_does_or_not_at_all(seed: int) -> None:
    chance = random.Random(seed)
    vote = VoteCast(tool="a-tool", voter="someone", choice="ship")
    event: Event[VoterEvent] = Event(
        "an-id", NOON, vote, chance.choice((None, "https://example.org"))
    )
    raw = general(event)
    broken = [raw[:end] for end in range(PREFIX, len(raw))] + [raw + b"\x00"]
    for _ in range(200):
        at = chance.randrange(PREFIX, len(raw))
        broken.append(raw[:at] + bytes([chance.randrange(256)]) + raw[at + 1 :])
    read_usually = {each: fields for each in broken if (fields := read(event, each))}
    assert 50 < len(read_usually) < len(broken)
    for each, fields in read_usually.items():
        assert fields == read_generally(each)


@pytest.mark.parametrize("time", TIMES)
def test_every_time_is_written_as_the_general_encoder_does(time: int) -> None:
    event: Event = Event("an-id", time, VoteRetracted(tool="a-tool", voter="someone"))
    assert Codec().encode(event) == general(event)
