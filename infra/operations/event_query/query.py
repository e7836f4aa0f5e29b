"""Which events an operator asks for: by topic, key, type and time."""

import re
import time as clock
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from infra.errors import VerdictsError
from infra.kafka.reader import LogRecord
from schemas.events import EVENT_TYPES, Event
from schemas.time.instants import parse
from schemas.topics import EVENT_TOPICS

UNDECODABLE = "undecodable"

_AGO = re.compile(r"(\d+)\s*([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SHORT_NAMES = {topic.name.split(".")[1]: topic.name for topic in EVENT_TOPICS}


class QueryError(VerdictsError):
    """The query names something that does not exist; the message lists what does."""


class FoundEvent(NamedTuple):
    """A record, and its event or the reason why it cannot be decoded."""

    record: LogRecord
    event: Event | None
    reason: str = ""

    @property
    def type(self) -> str:
        """The event's type, or `undecodable`."""
        return self.event.type if self.event else UNDECODABLE

    @property
    def time(self) -> int:
        """The event's time, or else the record's, in microseconds since 1970."""
        return self.event.time if self.event else self.record.timestamp * 1000


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which events to read. Empty means all; times are the events' own, in microseconds.

    Attributes:
        topics: Full names.
        types: Such as `vote.cast`; `undecodable` for records that cannot be decoded.
        key: Of the record, as text.
        since: First time.
        until: End of the time range, not included.
    """

    topics: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    key: str | None = None
    since: int | None = None
    until: int | None = None

    @property
    def topics_to_read(self) -> list[str]:
        """The topics that can hold matching events."""
        wanted = set(self.topics or _SHORT_NAMES.values())
        if self.types and UNDECODABLE not in self.types:
            wanted &= {EVENT_TYPES[type_].topic.name for type_ in self.types}
        return sorted(wanted)

    def matches(self, decoded: FoundEvent) -> bool:
        """Whether type and time match; the reader compares topic and key."""
        if self.types and decoded.type not in self.types:
            return False
        return (self.since is None or decoded.time >= self.since) and (
            self.until is None or decoded.time < self.until
        )


def is_topic(name: str) -> bool:
    """Whether this is an event topic, by its full or its short name."""
    return name in _SHORT_NAMES or name in _SHORT_NAMES.values()


def full_name(topic: str) -> str:
    """The full name of an event topic, from its full or its short name.

    Raises:
        QueryError: there is no such topic.
    """
    if not is_topic(topic):
        raise QueryError(f"There is no topic of events {topic!r}; there are {_list(_SHORT_NAMES)}.")
    return _SHORT_NAMES.get(topic, topic)


def known_type(type_: str) -> str:
    """The name of an event type, checked.

    Raises:
        QueryError: there is no such type.
    """
    if type_ not in EVENT_TYPES and type_ != UNDECODABLE:
        raise QueryError(f"There is no type {type_!r}; there are {_list(EVENT_TYPES)}.")
    return type_


def parse_time(text: str, now: Callable[[], float] = clock.time) -> int:
    """Microseconds since 1970, from RFC 3339, a date, or a time ago such as `90m` or `2d`.

    Raises:
        QueryError: it is none of these.
    """
    if ago := _AGO.fullmatch(text.strip()):
        return int((now() - int(ago[1]) * _UNITS[ago[2]]) * 1_000_000)
    try:
        return parse(text if "T" in text.upper() or " " in text else f"{text}T00:00:00Z")
    except ValueError:
        raise QueryError(
            f"{text!r} is no time; write 2026-11-20T10:00:00Z, 2026-11-20, or 90m, 12h, 2d ago."
        ) from None


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
