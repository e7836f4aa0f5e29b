"""Counts per hour, purpose and key: in the database, or in this process alone."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from infra.postgres.engine import (
    IDLE_IN_TRANSACTION_SECONDS,
    SCHEMA,
    create_plain_engine,
    error_text,
)
from infra.runtime.blocking_pool import BlockingPool
from infra.settings import Settings
from projections.private.hourly_counts import (
    HourlyLimit,
    LimitReached,
    add_counts,
    count_within,
    prune_counts,
)

HOUR = 3600.0
MAX_KEYS = 100_000
COUNT_SECONDS = 0.5
COUNT_THREADS = 2
"""Counts at once, each with a connection."""
AWAY_SECONDS = 5.0
"""How long this process counts alone once the database does not answer."""
PRUNE_SECONDS = 600.0
ADD_SECONDS = 0.05
"""How long counts gather that nobody waits for."""
SPARE_SHARE = 16
"""A process admits at most one part in so many of what is left of a limit before it counts."""
ROOM_SECONDS = 1.0
"""How long what was left of a limit is taken for what is left."""

log = structlog.get_logger(__name__)


class HourlyCounts(Protocol):
    """Counts against hourly limits."""

    async def count(self, limits: Sequence[HourlyLimit]) -> None:
        """Count once under each key.

        Raises:
            LimitReached: A limit is reached; then nothing is counted.
        """
        ...


class ProcessCounts:
    """Counts in memory. A key's hour starts with its first count.

    Args:
        clock: Monotonic seconds.
        max_keys: How many keys are counted at once.
    """

    def __init__(self, clock: Callable[[], float], max_keys: int = MAX_KEYS) -> None:
        self._clock = clock
        self._max_keys = max_keys
        self._counts: dict[tuple[str, str], tuple[float, int]] = {}

    def __len__(self) -> int:
        """How many keys are counted."""
        return len(self._counts)

    async def count(self, limits: Sequence[HourlyLimit]) -> None:
        """Count once; see `HourlyCounts`."""
        now = self._clock()
        for limit in limits:
            since, count = self._current((limit.purpose, limit.key), now)
            if count >= limit.limit:
                raise LimitReached(limit.purpose, int(since + HOUR - now) + 1)
        for limit in limits:
            self._add((limit.purpose, limit.key), now)

    def _add(self, key: tuple[str, str], now: float) -> None:
        since, count = self._current(key, now)
        if key not in self._counts and len(self._counts) >= self._max_keys:
            self._drop_old_keys(now)
        self._counts[key] = (since, count + 1)

    def _current(self, key: tuple[str, str], now: float) -> tuple[float, int]:
        since, count = self._counts.get(key, (now, 0))
        return (now, 0) if now - since >= HOUR else (since, count)

    def _drop_old_keys(self, now: float) -> None:
        """Drop keys whose hour is over; under attack from very many, also the oldest half."""
        fresh = {key: count for key, count in self._counts.items() if now - count[0] < HOUR}
        newest = sorted(fresh.items(), key=lambda item: item[1][0])[-self._max_keys // 2 :]
        self._counts = dict(newest)


class CountInDatabase(Protocol):
    """Counts in the database; blocks, so it runs in a thread."""

    def __call__(
        self, amounts: Mapping[HourlyLimit, int], /, *, admitted: bool
    ) -> Mapping[HourlyLimit, int]:
        """Count so often under each key, or under none; give how often each may still count.

        Raises:
            LimitReached: A limit is reached, and what is to be counted is not `admitted` yet.
        """
        ...


class SharedCounts:
    """Counts in the database, for all processes and over restarts.

    Far from the limit a caller does not wait: its count is added a moment later, with those of
    others. A process admits only a part of the room that it saw a moment ago in this way, so that
    several of them do not pass the limit together.

    While the database is away the process counts alone, so that new voters can vote.

    Args:
        count: Counts in the database.
        clock: Monotonic seconds.
        timeout: Seconds without an answer after which the database counts as away.
    """

    def __init__(
        self,
        count: CountInDatabase,
        clock: Callable[[], float] = time.monotonic,
        timeout: float = COUNT_SECONDS,
    ) -> None:
        self._count = count
        self._clock = clock
        self._pool = BlockingPool(COUNT_THREADS, "hourly counts", timeout)
        self._alone = ProcessCounts(clock)
        self._away_until = float("-inf")
        self._room: dict[HourlyLimit, tuple[int, float]] = {}
        self._uncounted: Counter[HourlyLimit] = Counter()
        self._adding: asyncio.Task[None] | None = None

    async def count(self, limits: Sequence[HourlyLimit]) -> None:
        """Count once; see `HourlyCounts`."""
        if self._clock() >= self._away_until:
            if self._is_far_from(limits):
                self._uncounted.update(limits)
                if self._adding is None:
                    self._adding = asyncio.create_task(self._add_until_none_is_left())
                return
            if await self._count_now(dict.fromkeys(limits, 1), admitted=False):
                return
        await self._alone.count(limits)

    async def close(self) -> None:
        """Add what was not counted yet."""
        if self._adding is not None:
            self._adding.cancel()
        if self._uncounted:
            await self._add()

    def _is_far_from(self, limits: Sequence[HourlyLimit]) -> bool:
        """Whether no limit can be near, whatever other processes admit in the same moment."""
        seen_after = self._clock() - ROOM_SECONDS
        for limit in limits:
            room, seen = self._room.get(limit, (0, 0.0))
            if seen < seen_after or self._uncounted[limit] >= room // SPARE_SHARE:
                return False
        return True

    async def _add_until_none_is_left(self) -> None:
        try:
            while self._uncounted:
                await asyncio.sleep(ADD_SECONDS)
                await self._add()
        finally:
            self._adding = None

    async def _add(self) -> None:
        amounts, self._uncounted = self._uncounted, Counter()
        await self._count_now(amounts, admitted=True)

    async def _count_now(self, amounts: Mapping[HourlyLimit, int], *, admitted: bool) -> bool:
        """Count in the database; False where that is away."""
        call = partial(self._count, amounts, admitted=admitted)
        try:
            room = await self._pool.run(call)
        except SQLAlchemyError as error:
            self._away_until = self._clock() + AWAY_SECONDS
            log.warning("this process counts new voters alone", reason=error_text(error))
            return False
        if len(self._room) >= MAX_KEYS:
            self._room.clear()  # each key's next caller waits for the database once
        now = self._clock()
        self._room.update((limit, (left, now)) for limit, left in room.items())
        return True


class DatabaseCounter:
    """Counts in the database, and prunes its table every ten minutes.

    Each count is a transaction of one statement, so that a new voter's vote waits for little. It
    commits without waiting for the disk: a crash may forget the last moment's counts.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = create_plain_engine(
            settings,
            "verdicts api counts",
            IDLE_IN_TRANSACTION_SECONDS,
            pool_size=COUNT_THREADS,
            max_overflow=0,
            options=f"-c search_path={SCHEMA} -c synchronous_commit=off",
            ping=False,
        ).execution_options(isolation_level="AUTOCOMMIT")
        self._clock = clock
        self._prune_at = clock()
        self._pruning = threading.Lock()

    def __call__(
        self, amounts: Mapping[HourlyLimit, int], /, *, admitted: bool
    ) -> Mapping[HourlyLimit, int]:
        """Count; see `CountInDatabase`."""
        with self._engine.connect() as connection:
            if self._is_prune_due():
                prune_counts(connection)
            if admitted:
                return add_counts(connection, amounts)
            return count_within(connection, list(amounts))

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def _is_prune_due(self) -> bool:
        with self._pruning:
            due = self._clock() >= self._prune_at
            if due:
                self._prune_at = self._clock() + PRUNE_SECONDS
            return due
