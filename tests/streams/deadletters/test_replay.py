import itertools
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from infra.kafka.codec import Codec, UndecodableError
from infra.kafka.offsets import LogOffsets
from infra.kafka.reader import LogRecord, OffsetRange, scan
from infra.operations.doctor.probes import waiting_letters
from infra.settings import Settings
from schemas.topics import DEAD_LETTERS, REVIEWS, VOTES
from streams.deadletters.model import (
    DeadLetter,
    Origin,
    Resolution,
    merge_copies,
    parse_dead_letter,
)
from streams.deadletters.replay import DEAD_LETTERS_PARTITION, DeadLetterReplay, ReplayError
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


def a_letter(number: int = 0, **why: str | None) -> DeadLetter:
    said = {name.replace("_", "."): value for name, value in why.items()}
    headers = tuple(
        (f"__connect.errors.{name}", value.encode())
        for name, value in {**WHY, **said}.items()
        if value is not None
    )
    return parse_dead_letter(
        LogRecord(DEAD_LETTERS.name, 0, number, 1, b"v-1", b"x", (("ce_id", b"01"), *headers))
    )


def test_a_letter_says_where_it_was_and_how_it_failed() -> None:
    letter = a_letter(5)
    assert letter.number == 5
    assert letter.origin == Origin(VOTES.name, 3, 17)
    assert (letter.stage, letter.error) == ("VALUE_CONVERTER", "UndecodableError")
    assert (letter.reason, letter.timestamp) == ("broken Avro", 1795000000000)
    assert letter.headers == (("ce_id", b"01"),)


@pytest.mark.parametrize("why", [{"topic": None}, {"offset": "first"}, {"partition": "-1"}])
def test_a_letter_without_its_headers_has_no_origin(why: dict[str, Any]) -> None:
    assert a_letter(**why).origin is None


def test_copies_of_a_letter_are_one_case_with_one_end() -> None:
    letters = [a_letter(0), a_letter(1, offset="18"), a_letter(2)]
    twice, once = merge_copies(letters, {2: Resolution("discarded", "a test")})
    assert (twice.number, twice.copies, twice.state) == (2, (0,), "discarded")
    assert twice.note == "a test"
    assert (once.number, once.copies, once.state) == (1, (), "waiting")


def test_a_copy_that_comes_after_the_decision_waits_for_another_one() -> None:
    (case,) = merge_copies([a_letter(0), a_letter(2)], {0: Resolution("discarded", "a test")})
    assert (case.number, case.state, case.copies) == (2, "waiting", (0,))


def test_letters_without_an_origin_are_cases_of_their_own() -> None:
    letters = [a_letter(0, topic=None), a_letter(1, topic=None)]
    assert [letter.number for letter in merge_copies(letters, {})] == [0, 1]


@pytest.fixture
def its(cluster: str) -> Settings:
    return Settings.from_environment({"KAFKA_BOOTSTRAP_SERVERS": cluster})


Bury = Callable[[bytes | None], str]


@pytest.fixture
def bury(its: Settings, unique: Callable[[str], str]) -> Bury:
    """Write a dead letter of a vote with that value; gives its key."""

    def written(value: bytes | None) -> str:
        key = unique("voter")
        record = LogRecord(
            VOTES.name, 1, next(_offsets), 1, key.encode(), value, (("mark", b"kept"),)
        )
        write_dead_letter(its, record, UndecodableError("no such schema yet"))
        return key

    return written


def one(desk: DeadLetterReplay, key: str) -> DeadLetter:
    (letter,) = (letter for letter in desk.list_all() if letter.key == key.encode())
    return letter


@pytest.mark.integration
def test_what_can_be_read_by_now_is_sent_again_as_it_was(
    its: Settings, projected: Engine, bury: Bury
) -> None:
    value = Codec().encode(a_vote())
    key = bury(value)
    desk = DeadLetterReplay(its, projected, Codec())
    letter = one(desk, key)
    origin = desk.replay([letter])[letter.number]
    topic, partition, offset = origin
    (record,) = scan(its, {(topic, partition): OffsetRange(offset, offset + 1)})
    assert (record.key, record.value) == (key.encode(), value)
    assert record.headers == (("mark", b"kept"),)
    settled = one(desk, key)
    assert (settled.state, settled.note) == ("replayed", f"now {origin}")


@pytest.mark.integration
def test_what_still_cannot_be_read_is_sent_by_force_alone_and_none_beside_it(
    its: Settings, projected: Engine, bury: Bury
) -> None:
    good, bad = bury(Codec().encode(a_vote())), bury(b"garbage")
    desk = DeadLetterReplay(its, projected, Codec())
    letters = [one(desk, good), one(desk, bad)]
    with pytest.raises(ReplayError, match=r"cannot be applied: .* use --force"):
        desk.replay(letters)
    assert {one(desk, key).state for key in (good, bad)} == {"waiting"}
    assert len(desk.replay(letters, force=True)) == 2


@pytest.mark.integration
def test_a_discarded_letter_rests(its: Settings, projected: Engine, bury: Bury) -> None:
    key = bury(None)
    desk = DeadLetterReplay(its, projected, Codec())
    desk.discard([one(desk, key)], "a test that went astray")
    settled = one(desk, key)
    assert (settled.state, settled.note) == ("discarded", "a test that went astray")


def waiting(its: Settings, projected: Engine) -> int:
    with projected.connect() as connection:
        return waiting_letters(
            connection, LogOffsets(its).bounds([DEAD_LETTERS_PARTITION])[DEAD_LETTERS_PARTITION]
        )


@pytest.fixture
def copied(its: Settings, unique: Callable[[str], str]) -> Callable[[], str]:
    """Write a dead letter, and with every call the same one once more; gives its key."""
    key, value = unique("voter"), Codec().encode(a_vote())
    record = LogRecord(VOTES.name, 1, next(_offsets), 1, key.encode(), value)

    def write() -> str:
        write_dead_letter(its, record, UndecodableError("no such schema yet"))
        return key

    return write


@pytest.mark.integration
@pytest.mark.parametrize("decision", ["discard", "replay"])
def test_no_copy_of_a_letter_waits_once_that_is_settled(
    its: Settings, projected: Engine, copied: Callable[[], str], decision: str
) -> None:
    before = waiting(its, projected)
    key = copied() and copied()
    assert waiting(its, projected) == before + 2
    desk = DeadLetterReplay(its, projected, Codec())
    if decision == "discard":
        desk.discard([one(desk, key)], "a test")
    else:
        desk.replay([one(desk, key)])
    assert waiting(its, projected) == before


@pytest.mark.integration
def test_a_letter_that_was_discarded_and_then_sent_by_its_copy_is_replayed(
    its: Settings, projected: Engine, copied: Callable[[], str]
) -> None:
    key = copied()
    desk = DeadLetterReplay(its, projected, Codec())
    desk.discard([one(desk, key)], "a test")
    copied()
    desk = DeadLetterReplay(its, projected, Codec())
    copy = one(desk, key)
    origin = desk.replay([copy], force=True)[copy.number]
    settled = one(desk, key)
    assert (settled.state, settled.note) == ("replayed", f"now {origin}")


@pytest.mark.integration
@pytest.mark.parametrize("topic", ["other", DEAD_LETTERS.name])
def test_a_letter_from_elsewhere_is_sent_nowhere(
    its: Settings, projected: Engine, topic: str, unique: Callable[[str], str]
) -> None:
    key, value = unique("voter"), Codec().encode(a_vote())
    record = LogRecord(topic, 0, next(_offsets), 1, key.encode(), value)
    write_dead_letter(its, record, ValueError("refused"))
    desk = DeadLetterReplay(its, projected, Codec())
    with pytest.raises(ReplayError, match="is not a topic of events"):
        desk.replay([one(desk, key)], force=True)


@pytest.mark.integration
def test_a_record_without_a_key_goes_where_it_was(its: Settings, projected: Engine) -> None:
    record = LogRecord(REVIEWS.name, 4, next(_offsets), 1, None, Codec().encode(a_vote()))
    write_dead_letter(its, record, ValueError("refused"))
    desk = DeadLetterReplay(its, projected, Codec())
    letter = next(letter for letter in desk.list_all() if letter.key is None)
    assert (letter.stage, letter.error) == ("TASK_PUT", "ValueError")
    assert desk.replay([letter], force=True)[letter.number][:2] == (REVIEWS.name, 4)
