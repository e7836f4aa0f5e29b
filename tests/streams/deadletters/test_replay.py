import itertools
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from infra.kafka.codec import Codec, UndecodableError
from infra.kafka.offsets import LogOffsets
from infra.kafka.reader import LogRecord, OffsetRange, scan
from infra.settings import Settings
from projections.pipeline_state import waiting_dead_letters
from schemas.time import instants
from schemas.topics import DEAD_LETTERS, DEAD_LETTERS_PARTITION, REVIEWS, VOTES
from streams.deadletters.model import (
    DeadLetter,
    Origin,
    Resolution,
    merge_copies,
    parse_dead_letter,
)
from streams.deadletters.replay import DeadLetterReplay, ReplayError
from tests.harness.examples import a_vote
from tests.harness.kafka import write_dead_letter

_offsets = itertools.count(1_000_000)
WHY = {
    "topic": VOTES.name,
    "partition": "3",
    "offset": "17",
    "timestamp": "1795000000000",
    "stage": "VALUE_CONVERTER",
    "exception.class.name": "UndecodableError",
    "exception.message": "broken Avro",
}


def a_dead_letter(number: int = 0, **why: str | None) -> DeadLetter:
    reason = {name.replace("_", "."): value for name, value in why.items()}
    headers = tuple(
        (f"__connect.errors.{name}", value.encode())
        for name, value in {**WHY, **reason}.items()
        if value is not None
    )
    return parse_dead_letter(
        LogRecord(DEAD_LETTERS.name, 0, number, 1, b"v-1", b"x", (("ce_id", b"01"), *headers))
    )


def test_a_dead_letter_names_its_origin_and_its_error() -> None:
    dead_letter = a_dead_letter(5)
    assert dead_letter.number == 5
    assert dead_letter.origin == Origin(VOTES.name, 3, 17)
    assert (dead_letter.stage, dead_letter.error) == ("VALUE_CONVERTER", "UndecodableError")
    assert (dead_letter.reason, dead_letter.timestamp) == ("broken Avro", 1795000000000)
    assert dead_letter.headers == (("ce_id", b"01"),)


@pytest.mark.parametrize("why", [{"topic": None}, {"offset": "first"}, {"partition": "-1"}])
def test_a_dead_letter_without_its_headers_has_no_origin(why: dict[str, Any]) -> None:
    assert a_dead_letter(**why).origin is None


def test_copies_of_a_dead_letter_are_merged_with_one_resolution() -> None:
    dead_letters = [a_dead_letter(0), a_dead_letter(1, offset="18"), a_dead_letter(2)]
    twice, once = merge_copies(dead_letters, {2: Resolution("discarded", "a test")})
    assert (twice.number, twice.copies, twice.state) == (2, (0,), "discarded")
    assert twice.note == "a test"
    assert (once.number, once.copies, once.state) == (1, (), "waiting")


def test_a_copy_that_comes_after_the_decision_waits_for_another_one() -> None:
    (case,) = merge_copies(
        [a_dead_letter(0), a_dead_letter(2)], {0: Resolution("discarded", "a test")}
    )
    assert (case.number, case.state, case.copies) == (2, "waiting", (0,))


def test_dead_letters_without_an_origin_are_not_merged() -> None:
    dead_letters = [a_dead_letter(0, topic=None), a_dead_letter(1, topic=None)]
    assert [dead_letter.number for dead_letter in merge_copies(dead_letters, {})] == [0, 1]


@pytest.fixture
def settings(cluster: dict[str, str]) -> Settings:
    return Settings.from_environment(cluster)


WriteDeadLetter = Callable[[bytes | None], str]


@pytest.fixture
def write_unreadable(settings: Settings, unique: Callable[[str], str]) -> WriteDeadLetter:
    """Write a dead letter of a vote with that value; gives its key."""

    def written(value: bytes | None) -> str:
        key = unique("voter")
        record = LogRecord(
            VOTES.name, 1, next(_offsets), 1, key.encode(), value, (("mark", b"kept"),)
        )
        write_dead_letter(settings, record, UndecodableError("no such schema yet"))
        return key

    return written


def dead_letter_of(replay: DeadLetterReplay, key: str) -> DeadLetter:
    (dead_letter,) = (
        dead_letter for dead_letter in replay.list_all() if dead_letter.key == key.encode()
    )
    return dead_letter


@pytest.mark.integration
def test_a_record_that_can_be_read_by_now_is_replayed_as_it_was(
    settings: Settings, projected: Engine, write_unreadable: WriteDeadLetter
) -> None:
    value = Codec().encode(a_vote())
    key = write_unreadable(value)
    replay = DeadLetterReplay(settings, projected, Codec())
    dead_letter = dead_letter_of(replay, key)
    origin = replay.replay([dead_letter])[dead_letter.number]
    topic, partition, offset = origin
    (record,) = scan(settings, {(topic, partition): OffsetRange(offset, offset + 1)})
    assert (record.key, record.value) == (key.encode(), value)
    assert record.headers == (("mark", b"kept"),)
    resolved = dead_letter_of(replay, key)
    assert (resolved.state, resolved.note) == ("replayed", f"now {origin}")


@pytest.mark.integration
def test_an_unreadable_record_is_replayed_by_force_alone_and_none_with_it(
    settings: Settings, projected: Engine, write_unreadable: WriteDeadLetter
) -> None:
    good, bad = write_unreadable(Codec().encode(a_vote())), write_unreadable(b"garbage")
    replay = DeadLetterReplay(settings, projected, Codec())
    dead_letters = [dead_letter_of(replay, good), dead_letter_of(replay, bad)]
    with pytest.raises(ReplayError, match=r"cannot be applied: .* use --force"):
        replay.replay(dead_letters)
    assert {dead_letter_of(replay, key).state for key in (good, bad)} == {"waiting"}
    assert len(replay.replay(dead_letters, force=True)) == 2


@pytest.mark.integration
def test_an_event_dated_ahead_is_replayed_by_force_alone(
    settings: Settings, projected: Engine, write_unreadable: WriteDeadLetter
) -> None:
    ahead = a_vote(time=instants.parse("9999-12-31T23:59:59Z"))
    key = write_unreadable(Codec().encode(ahead))
    replay = DeadLetterReplay(settings, projected, Codec())
    with pytest.raises(ReplayError, match=r"is dated 9999-12-31T23:59:59Z: .* use --force"):
        replay.replay([dead_letter_of(replay, key)])
    assert dead_letter_of(replay, key).state == "waiting"
    assert len(replay.replay([dead_letter_of(replay, key)], force=True)) == 1


@pytest.mark.integration
def test_a_discarded_dead_letter_keeps_its_reason(
    settings: Settings, projected: Engine, write_unreadable: WriteDeadLetter
) -> None:
    key = write_unreadable(None)
    replay = DeadLetterReplay(settings, projected, Codec())
    replay.discard([dead_letter_of(replay, key)], "a test that went astray")
    resolved = dead_letter_of(replay, key)
    assert (resolved.state, resolved.note) == ("discarded", "a test that went astray")


def waiting(settings: Settings, projected: Engine) -> int:
    with projected.connect() as connection:
        return waiting_dead_letters(
            connection,
            LogOffsets(settings).bounds([DEAD_LETTERS_PARTITION])[DEAD_LETTERS_PARTITION],
        )


@pytest.fixture
def copied(settings: Settings, unique: Callable[[str], str]) -> Callable[[], str]:
    """Write a dead letter, and with every call the same one once more; gives its key."""
    key, value = unique("voter"), Codec().encode(a_vote())
    record = LogRecord(VOTES.name, 1, next(_offsets), 1, key.encode(), value)

    def write() -> str:
        write_dead_letter(settings, record, UndecodableError("no such schema yet"))
        return key

    return write


@pytest.mark.integration
@pytest.mark.parametrize("decision", ["discard", "replay"])
def test_no_copy_of_a_dead_letter_waits_after_its_resolution(
    settings: Settings, projected: Engine, copied: Callable[[], str], decision: str
) -> None:
    before = waiting(settings, projected)
    key = copied() and copied()
    assert waiting(settings, projected) == before + 2
    replay = DeadLetterReplay(settings, projected, Codec())
    if decision == "discard":
        replay.discard([dead_letter_of(replay, key)], "a test")
    else:
        replay.replay([dead_letter_of(replay, key)])
    assert waiting(settings, projected) == before


@pytest.mark.integration
def test_a_discarded_dead_letter_whose_copy_is_replayed_counts_as_replayed(
    settings: Settings, projected: Engine, copied: Callable[[], str]
) -> None:
    key = copied()
    replay = DeadLetterReplay(settings, projected, Codec())
    replay.discard([dead_letter_of(replay, key)], "a test")
    copied()
    replay = DeadLetterReplay(settings, projected, Codec())
    copy = dead_letter_of(replay, key)
    origin = replay.replay([copy], force=True)[copy.number]
    resolved = dead_letter_of(replay, key)
    assert (resolved.state, resolved.note) == ("replayed", f"now {origin}")


@pytest.mark.integration
@pytest.mark.parametrize("topic", ["other", DEAD_LETTERS.name])
def test_a_dead_letter_of_a_foreign_topic_is_not_replayed(
    settings: Settings, projected: Engine, topic: str, unique: Callable[[str], str]
) -> None:
    key, value = unique("voter"), Codec().encode(a_vote())
    record = LogRecord(topic, 0, next(_offsets), 1, key.encode(), value)
    write_dead_letter(settings, record, ValueError("refused"))
    replay = DeadLetterReplay(settings, projected, Codec())
    with pytest.raises(ReplayError, match="is not a topic of events"):
        replay.replay([dead_letter_of(replay, key)], force=True)


@pytest.mark.integration
def test_a_record_without_a_key_is_replayed_to_its_partition(
    settings: Settings, projected: Engine
) -> None:
    origin = Origin(REVIEWS.name, 4, next(_offsets))
    record = LogRecord(*origin, 1, None, Codec().encode(a_vote()))
    write_dead_letter(settings, record, ValueError("refused"))
    replay = DeadLetterReplay(settings, projected, Codec())
    [dead_letter] = (letter for letter in replay.list_all() if letter.origin == origin)
    assert dead_letter.key is None
    assert (dead_letter.stage, dead_letter.error) == ("TASK_PUT", "ValueError")
    assert replay.replay([dead_letter], force=True)[dead_letter.number][:2] == (REVIEWS.name, 4)
