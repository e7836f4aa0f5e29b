"""Counts new voters per network prefix: in the database, or in this process alone."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from infra.postgres.engine import error_text
from infra.runtime.blocking_pool import BlockingPool
from projections.private.new_voters import (
    NewVoterTier,
    TooManyNewVoters,
    count_new_voter,
    prune_new_voters,
)

HOUR = 3600.0
MAX_PREFIXES = 100_000
COUNT_SECONDS = 0.5
COUNT_THREADS = 2
"""Counts at once, each with a connection."""
AWAY_SECONDS = 5.0
"""How long this process counts alone once the database does not answer."""
PRUNE_SECONDS = 600.0

log = structlog.get_logger(__name__)


class NewVoterCounts(Protocol):
    """Counts new voters."""

    async def count(self, tiers: Sequence[NewVoterTier]) -> None:
        """Count a new voter in each tier.

        Raises:
            TooManyNewVoters: A tier is full; then the voter is counted in none.
        """
        ...


class ProcessCounts:
    """Counts in memory. A prefix's hour starts with its first new voter.

    Args:
        clock: Monotonic seconds.
        max_prefixes: How many prefixes are counted at once.
    """

    def __init__(self, clock: Callable[[], float], max_prefixes: int = MAX_PREFIXES) -> None:
        self._clock = clock
        self._max_prefixes = max_prefixes
        self._counts: dict[str, tuple[float, int]] = {}

    def __len__(self) -> int:
        """How many prefixes are counted."""
        return len(self._counts)

    async def count(self, tiers: Sequence[NewVoterTier]) -> None:
        """Count a new voter; see `NewVoterCounts`."""
        now = self._clock()
        for tier in tiers:
            since, count = self._current(tier.prefix, now)
            if count >= tier.limit:
                raise TooManyNewVoters(int(since + HOUR - now) + 1)
        for tier in tiers:
            since, count = self._current(tier.prefix, now)
            if tier.prefix not in self._counts and len(self._counts) >= self._max_prefixes:
                self._drop_old_prefixes(now)
            self._counts[tier.prefix] = (since, count + 1)

    def _current(self, prefix: str, now: float) -> tuple[float, int]:
        since, count = self._counts.get(prefix, (now, 0))
        return (now, 0) if now - since >= HOUR else (since, count)

    def _drop_old_prefixes(self, now: float) -> None:
        """Drop prefixes whose hour is over; under attack from very many, also the oldest half."""
        fresh = {p: count for p, count in self._counts.items() if now - count[0] < HOUR}
        newest = sorted(fresh.items(), key=lambda item: item[1][0])[-self._max_prefixes // 2 :]
        self._counts = dict(newest)


class SharedCounts:
    """Counts in the database, for all processes and over restarts.

    While the database is away the process counts alone, so that new voters can vote.

    Args:
        count: Counts a new voter in the database; blocks, so it runs in a thread.
        clock: Monotonic seconds.
        timeout: Seconds without an answer after which the database counts as away.
    """

    def __init__(
        self,
        count: Callable[[Sequence[NewVoterTier]], None],
        clock: Callable[[], float] = time.monotonic,
        timeout: float = COUNT_SECONDS,
    ) -> None:
        self._count = count
        self._clock = clock
        self._pool = BlockingPool(COUNT_THREADS, "new voters", timeout)
        self._alone = ProcessCounts(clock)
        self._away_until = float("-inf")

    @classmethod
    def from_engine(cls, engine: Engine) -> "SharedCounts":
        """Counts in this database."""
        return cls(DatabaseCounter(engine))

    async def count(self, tiers: Sequence[NewVoterTier]) -> None:
        """Count a new voter; see `NewVoterCounts`."""
        if self._clock() >= self._away_until:
            try:
                return await self._pool.run(self._count, tiers)
            except SQLAlchemyError as error:
                self._away_until = self._clock() + AWAY_SECONDS
                log.warning("this process counts new voters alone", reason=error_text(error))
        return await self._alone.count(tiers)


class DatabaseCounter:
    """Counts in the database, and prunes its table every ten minutes."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._prune_at = clock()
        self._pruning = threading.Lock()

    def __call__(self, tiers: Sequence[NewVoterTier]) -> None:
        """Count a new voter in each tier, or in none."""
        if self._is_prune_due():
            with self._engine.begin() as connection:
                prune_new_voters(connection)
        with self._engine.begin() as connection:
            count_new_voter(connection, tiers)

    def _is_prune_due(self) -> bool:
        with self._pruning:
            due = self._clock() >= self._prune_at
            if due:
                self._prune_at = self._clock() + PRUNE_SECONDS
            return due
