"""Events as operators ask for them: by topic, key, type and time, from the log itself."""

import re
import time as clock
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from heapq import nlargest
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from infra.errors import VerdictsError
from infra.kafka.codec import Codec, UndecodableError
from infra.kafka.offsets import LogOffsets
from infra.kafka.reader import LogRecord, OffsetRange, Progress, follow, scan
from infra.settings import Settings
from schemas.events import EVENT_TYPES, Event
from schemas.time.instants import parse, rfc3339, to_datetime
from schemas.topics import EVENT_TOPICS, TopicPartition

UNDECODABLE = "undecodable"
# The ingest refuses times that lie further ahead, so an event is written at most so long before
# its own time: where to begin reading follows from that.
MOST_AHEAD = 5 * 60 * 1_000_000
FIRST_LOOK = 200

_AGO = re.compile(r"(\d+)\s*([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SHORT = {topic.name.split(".")[1]: topic.name for topic in EVENT_TOPICS}


class QueryError(VerdictsError):
    """What was asked for does not exist; the message says what does."""


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which events are meant. Empty means all; times are the events' own, in microseconds.

    Attributes:
        topics: Full names.
        types: Such as `vote.cast`; `undecodable` for what cannot be read.
        key: Of the record, as text.
        since: From this moment on.
        until: Up to this moment, not including it.
    """

    topics: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    key: str | None = None
    since: int | None = None
    until: int | None = None

    @property
    def read(self) -> list[str]:
        """The topics that can hold what is meant."""
        wanted = set(self.topics or _SHORT.values())
        if self.types and UNDECODABLE not in self.types:
            wanted &= {EVENT_TYPES[type_].topic.name for type_ in self.types}
        return sorted(wanted)

    def matches(self, found: "FoundEvent") -> bool:
        """Whether this is one of them."""
        if self.types and found.type not in self.types:
            return False
        return (self.since is None or found.time >= self.since) and (
            self.until is None or found.time < self.until
        )


class FoundEvent(NamedTuple):
    """A record, and the event in it or the reason why there is none."""

    record: LogRecord
    event: Event | None
    reason: str = ""

    @property
    def type(self) -> str:
        """The event's type."""
        return self.event.type if self.event else UNDECODABLE

    @property
    def time(self) -> int:
        """The event's time, or else that of the record, in microseconds."""
        return self.event.time if self.event else self.record.timestamp * 1000


def is_topic(name: str) -> bool:
    """Whether this is an event topic, by its full name or by its short one."""
    return name in _SHORT or name in _SHORT.values()


def full_name(topic: str) -> str:
    """The full name of an event topic, from that or from its short one.

    Raises:
        QuestionError: there is no such topic.
    """
    if not is_topic(topic):
        raise QueryError(f"There is no topic of events {topic!r}; there are {_list(_SHORT)}.")
    return _SHORT.get(topic, topic)


def known_type(type_: str) -> str:
    """The name of a type, if it is one.

    Raises:
        QuestionError: there is no such type.
    """
    if type_ not in EVENT_TYPES and type_ != UNDECODABLE:
        raise QueryError(f"There is no type {type_!r}; there are {_list(EVENT_TYPES)}.")
    return type_


def moment(said: str, now: Callable[[], float] = clock.time) -> int:
    """A moment in microseconds, from RFC 3339, a date, or a time ago such as `90m` or `2d`.

    Raises:
        QuestionError: it is none of these.
    """
    if ago := _AGO.fullmatch(said.strip()):
        return int((now() - int(ago[1]) * _UNITS[ago[2]]) * 1_000_000)
    try:
        return parse(said if "T" in said.upper() or " " in said else f"{said}T00:00:00Z")
    except ValueError:
        raise QueryError(
            f"{said!r} is no moment; write 2026-11-20T10:00:00Z, 2026-11-20, or 90m, 12h, 2d ago."
        ) from None


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)


class EventReader:
    """Reads events from the log.

    Args:
        settings: Where the log is.
        codec: Decodes them.
    """

    def __init__(self, settings: Settings, codec: Codec) -> None:
        self._settings = settings
        self._codec = codec
        self._log = LogOffsets(settings)

    def spans(self, query: Query) -> dict[TopicPartition, OffsetRange]:
        """The stretches of the log that can hold what is meant."""
        places = self._log.partitions_of(query.read)
        bounds = self._log.bounds(places)
        first = {place: bound.first for place, bound in bounds.items()}
        if query.since is not None:
            # What happened then was not written before then, give or take what is let pass.
            first = self._log.offset_at(places, (query.since - MOST_AHEAD) // 1000)
        return {
            place: OffsetRange(max(first[place], bound.first), bound.end)
            for place, bound in bounds.items()
        }

    def events(
        self,
        query: Query,
        spans: Mapping[TopicPartition, OffsetRange],
        progress: Progress = lambda _: None,
    ) -> Iterator[FoundEvent]:
        """The events that are meant, in the order of each partition."""
        return self._matching(query, scan(self._settings, spans, progress))

    def last(
        self,
        query: Query,
        number: int,
        spans: Mapping[TopicPartition, OffsetRange],
        progress: Progress = lambda _: None,
    ) -> list[FoundEvent]:
        """The newest events that are meant, oldest first; reads back only as far as it must.

        A partition is left alone once what was reached in it is older than all that was found.
        `progress` gets the offsets passed, anew for each further look back.
        """
        newest: list[FoundEvent] = []
        unread, depth = dict(spans) if number else {}, max(FIRST_LOOK, number)
        while unread:
            look = {place: span.tail(depth) for place, span in unread.items()}
            reached: dict[TopicPartition, LogRecord] = {}
            records = _noting_first(scan(self._settings, look, progress), reached)
            found = chain(newest, self._matching(query, records))
            newest = nlargest(number, found, key=lambda it: _order(it.record))
            least = newest[-1].record if len(newest) == number else None
            unread = {
                place: OffsetRange(span.first, look[place].first)
                for place, span in unread.items()
                if span != look[place] and not _is_past(reached.get(place), least)
            }
            depth *= 10
        return newest[::-1]

    def follow(
        self, query: Query, spans: Mapping[TopicPartition, OffsetRange]
    ) -> Iterator[FoundEvent]:
        """The events that are meant, as they come after these stretches."""
        fetched = follow(self._settings, {place: span.end for place, span in spans.items()})
        return (found for records in fetched for found in self._matching(query, records))

    def count(
        self, query: Query, by: str, spans: Mapping[TopicPartition, OffsetRange], progress: Progress
    ) -> Counter[str]:
        """How many events there are, by `type`, `topic`, `day` or `hour` (UTC)."""
        label = LABELS[by]
        return Counter(label(found) for found in self.events(query, spans, progress))

    def at(self, topic: str, partition: int, offset: int) -> FoundEvent | None:
        """The event at one place of the log."""
        place = (topic, partition)
        if place not in self._log.partitions_of([topic]):
            return None
        bound = self._log.bounds([place])[place]
        if not bound.first <= offset < bound.end:
            return None
        records = scan(self._settings, {place: OffsetRange(offset, offset + 1)})
        return next((self._read(record) for record in records), None)

    def _matching(self, query: Query, records: Iterable[LogRecord]) -> Iterator[FoundEvent]:
        key = None if query.key is None else query.key.encode()
        for record in records:
            if key is None or record.key == key:
                found = self._read(record)
                if query.matches(found):
                    yield found

    def _read(self, record: LogRecord) -> FoundEvent:
        try:
            return FoundEvent(record, self._codec.decode(record.topic, record.value))
        except UndecodableError as error:
            return FoundEvent(record, None, str(error))


def _noting_first(
    records: Iterable[LogRecord], noted: dict[TopicPartition, LogRecord]
) -> Iterator[LogRecord]:
    """The same records, of which the first of each partition is noted."""
    for record in records:
        noted.setdefault(record.topic_partition, record)
        yield record


def _order(record: LogRecord) -> tuple[int, str, int, int]:
    """What the records of all partitions are ordered by, from old to new."""
    return record.timestamp, *record.topic_partition, record.offset


def _is_past(reached: LogRecord | None, least: LogRecord | None) -> bool:
    """Whether nothing before `reached` can be as new as `least`; where one is missing, it can."""
    return reached is not None and least is not None and _order(reached) <= _order(least)


def _date(found: FoundEvent, form: str) -> str:
    return to_datetime(found.time).strftime(form)


LABELS: Mapping[str, Callable[[FoundEvent], str]] = {
    "type": lambda found: found.type,
    "topic": lambda found: found.record.topic,
    "day": lambda found: _date(found, "%Y-%m-%d"),
    "hour": lambda found: _date(found, "%Y-%m-%dT%H"),
}


def to_json(event: Event) -> dict[str, Any]:
    """An event as JSON values, in the form in which it was sent."""
    data = msgspec.to_builtins(event.data)
    source = {} if event.source is None else {"source": event.source}
    return {
        "id": event.id, **source, "type": event.type, "time": rfc3339(event.time), "data": data,
    }  # fmt: skip


def to_full_json(found: FoundEvent) -> dict[str, Any]:
    """An event with its place on the log, as JSON values; an unreadable one with its bytes."""
    record = found.record
    written = datetime.fromtimestamp(record.timestamp / 1000, UTC).isoformat(
        timespec="milliseconds"
    )
    key = None if record.key is None else record.key.decode(errors="replace")
    where = {
        "topic": record.topic, "partition": record.partition, "offset": record.offset,
        "written": written.replace("+00:00", "Z"), "key": key,
    }  # fmt: skip
    if found.event is not None:
        return {**where, **to_json(found.event)}
    return {**where, "type": UNDECODABLE, "reason": found.reason, "value": record.value}


def line(found: FoundEvent) -> str:
    """An event on one line, for people."""
    place = f"{found.record.topic.split('.')[1]}/{found.record.partition}/{found.record.offset}"
    start = f"{rfc3339(found.time):<27}  {place:<18}  {found.type:<17}"
    if found.event is None:
        return f"{start}  {found.reason}"
    data = msgspec.to_builtins(found.event.data)
    return f"{start}  {' '.join(f'{name}={_short(value)}' for name, value in data.items())}"


def _short(value: object) -> str:
    # What moves a terminal's cursor stays out of it.
    text = "".join(c if c.isprintable() else " " for c in str(value))
    return text if len(text) <= 40 else f"{text[:39]}…"
