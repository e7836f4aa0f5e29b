"""Looks secrets up in the database: off the event loop, and cached for two seconds."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Generic, NamedTuple, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from infra.runtime.blocking_pool import BlockingPool
from infra.runtime.shared_reads import BatchedReads

FRESH_SECONDS = 2.0
STALE_SECONDS = 300.0
LOOKUP_SECONDS = 2.0
"""Short: while the database is away, requests with a known secret wait no longer than twice this,
for the lookup under way and for their own."""
LOOKUP_THREADS = 4
"""One lookup is under way; the other threads go on while earlier ones hang."""
MAX_CACHED = 10_000

V = TypeVar("V")


class CachedLookup(Generic[V]):
    """Finds values by a secret text in memory for up to two seconds, then in the database.

    Texts that are asked for during one query are looked up together by the next: when many cached
    values expire at once, two queries read them all. While the database is away nothing can be
    revoked there, so what was valid before stays valid for five minutes.

    Args:
        lookup: Finds values by their texts, without those that name none; blocks, so it runs in a
            thread.
        is_well_formed: Whether a text can name a value at all; another is not looked up.
        purpose: Name of the threads.
        clock: Monotonic seconds.
        timeout: Seconds without an answer after which the database counts as away.
    """

    def __init__(
        self,
        lookup: Callable[[Collection[str]], Mapping[str, V]],
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
        self._lookups = BatchedReads(self._look_up)
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
        try:
            return await self._lookups.get(text)
        except SQLAlchemyError:
            now, cached = self._clock(), self._cached.get(text)
            if cached is None or now - cached.read_at > STALE_SECONDS:
                raise
            self._store(text, cached._replace(fresh_until=now + FRESH_SECONDS))
            return cached.value

    def forget_all(self) -> None:
        """Look everything up again: this process has revoked something."""
        self._cached.clear()
        self._forgotten += 1

    async def _look_up(self, texts: list[str]) -> Mapping[str, V]:
        now, forgotten = self._clock(), self._forgotten
        values = await self._pool.run(self._lookup, texts)
        if forgotten == self._forgotten:
            for text in texts:
                self._store(text, _CachedValue(values.get(text), now, now + FRESH_SECONDS))
        return values

    def _store(self, text: str, cached: "_CachedValue[V]") -> None:
        if len(self._cached) >= MAX_CACHED:  # guessed secrets must not fill the memory
            self._cached.clear()
        self._cached[text] = cached


class _CachedValue(NamedTuple, Generic[V]):
    value: V | None
    read_at: float
    fresh_until: float
