"""A dead letter as operators see it: the record, why it is one, and what became of it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

import msgspec

from infra.kafka.reader import LogRecord
from streams.deadletters.producer import PREFIX

State = Literal["waiting", "replayed", "discarded"]


class Origin(NamedTuple):
    """Where the record stood that became a letter."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter.

    Attributes:
        number: Its offset on the dead letters' topic, by which it is named.
        written: When it was written there, in milliseconds since 1970.
        origin: Where its record stood; None where the headers do not say.
        timestamp: The original record's, in milliseconds; None where the headers do not say.
        stage: Where it failed: `VALUE_CONVERTER` (it could not be read) or `TASK_PUT`.
        error: The class of the error.
        reason: The error's own words.
        value: None in lists, which are read without values.
        headers: Those of the original.
        state: What became of it.
        note: Why, or where its record stands now.
        copies: Numbers of further letters of the same record.
    """

    number: int
    written: int
    origin: Origin | None
    timestamp: int | None
    stage: str
    error: str
    reason: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    state: State = "waiting"
    note: str = ""
    copies: tuple[int, ...] = ()


class Resolution(NamedTuple):
    """What became of a letter."""

    outcome: State
    reason: str


def read(record: LogRecord) -> DeadLetter:
    """Read a record of the dead letters' topic."""
    said = {
        name.removeprefix(PREFIX): (value or b"").decode(errors="replace")
        for name, value in record.headers
        if name.startswith(PREFIX)
    }
    return DeadLetter(
        number=record.offset,
        written=record.timestamp,
        origin=_origin(said),
        timestamp=_number(said.get("timestamp", "")),
        stage=said.get("stage", ""),
        error=said.get("exception.class.name", ""),
        reason=said.get("exception.message", ""),
        key=record.key,
        value=record.value,
        headers=tuple(pair for pair in record.headers if not pair[0].startswith(PREFIX)),
    )


def _origin(said: Mapping[str, str]) -> Origin | None:
    partition, offset = _number(said.get("partition", "")), _number(said.get("offset", ""))
    if partition is None or offset is None or not said.get("topic"):
        return None
    return Origin(said["topic"], partition, offset)


def _number(said: str) -> int | None:
    return int(said) if said.isascii() and said.isdigit() else None


def merge_copies(
    letters: Iterable[DeadLetter], settled: Mapping[int, Resolution]
) -> Iterator[DeadLetter]:
    """Give each original record once, as its newest letter, with what became of it.

    A worker that is killed between the letter and its checkpoint writes the letter again. Such
    copies are one case, and are settled together. One that comes later than the decision waits for
    another one: whoever decided has not seen it, and it may be of a topic that was made anew.
    """
    cases: dict[object, list[DeadLetter]] = {}
    for letter in letters:
        cases.setdefault(letter.origin or letter.number, []).append(letter)
    for case in cases.values():
        *copies, newest = case
        outcome = settled.get(newest.number)
        yield msgspec.structs.replace(
            newest,
            copies=tuple(copy.number for copy in copies),
            state=outcome.outcome if outcome else "waiting",
            note=outcome.reason if outcome else "",
        )
