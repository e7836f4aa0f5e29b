"""Whether a vote sent now would reach a page: the whole chain, looked at from the API."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from confluent_kafka import KafkaException
from msgspec.structs import replace
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from infra.kafka.offsets import LogOffsets
from infra.kafka.reader import OffsetRange, first_records
from infra.migrations import is_migrated
from infra.runtime.blocking_pool import BlockingPool, NoAnswerError
from infra.settings import Settings
from projections.read.offsets import read_applied_offsets
from schemas.channels import ServiceName
from schemas.topics import EVENT_PARTITIONS, EVENT_TOPICS, TopicPartition

MOST_SECONDS = 10
"""Older records, changes and pages that still wait mean that the chain is behind."""
FRESH_SECONDS = 5.0
REMEMBERED_SECONDS = 0.5
BROKER_SECONDS = 3.0
LOOK_SECONDS = 10.0
"""The most that all questions to the broker together may take."""
THREADS = 2

T = TypeVar("T")

_BEATS = text(
    "select service, instance, extract(epoch from clock_timestamp() - beat)::float8 as age, detail"
    " from verdicts.heartbeats"
    " where beat > clock_timestamp() - make_interval(secs => :fresh)"
)
_AGE = "coalesce(extract(epoch from clock_timestamp() - min(at)), 0)::float8"
_WAITING = text(
    f"select (select {_AGE} from verdicts.dirty) as pages,"  # noqa: S608
    f" (select {_AGE} from verdicts.outbox) as changes"
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
        unrelayed: Age in seconds of the oldest change that is not on the changes topic.
    """

    beats: list[Beat]
    waiting: float
    behind: list[str]
    failures: list[str]
    unrelayed: float = 0.0


class StatusEvaluation(msgspec.Struct, frozen=True):
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


def evaluate(seen: Observed) -> StatusEvaluation:
    """What the observation means."""
    reasons = list(seen.failures)
    if not seen.failures:
        reasons += _missing_services(seen.beats)
    if seen.behind:
        reasons.append(f"{len(seen.behind)} partitions are over {MOST_SECONDS} s behind.")
    if seen.waiting >= MOST_SECONDS:
        reasons.append(f"A change has waited {seen.waiting:.0f} s for its page.")
    if seen.unrelayed >= MOST_SECONDS:
        reasons.append(f"A change has waited {seen.unrelayed:.0f} s for the changes topic.")
    if any(beat.service == ServiceName.LOADER for beat in seen.beats):
        reasons.append("The demo content is still being loaded.")
    status = "degraded" if reasons else "ok"
    return StatusEvaluation(status, reasons, seen.beats, round(seen.waiting, 3), seen.behind)


def _missing_services(beats: list[Beat]) -> list[str]:
    """The work that no living process does."""
    workers = [beat for beat in beats if beat.service == ServiceName.WORKER]
    missing = len(set(EVENT_PARTITIONS) - _assigned(workers))
    reasons = []
    if missing:
        reasons.append(f"{missing} of {len(EVENT_PARTITIONS)} partitions have no worker.")
    if not any(beat.detail.get("relay") for beat in workers):
        reasons.append("No worker relays changes.")
    publishers = [beat for beat in beats if beat.service == ServiceName.PUBLISHER]
    if not any(beat.detail.get("active") for beat in publishers):
        reasons.append("No publisher is active.")
    return reasons


def _assigned(workers: list[Beat]) -> set[tuple[str, int]]:
    return {
        (topic, partition)
        for beat in workers
        for topic, partitions in beat.detail.get("assigned", {}).items()
        for partition in partitions
    }


class StatusProbe:
    """Looks at the real database and the real broker; requests within half a second share a look.

    Args:
        engine: The database.
        settings: Where the brokers are.
    """

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._log = LogOffsets(settings, BROKER_SECONDS)
        self._database = BlockingPool(THREADS, "database observer")
        self._broker = BlockingPool(THREADS, "broker observer", LOOK_SECONDS)
        self._observed = _Shared(self._look)
        self._unready = _Shared(self._examine)

    async def observe(self) -> Observed:
        """What is seen now."""
        return await self._observed.get()

    async def unready(self) -> str:
        """Why this process cannot do its part; empty when it can."""
        return await self._unready.get()

    async def _look(self) -> Observed:
        observed: Observed
        try:
            observed, applied = await self._database.run(self._read, _stored)
        except SQLAlchemyError:
            return Observed([], 0.0, [], ["The database does not answer, or is not migrated."])
        try:
            behind = await self._broker.run(self._behind, applied)
        except (KafkaException, NoAnswerError):
            return replace(observed, failures=["The broker does not answer."])
        return replace(observed, behind=behind)

    def _read(self, query: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            return query(connection)

    def _behind(self, applied: dict[tuple[str, int], int]) -> list[str]:
        """Partitions whose records of ten seconds ago are not all applied."""
        then = int((time.time() - MOST_SECONDS) * 1000)
        due = self._log.offset_at(EVENT_PARTITIONS, then)
        late = {it: OffsetRange(applied.get(it, 0), end) for it, end in due.items()}
        # Where only the marks of a transaction are left, nothing is late.
        return [
            f"{topic}/{partition}"
            for topic, partition in sorted(first_records(self._settings, late))
        ]

    async def _examine(self) -> str:
        try:
            if not await self._database.run(self._read, is_migrated):
                return "The database is not migrated: run verdicts migrate."
        except SQLAlchemyError:
            return "The database does not answer."
        try:
            await self._broker.run(self._log.check)
        except (KafkaException, NoAnswerError):
            return "The broker does not answer."
        return ""


class _Shared(Generic[T]):
    """A look that is shared by all who ask while it is taken, or within half a second after it.

    After it, since a look at what hangs takes long: if everybody who waited took one of their own
    then, the last would wait for all of them.
    """

    def __init__(self, look: Callable[[], Awaitable[T]]) -> None:
        self._look = look
        self._lock = asyncio.Lock()
        self._seen: tuple[float, T] | None = None

    async def get(self) -> T:
        async with self._lock:
            if self._seen is None or time.monotonic() - self._seen[0] > REMEMBERED_SECONDS:
                seen = await self._look()
                self._seen = (time.monotonic(), seen)
            return self._seen[1]


def _stored(connection: Connection) -> tuple[Observed, dict[TopicPartition, int]]:
    """Read what the database tells of the chain, and the applied offsets."""
    rows = connection.execute(_BEATS, {"fresh": FRESH_SECONDS})
    beats = [Beat(row.service, row.instance, round(row.age, 3), row.detail) for row in rows]
    waiting = connection.execute(_WAITING).one()
    applied = read_applied_offsets(connection, [topic.name for topic in EVENT_TOPICS])
    return Observed(beats, waiting.pages, [], [], waiting.changes), applied


class FakeObserver:
    """Sees what it was told.

    Attributes:
        seen: The answer of `observe`.
        fault: The answer of `unready`.
    """

    def __init__(self, seen: Observed | None = None, fault: str = "") -> None:
        assigned = {topic.name: list(range(topic.partitions)) for topic in EVENT_TOPICS}
        beats = [
            Beat(ServiceName.WORKER, "1", 0.5, {"assigned": assigned, "relay": True}),
            Beat(ServiceName.PUBLISHER, "1", 0.5, {"active": True}),
        ]
        self.seen = seen or Observed(beats, 0.0, [], [])
        self.fault = fault

    async def observe(self) -> Observed:
        """What it was told."""
        return self.seen

    async def unready(self) -> str:
        """What it was told."""
        return self.fault
