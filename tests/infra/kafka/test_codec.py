from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import fastavro
import msgspec
import pytest

from infra.kafka.codec import Codec, UndecodableError
from schemas import topics
from schemas.avro import catalogue
from schemas.digests import Counts, Digest
from schemas.events import CategoryDefined, Event
from schemas.records import Tool
from schemas.time import weeks
from schemas.time.instants import to_datetime
from tests.harness.examples import (
    EVERY_TYPE,
    NOON,
    a_digest,
    a_review,
    a_vote,
    avro,
)

CODEC = Codec()
VOTES, REVIEWS, CATALOG = topics.VOTES.name, topics.REVIEWS.name, topics.CATALOG.name
VOTE_SCHEMA = catalogue.NEWEST[VOTES].schema()
VOTE_ID = catalogue.NEWEST[VOTES].id
FIRST_CHANGES = next(version for version in catalogue.VERSIONS if version.stem == "changes.1")
VOTE = {"id": "01", "time": NOON, "tool": "a", "voter": "v", "choice": "ship", "source": None}


def a_record(name: str) -> Any:
    """The catalogue's example of a record of the changes topic, decoded."""
    version = catalogue.NEWEST[topics.CHANGES.name]
    example = next(each["value"] for each in version.examples() if each["record"] == name)
    return CODEC.decode_record(avro(version.schema(), name, example, version.id))


def undecodable(raw: bytes | None, topic: str = VOTES, codec: Codec = CODEC) -> str:
    """The reason why these bytes can never be applied."""
    with pytest.raises(UndecodableError) as caught:
        codec.decode(topic, raw)
    return str(caught.value)


def a_raw_vote(schema_id: int = VOTE_ID, **changes: Any) -> bytes:
    return avro(VOTE_SCHEMA, "VoteCast", VOTE | changes, schema_id)


@pytest.mark.parametrize("event", EVERY_TYPE, ids=lambda event: event.type)
def test_every_event_comes_back_as_it_went(event: Event) -> None:
    assert CODEC.decode(event.data.topic.name, CODEC.encode(event)) == event


@pytest.mark.parametrize("name", ["Tool", "Category", "Reviewer", "Digest"])
def test_every_record_comes_back_as_it_went(name: str) -> None:
    record = a_record(name)
    assert CODEC.decode_record(CODEC.encode_record(record)) == record


def test_a_retired_tool_keeps_its_times() -> None:
    tool = a_record("Tool")
    retired = msgspec.structs.replace(tool, retired=tool.listed, retired_reason="Closed.")
    assert isinstance(retired, Tool)
    assert CODEC.decode_record(CODEC.encode_record(retired)) == retired


def test_the_source_of_an_event_is_encoded_with_it() -> None:
    event = Event("01", NOON, a_vote().data, "/editors/desk")
    assert CODEC.decode(VOTES, CODEC.encode(event)).source == "/editors/desk"


@pytest.mark.parametrize("version", catalogue.NEWEST.values(), ids=lambda version: version.stem)
def test_the_pinned_id_stands_behind_the_magic_byte(version: catalogue.Version) -> None:
    if version.topic == topics.CHANGES:
        raw = CODEC.encode_record(a_record("Category"))
    else:
        example = next(event for event in EVERY_TYPE if event.data.topic == version.topic)
        raw = CODEC.encode(example)
    assert raw[:5] == b"\0" + version.id.to_bytes(4, "big")


def test_a_vote_is_these_bytes() -> None:
    # Magic byte, id, the union's first record, then its fields; no source is the null of a union.
    expected = b"\0\x77\x35\x94\x03\0\x0401\x02\x02a\x02v\0\0"
    assert CODEC.encode(a_vote(tool="a", voter="v", time=1)) == expected


def test_a_registrys_ids_are_written_where_there_are_some() -> None:
    raw = Codec(ids={VOTE_ID: 42}).encode(a_vote())
    assert raw[:5] == b"\0\0\0\0\x2a"


def test_records_with_a_registrys_id_are_read_with_its_schema() -> None:
    raw = Codec(ids={VOTE_ID: 42}).encode(a_vote())
    assert Codec(fetch={42: VOTE_SCHEMA}.get).decode(VOTES, raw) == a_vote()


def test_pinned_ids_are_read_without_a_registry() -> None:
    asked: list[int] = []
    codec = Codec(ids={VOTE_ID: 42}, fetch=asked.append)
    assert codec.decode(VOTES, CODEC.encode(a_vote())) == a_vote()
    assert asked == []


def test_a_registrys_ids_of_our_schemas_are_read_without_asking_it() -> None:
    asked: list[int] = []
    codec = Codec(ids={VOTE_ID: 42, FIRST_CHANGES.id: 43}, fetch=asked.append)
    assert codec.decode(VOTES, codec.encode(a_vote())) == a_vote()
    assert codec.decode_record(an_older_digest(schema_id=43)) == codec.decode_record(
        an_older_digest()
    )
    assert asked == []


def an_older_digest(schema_id: int | None = None, **changes: Any) -> bytes:
    """A digest as the first version of the changes schema has it: JSON text in Avro."""
    (example,) = (each["value"] for each in FIRST_CHANGES.examples() if each["record"] == "Digest")
    schema_id = schema_id or FIRST_CHANGES.id
    return avro(FIRST_CHANGES.schema(), "Digest", example | changes, schema_id)


def test_a_digest_that_was_written_as_text_is_read_with_its_fields() -> None:
    digest = CODEC.decode_record(an_older_digest())
    assert isinstance(digest, Digest)
    assert (digest.week, digest.frozen, digest.version) == ("2026-W47", True, 20)
    assert digest.start == to_datetime(weeks.span("2026-W47")[0])
    assert digest.counts == Counts(votes=15)


def test_a_text_that_is_no_digest_makes_its_record_undecodable() -> None:
    for text in ("", "{}", '{"week":"2026-W47","quiet":true}', "[]"):
        with pytest.raises(UndecodableError, match="no digest of 2026-W47"):
            CODEC.decode_record(an_older_digest(digest=text))


def test_a_digest_holds_values_of_avro_and_no_json_text() -> None:
    version = catalogue.NEWEST[topics.CHANGES.name]
    raw = CODEC.encode_record(a_record("Digest"))
    decoded: Any = fastavro.schemaless_reader(
        BytesIO(raw[5:]), fastavro.parse_schema(version.schema()), None, return_record_name=True
    )
    name, fields = decoded
    assert name == "verdicts.Digest"
    assert fields["counts"]["votes"] == 15
    assert fields["flips"][0]["after"]["verdict"] == "ship"
    assert fields["end"] == datetime(2026, 11, 23, tzinfo=UTC)


def test_a_schema_is_fetched_once() -> None:
    asked: list[int] = []

    def fetch(schema_id: int) -> Any:
        asked.append(schema_id)
        return VOTE_SCHEMA

    codec = Codec(fetch=fetch)
    for _ in range(3):
        codec.decode(VOTES, a_raw_vote(schema_id=7))
    codec.decode(VOTES, a_raw_vote(schema_id=8))
    assert asked == [7, 8]


def test_a_registry_that_does_not_answer_is_no_dead_letter() -> None:
    def fetch(_: int) -> Any:
        raise ConnectionError("away")

    with pytest.raises(ConnectionError):
        Codec(fetch=fetch).decode(VOTES, a_raw_vote(schema_id=7))


@pytest.mark.parametrize("foreign", [{"type": "object"}, [{"type": "elsewhere.Vote"}], 17])
def test_a_schema_that_is_no_avro_is_fetched_once_and_its_records_are_dead_letters(
    foreign: dict[str, str] | int | list[dict[str, str]],
) -> None:
    schemas = {7: foreign}
    codec = Codec(fetch=schemas.pop)
    for _ in range(2):
        with pytest.raises(UndecodableError, match="schema 7 is no Avro schema"):
            codec.decode(VOTES, a_raw_vote(schema_id=7))


def without(schema: list[Any], field: str) -> list[Any]:
    return [
        {**record, "fields": [each for each in record["fields"] if each["name"] != field]}
        for record in schema
    ]


def test_records_of_an_older_version_take_the_defaults_of_the_new_one() -> None:
    older = without(VOTE_SCHEMA, "source")
    fields = {name: value for name, value in VOTE.items() if name != "source"}
    raw = avro(older, "VoteCast", fields, 7)
    event = Codec(fetch={7: older}.get).decode(VOTES, raw)
    assert event == a_vote(tool="a", voter="v")


def test_records_of_a_newer_version_are_read_without_new_fields() -> None:
    newer = [
        {**record, "fields": [{"name": "mood", "type": "string", "default": ""}, *record["fields"]]}
        for record in VOTE_SCHEMA
    ]
    raw = avro(newer, "VoteCast", VOTE | {"mood": "fine"}, 7)
    event = Codec(fetch={7: newer}.get).decode(VOTES, raw)
    assert event == a_vote(tool="a", voter="v")


def test_a_type_that_this_version_does_not_know_is_undecodable() -> None:
    newer = [*VOTE_SCHEMA, {"type": "record", "name": "VoteSold", "namespace": "verdicts",
                            "fields": [{"name": "price", "type": "long"}]}]  # fmt: skip
    raw = avro(newer, "VoteSold", {"price": 7}, 7)
    undecodable(raw, codec=Codec(fetch={7: newer}.get))


@pytest.mark.parametrize("event", EVERY_TYPE, ids=lambda event: event.type)
def test_an_event_cut_short_is_undecodable_at_every_length(event: Event) -> None:
    raw = CODEC.encode(event)
    for length in range(len(raw)):
        undecodable(raw[:length], event.data.topic.name)


@pytest.mark.parametrize("event", EVERY_TYPE, ids=lambda event: event.type)
def test_bytes_behind_an_event_make_it_undecodable(event: Event) -> None:
    assert "left over" in undecodable(CODEC.encode(event) + b"\0", event.data.topic.name)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        b"",
        b"\0",
        b"\0\0\0\0",
        b'{"tool":"a"}',
        b"\1" + CODEC.encode(a_vote())[1:],
        b"garbage " * 131_072,
        CODEC.encode(a_vote())[:5] + b"\xff" * 40,
        CODEC.encode(a_vote())[:5] + b"\x04" + CODEC.encode(a_vote())[6:],
        CODEC.encode(a_vote())[:5] + b"\0" + b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        CODEC.encode(a_vote())[:5] + b"\0\x05ab",
    ],
    ids=lambda raw: repr(raw)[:24],
)
def test_foreign_bytes_are_undecodable(raw: bytes | None) -> None:
    undecodable(raw)


def test_a_flipped_byte_gives_another_event_or_is_undecodable() -> None:
    raw = CODEC.encode(a_review(pros=("Runs offline",), disclosure="I know its author."))
    for position in range(len(raw)):
        for flipped in (raw[position] ^ 1, raw[position] ^ 0x80, 0xFF):
            try:
                CODEC.decode(REVIEWS, raw[:position] + bytes([flipped]) + raw[position + 1 :])
            except UndecodableError:
                continue


def test_an_unknown_schema_id_is_named() -> None:
    assert "12345" in undecodable(b"\0" + (12_345).to_bytes(4, "big") + b"\0")
    assert "12345" in undecodable(
        b"\0" + (12_345).to_bytes(4, "big") + b"\0", codec=Codec(fetch=lambda _: None)
    )


def test_an_event_of_another_topic_is_undecodable_here() -> None:
    assert VOTES in undecodable(CODEC.encode(a_vote()), CATALOG)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tool": "Not A Slug"}, "tool"),
        ({"tool": "a-vs-b"}, "tool"),
        ({"voter": ""}, "voter"),
        ({"voter": "v" * 129}, "voter"),
        ({"voter": "v\0"}, "voter"),
        ({"id": ""}, "id"),
        ({"id": "i" * 129}, "id"),
        ({"id": "\0"}, "id"),
        ({"time": -62_135_596_800_000_001}, "years 1 to 9999"),
        ({"time": 253_402_300_800_000_000}, "years 1 to 9999"),
        ({"time": 2**63 - 1}, "years 1 to 9999"),
        ({"time": -(2**63)}, "years 1 to 9999"),
    ],
)
def test_values_that_no_event_may_have_are_undecodable(
    changes: dict[str, Any], reason: str
) -> None:
    assert reason in undecodable(a_raw_vote(**changes))


@pytest.mark.parametrize("time", [-62_135_596_800_000_000, 0, 253_402_300_799_999_999])
def test_the_first_and_the_last_time_are_readable(time: int) -> None:
    assert CODEC.decode(VOTES, a_raw_vote(time=time)).time == time


@pytest.mark.parametrize("score", [-1, 101, 500])
def test_a_score_beyond_its_scale_is_undecodable(score: int) -> None:
    assert "score" in undecodable(CODEC.encode(a_review(score=score)), REVIEWS)


def test_text_that_is_no_utf_8_is_undecodable() -> None:
    raw = CODEC.encode(a_vote(voter="abc"))
    for broken in (b"\xff\xfe\xfd", b"\xed\xa0\x80", b"\xc0\x80a"):
        undecodable(raw.replace(b"\x06abc", b"\x06" + broken))


def test_a_week_that_is_none_is_undecodable() -> None:
    assert "week" in undecodable(CODEC.encode(a_digest(week="2026-W54")), topics.DIGESTS.name)


@pytest.mark.parametrize("name", ["Tool", "Category", "Reviewer", "Digest"])
def test_a_record_cut_short_is_undecodable_at_every_length(name: str) -> None:
    raw = CODEC.encode_record(a_record(name))
    for length in range(len(raw)):
        with pytest.raises(UndecodableError):
            CODEC.decode_record(raw[:length])


def test_an_event_is_no_record() -> None:
    with pytest.raises(UndecodableError):
        CODEC.decode_record(CODEC.encode(a_vote()))


def test_events_from_before_the_rules_for_new_texts_are_read() -> None:
    data = CategoryDefined("editors", "two\nlines\x01", "\x1b")
    event = Event("old", 1, data)
    assert Codec().decode(topics.CATALOG.name, Codec().encode(event)) == event
