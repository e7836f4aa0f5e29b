"""Looks secrets up in the database: off the event loop, and cached for two seconds."""

import asyncio
import time
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from infra.runtime.blocking_pool import BlockingPool

FRESH_SECONDS = 2.0
STALE_SECONDS = 300.0
LOOKUP_SECONDS = 2.0
"""Short: while the database is away, requests with a known secret wait no longer than this."""
LOOKUP_THREADS = 4
"""Lookups at once, each with a connection."""
MAX_CACHED = 10_000

V = TypeVar("V")


class CachedLookup(Generic[V]):
    """Finds values by a secret text in memory for up to two seconds, then in the database.

    Concurrent requests with the same text share one query. While the database is away nothing can
    be revoked there, so what was valid before stays valid for five minutes.

    Args:
        lookup: Finds a value by its text; blocks, so it runs in a thread.
        is_well_formed: Whether a text can name a value at all; another is not looked up.
        purpose: Name of the threads.
        clock: Monotonic seconds.
        timeout: Seconds without an answer after which the database counts as away.
    """

    def __init__(
        self,
        lookup: Callable[[str], V | None],
        is_well_formed: Callable[[str], bool],
        purpose: str,
        clock: Callable[[], float] = time.monotonic,
        timeout: float = LOOKUP_SECONDS,
    ) -> None:
        self._lookup = lookup
        self._is_well_formed = is_well_formed
        self._clock = clock
        self._pool = BlockingPool(LOOKUP_THREADS, purpose, timeout)
        self._cached: dict[str, _CachedValue[V]] = {}
        self._pending: dict[str, asyncio.Task[V | None]] = {}
        self._forgotten = 0

    async def find(self, text: str) -> V | None:
        """The valid value with this text, or None.

        Raises:
            SQLAlchemyError: The database is away and the text is not cached.
        """
        cached = self._cached.get(text)
        if cached is not None and cached.fresh_until > self._clock():
            return cached.value
        if not self._is_well_formed(text):
            return None
        task = self._pending.get(text)
        if task is None:
            task = self._pending[text] = asyncio.create_task(self._refresh(text))
        return await asyncio.shield(task)

    def forget_all(self) -> None:
        """Look everything up again: this process has revoked something."""
        self._cached.clear()
        self._pending.clear()
        self._forgotten += 1

    async def _refresh(self, text: str) -> V | None:
        now, forgotten = self._clock(), self._forgotten
        try:
            value = await self._pool.run(self._lookup, text)
        except SQLAlchemyError:
            cached = self._cached.get(text)
            if cached is None or now - cached.read_at > STALE_SECONDS:
                raise
            self._store(text, cached._replace(fresh_until=now + FRESH_SECONDS))
            return cached.value
        finally:
            if forgotten == self._forgotten:
                del self._pending[text]
        if forgotten == self._forgotten:
            self._store(text, _CachedValue(value, now, now + FRESH_SECONDS))
        return value

    def _store(self, text: str, cached: "_CachedValue[V]") -> None:
        if len(self._cached) >= MAX_CACHED:  # guessed secrets must not fill the memory
            self._cached.clear()
        self._cached[text] = cached


class _CachedValue(NamedTuple, Generic[V]):
    value: V | None
    read_at: float
    fresh_until: float
