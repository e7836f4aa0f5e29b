"""Looks up bearer tokens, off the event loop and cached for two seconds."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from infra.runtime.blocking_pool import BlockingPool
from projections.private import tokens
from projections.private.tokens import Role, Token

FRESH_SECONDS = 2.0
STALE_SECONDS = 300.0
LOOKUP_SECONDS = 2.0
"""Short: while the database is away, requests with a known token wait no longer than this."""
LOOKUP_THREADS = 4
"""Lookups at once, each with a connection."""
MAX_CACHED = 10_000


class TokenLookup(Protocol):
    """Finds tokens by their text."""

    async def find(self, text: str) -> Token | None:
        """The valid token with this text, or None."""
        ...


class CachedTokens:
    """Finds tokens in memory for up to two seconds, then in the database.

    Concurrent requests with the same token share one query. While the database is away no token
    can be revoked there, so a token that was valid before stays valid for five minutes.

    Args:
        lookup: Finds a token by its text; blocks, so it runs in a thread.
        clock: Monotonic seconds.
        timeout: Seconds without an answer after which the database counts as away.
    """

    def __init__(
        self,
        lookup: Callable[[str], Token | None],
        clock: Callable[[], float] = time.monotonic,
        timeout: float = LOOKUP_SECONDS,
    ) -> None:
        self._lookup = lookup
        self._clock = clock
        self._pool = BlockingPool(LOOKUP_THREADS, "tokens", timeout)
        self._cached: dict[str, _CachedToken] = {}
        self._pending: dict[str, asyncio.Task[Token | None]] = {}

    @classmethod
    def from_engine(cls, engine: Engine) -> "CachedTokens":
        """Looks tokens up in the database."""

        def lookup(text: str) -> Token | None:
            with engine.connect() as connection:
                return tokens.find(connection, text)

        return cls(lookup)

    async def find(self, text: str) -> Token | None:
        """The valid token with this text, or None.

        Raises:
            SQLAlchemyError: The database is away and the token is not cached.
        """
        cached = self._cached.get(text)
        if cached is not None and cached.fresh_until > self._clock():
            return cached.token
        if not tokens.is_well_formed(text):
            return None
        task = self._pending.get(text)
        if task is None:
            task = self._pending[text] = asyncio.create_task(self._refresh(text))
        return await asyncio.shield(task)

    async def _refresh(self, text: str) -> Token | None:
        now = self._clock()
        try:
            token = await self._pool.run(self._lookup, text)
        except SQLAlchemyError:
            cached = self._cached.get(text)
            if cached is None or now - cached.read_at > STALE_SECONDS:
                raise
            self._store(text, cached._replace(fresh_until=now + FRESH_SECONDS))
            return cached.token
        finally:
            del self._pending[text]
        self._store(text, _CachedToken(token, now, now + FRESH_SECONDS))
        return token

    def _store(self, text: str, cached: "_CachedToken") -> None:
        if len(self._cached) >= MAX_CACHED:  # guessed tokens must not fill the memory
            self._cached.clear()
        self._cached[text] = cached


class _CachedToken(NamedTuple):
    token: Token | None
    read_at: float
    fresh_until: float


class FakeTokens:
    """Tokens by their text, without a database."""

    def __init__(self, **roles: Role) -> None:
        self._tokens = {
            text: Token(text, text, role, text if role == "gateway" else None, datetime.now(UTC))
            for text, role in roles.items()
        }

    async def find(self, text: str) -> Token | None:
        """The token with this text, or None."""
        return self._tokens.get(text)
