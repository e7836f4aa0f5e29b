"""A dead letter as operators see it: the record, why it failed, and how it was resolved."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

import msgspec

from infra.kafka.reader import LogRecord
from streams.deadletters.producer import PREFIX

State = Literal["waiting", "replayed", "discarded"]


class Origin(NamedTuple):
    """The offset of the record that failed."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter.

    Attributes:
        number: Its offset on the topic of dead letters; operators name it by this number.
        written: Time of writing there, in milliseconds since 1970.
        origin: Offset of the failed record; None where the headers do not say.
        timestamp: The failed record's, in milliseconds; None where the headers do not say.
        stage: `VALUE_CONVERTER` (the record could not be read), `TRANSFORMATION` (its event is
            dated ahead) or `TASK_PUT` (not stored).
        error: The class of the error.
        reason: The error's own words.
        key: The failed record's key.
        value: The failed record's value; None in lists, which are read without values.
        headers: The failed record's headers.
        state: How it was resolved; `waiting` until then.
        note: The reason of that, or the offset of the replayed record.
        copies: Numbers of older dead letters of the same record.
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
    """An operator's decision on a dead letter."""

    state: State
    note: str


def parse_dead_letter(record: LogRecord) -> DeadLetter:
    """Parse a record of the topic of dead letters."""
    reason = {
        name.removeprefix(PREFIX): (value or b"").decode(errors="replace")
        for name, value in record.headers
        if name.startswith(PREFIX)
    }
    return DeadLetter(
        number=record.offset,
        written=record.timestamp,
        origin=_origin(reason),
        timestamp=_number(reason.get("timestamp", "")),
        stage=reason.get("stage", ""),
        error=reason.get("exception.class.name", ""),
        reason=reason.get("exception.message", ""),
        key=record.key,
        value=record.value,
        headers=tuple(pair for pair in record.headers if not pair[0].startswith(PREFIX)),
    )


def _origin(reason: Mapping[str, str]) -> Origin | None:
    partition, offset = _number(reason.get("partition", "")), _number(reason.get("offset", ""))
    if partition is None or offset is None or not reason.get("topic"):
        return None
    return Origin(reason["topic"], partition, offset)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def merge_copies(
    dead_letters: Iterable[DeadLetter], resolutions: Mapping[int, Resolution]
) -> Iterator[DeadLetter]:
    """Give each failed record once, as its newest dead letter, with its resolution.

    A worker that is killed between a dead letter and its checkpoint writes the dead letter again.
    Such copies are resolved together. A copy that is written after a decision waits for a new one:
    the operator has not seen it, and its origin may be of a topic that was made anew.
    """
    copies_of: dict[object, list[DeadLetter]] = {}
    for dead_letter in dead_letters:
        copies_of.setdefault(dead_letter.origin or dead_letter.number, []).append(dead_letter)
    for *copies, newest in copies_of.values():
        resolution = resolutions.get(newest.number, Resolution("waiting", ""))
        yield msgspec.structs.replace(
            newest,
            copies=tuple(copy.number for copy in copies),
            state=resolution.state,
            note=resolution.note,
        )
