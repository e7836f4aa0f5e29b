"""Reads the pipeline's state for `/status`, and finds why this process cannot serve."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Generic, Protocol, TypeVar

from confluent_kafka import KafkaException
from msgspec.structs import replace
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from infra.kafka.offsets import LogOffsets
from infra.kafka.producer import KafkaProducer
from infra.migrations import is_migrated
from infra.runtime.blocking_pool import BlockingPool, NoAnswerError
from infra.settings import Settings
from projections.generations import Generations
from projections.pipeline_state import UNREAD, Heartbeat, PipelineState
from schemas.channels import ServiceName
from schemas.topics import EVENT_TOPICS
from streams.api.status.pipeline_reader import PipelineReader
from streams.api.status.pipeline_status import MAX_LAG_SECONDS

REMEMBERED_SECONDS = 0.5
BROKER_SECONDS = 3.0
ALL_BROKER_SECONDS = 10.0
"""The most that all questions to the broker together may take."""
THREADS = 2

T = TypeVar("T")


class Observer(Protocol):
    """Reads the state of the pipeline and of this process."""

    async def observe(self) -> PipelineState:
        """Read the pipeline's state; `lags` are those over ten seconds of the live generation."""
        ...

    async def unready(self) -> str:
        """Say why this process cannot serve; empty when it can."""
        ...


class StatusProbe:
    """Reads the real database and broker; requests within half a second share a reading.

    Args:
        engine: The database.
        settings: The brokers.
        producer: Sends the votes of this process.
    """

    def __init__(self, engine: Engine, settings: Settings, producer: KafkaProducer) -> None:
        self._engine = engine
        self._producer = producer
        self._log = LogOffsets(settings, BROKER_SECONDS)
        self._reader = PipelineReader(engine, settings, BROKER_SECONDS)
        self._database = BlockingPool(THREADS, "database observer")
        self._broker = BlockingPool(THREADS, "broker observer", ALL_BROKER_SECONDS)
        self._state = _Shared(self._read_state)
        self._fault = _Shared(self._find_fault)

    async def observe(self) -> PipelineState:
        """Read the pipeline's state."""
        return await self._state.get()

    async def unready(self) -> str:
        """Say why this process cannot serve; empty when it can."""
        return await self._fault.get()

    async def _read_state(self) -> PipelineState:
        try:
            state = await self._database.run(partial(self._reader.read_database, live_only=True))
        except SQLAlchemyError:
            return replace(UNREAD, failures=("The database does not answer, or is not migrated.",))
        live = [state.generations.live] if state.generations.live else []
        try:
            state = await self._broker.run(self._read_broker, state, live)
        except (KafkaException, NoAnswerError):
            return replace(state, failures=("The broker does not answer.",))
        return replace(state, delivery_fault=self._producer.fault)

    def _read_broker(self, state: PipelineState, live: Sequence[str]) -> PipelineState:
        state = self._reader.add_unwritable(state)
        return self._reader.add_lags(state, live, MAX_LAG_SECONDS)

    async def _find_fault(self) -> str:
        try:
            if not await self._database.run(self._query, is_migrated):
                return "The database is not migrated: run verdicts migrate."
        except SQLAlchemyError:
            return "The database does not answer."
        try:
            await self._broker.run(self._log.check)
        except (KafkaException, NoAnswerError):
            return "The broker does not answer."
        return ""

    def _query(self, query: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            return query(connection)


class _Shared(Generic[T]):
    """A reading shared by all callers during it and within half a second after it.

    A reading of a hanging server takes long: if each caller that waited took another one then, the
    last would wait for all of them.
    """

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._lock = asyncio.Lock()
        self._newest: tuple[float, T] | None = None

    async def get(self) -> T:
        async with self._lock:
            if self._newest is None or time.monotonic() - self._newest[0] > REMEMBERED_SECONDS:
                value = await self._read()
                self._newest = (time.monotonic(), value)
            return self._newest[1]


class FakeObserver:
    """An observer without servers.

    Attributes:
        state: The answer of `observe`; by default a pipeline in which everything works.
        fault: The answer of `unready`.
    """

    def __init__(self) -> None:
        assigned = {topic.name: list(range(topic.partitions)) for topic in EVENT_TOPICS}
        heartbeats = (
            Heartbeat(ServiceName.WORKER, "1", 0.5, {"assigned": assigned, "relay": True}),
            Heartbeat(ServiceName.PUBLISHER, "1", 0.5, {"active": True}),
        )
        generations = Generations("projections_1", ("projections_1",), ("projections_1",))
        self.state = replace(UNREAD, generations=generations, heartbeats=heartbeats)
        self.fault = ""

    async def observe(self) -> PipelineState:
        """Return `state`."""
        return self.state

    async def unready(self) -> str:
        """Return `fault`."""
        return self.fault
