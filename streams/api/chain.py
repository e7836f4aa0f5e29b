"""Whether a vote sent now would reach a page: the whole chain, looked at from the API."""

import asyncio
import time
from typing import Any, Protocol

import msgspec
from confluent_kafka import KafkaException
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from infra.database import is_migrated
from infra.log import Log
from infra.settings import Settings
from projections import queries
from schemas.topics import EVENT_TOPICS

MOST_SECONDS = 10
"""Older records, changes and pages that still wait mean that the chain is behind."""
FRESH_SECONDS = 5.0
REMEMBERED_SECONDS = 0.5
BROKER_SECONDS = 3.0

_BEATS = text(
    "select service, instance, extract(epoch from clock_timestamp() - beat)::float8 as age, detail"
    " from verdicts.heartbeats"
    " where beat > clock_timestamp() - make_interval(secs => :fresh)"
)
_WAITING = text(
    "select coalesce(extract(epoch from clock_timestamp() - least("
    " (select min(at) from verdicts.outbox), (select min(at) from verdicts.dirty)"
    ")), 0)::float8"
)


class Beat(msgspec.Struct, frozen=True):
    """A service's sign of life: how many seconds ago, and what it says of itself."""

    service: str
    instance: str
    age: float
    detail: dict[str, Any]


class Observed(msgspec.Struct, frozen=True):
    """What was seen of the chain.

    Attributes:
        beats: Signs of life that are fresh.
        waiting: Age in seconds of the oldest change that is on no page yet.
        behind: Partitions with a record over ten seconds old that is not applied.
        failures: What could not be looked at, each in one sentence.
    """

    beats: list[Beat]
    waiting: float
    behind: list[str]
    failures: list[str]


class Report(msgspec.Struct, frozen=True):
    """The answer of `/status`; `reasons` says in sentences why it is not `ok`."""

    status: str
    reasons: list[str]
    services: list[Beat]
    waiting_seconds: float
    behind: list[str]

    @property
    def ok(self) -> bool:
        """Whether a vote sent now would reach a page."""
        return not self.reasons


class Observer(Protocol):
    """Looks at the chain."""

    async def observe(self) -> Observed:
        """What is seen now."""
        ...

    async def unready(self) -> str:
        """Why this process cannot do its part; empty when it can."""
        ...


def judge(seen: Observed) -> Report:
    """What the observation means."""
    reasons = list(seen.failures)
    if not seen.failures:
        reasons += _unmanned(seen.beats)
    if seen.behind:
        reasons.append(f"{len(seen.behind)} partitions are over {MOST_SECONDS} s behind.")
    if seen.waiting >= MOST_SECONDS:
        reasons.append(f"A change has waited {seen.waiting:.0f} s for its page.")
    if any(beat.service == "loader" for beat in seen.beats):
        reasons.append("The demo content is still being loaded.")
    status = "degraded" if reasons else "ok"
    return Report(status, reasons, seen.beats, round(seen.waiting, 3), seen.behind)


def _unmanned(beats: list[Beat]) -> list[str]:
    """The work that no living process does."""
    workers = [beat for beat in beats if beat.service == "worker"]
    missing = len(_PLACES - _assigned(workers))
    reasons = []
    if missing:
        reasons.append(f"{missing} of {len(_PLACES)} partitions have no worker.")
    if not any(beat.detail.get("relay") for beat in workers):
        reasons.append("No worker relays changes.")
    if not any(beat.detail.get("active") for beat in beats if beat.service == "publisher"):
        reasons.append("No publisher is active.")
    return reasons


def _assigned(workers: list[Beat]) -> set[tuple[str, int]]:
    return {
        (topic, partition)
        for beat in workers
        for topic, partitions in beat.detail.get("assigned", {}).items()
        for partition in partitions
    }


_PLACES = {(topic.name, number) for topic in EVENT_TOPICS for number in range(topic.partitions)}


class ChainObserver:
    """Looks at the real database and the real broker; requests within half a second share a look.

    Args:
        engine: The database.
        settings: Where the brokers are.
    """

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._log = Log(settings, BROKER_SECONDS)
        self._lock = asyncio.Lock()
        self._seen: tuple[float, Observed] | None = None
        self._unready: tuple[float, str] | None = None

    async def observe(self) -> Observed:
        """What is seen now."""
        async with self._lock:
            if self._seen is None or time.monotonic() - self._seen[0] > REMEMBERED_SECONDS:
                self._seen = (time.monotonic(), await asyncio.to_thread(self._look))
            return self._seen[1]

    async def unready(self) -> str:
        """Why this process cannot do its part; empty when it can."""
        async with self._lock:
            if self._unready is None or time.monotonic() - self._unready[0] > REMEMBERED_SECONDS:
                self._unready = (time.monotonic(), await asyncio.to_thread(self._examine))
            return self._unready[1]

    def _look(self) -> Observed:
        try:
            with self._engine.connect() as connection:
                beats, waiting, applied = _stored(connection)
        except SQLAlchemyError:
            return Observed([], 0.0, [], ["The database does not answer, or is not migrated."])
        try:
            return Observed(beats, waiting, self._behind(applied), [])
        except KafkaException:
            return Observed(beats, waiting, [], ["The broker does not answer."])

    def _behind(self, applied: dict[tuple[str, int], int]) -> list[str]:
        """Partitions whose records of ten seconds ago are not all applied."""
        then = int((time.time() - MOST_SECONDS) * 1000)
        due = self._log.since(sorted(_PLACES), then)
        late = sorted(it for it, offset in due.items() if applied.get(it, 0) < offset)
        return [f"{topic}/{partition}" for topic, partition in late]

    def _examine(self) -> str:
        try:
            with self._engine.connect() as connection:
                if not is_migrated(connection):
                    return "The database is not migrated: run verdicts migrate."
        except SQLAlchemyError:
            return "The database does not answer."
        try:
            self._log.check()
        except KafkaException:
            return "The broker does not answer."
        return ""


def _stored(connection: Connection) -> tuple[list[Beat], float, dict[tuple[str, int], int]]:
    rows = connection.execute(_BEATS, {"fresh": FRESH_SECONDS})
    beats = [Beat(row.service, row.instance, round(row.age, 3), row.detail) for row in rows]
    waiting: float = connection.execute(_WAITING).scalar_one()
    applied = queries.applied(connection, [topic.name for topic in EVENT_TOPICS])
    return beats, waiting, applied


class FakeObserver:
    """Sees what it was told.

    Attributes:
        seen: The answer of `observe`.
        fault: The answer of `unready`.
    """

    def __init__(self, seen: Observed | None = None, fault: str = "") -> None:
        assigned = {topic.name: list(range(topic.partitions)) for topic in EVENT_TOPICS}
        beats = [
            Beat("worker", "1", 0.5, {"assigned": assigned, "relay": True}),
            Beat("publisher", "1", 0.5, {"active": True}),
        ]
        self.seen = seen or Observed(beats, 0.0, [], [])
        self.fault = fault

    async def observe(self) -> Observed:
        """What it was told."""
        return self.seen

    async def unready(self) -> str:
        """What it was told."""
        return self.fault
