"""Looks up bearer tokens, off the event loop and cached for two seconds."""

import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import Engine

from infra.runtime.cached_lookup import LOOKUP_SECONDS, CachedLookup
from projections.private import tokens
from projections.private.tokens import Role, Token


class TokenLookup(Protocol):
    """Finds tokens by their text."""

    async def find(self, text: str) -> Token | None:
        """The valid token with this text, or None."""
        ...


class CachedTokens(CachedLookup[Token]):
    """Finds tokens in memory for up to two seconds, then in the database.

    Args:
        lookup: Finds tokens by their texts; blocks, so it runs in a thread.
        clock: Monotonic seconds.
        timeout: Seconds without an answer after which the database counts as away.
    """

    def __init__(
        self,
        lookup: Callable[[Collection[str]], Mapping[str, Token]],
        clock: Callable[[], float] = time.monotonic,
        timeout: float = LOOKUP_SECONDS,
    ) -> None:
        super().__init__(lookup, tokens.is_well_formed, "tokens", clock, timeout)

    @classmethod
    def from_engine(cls, engine: Engine) -> "CachedTokens":
        """Looks tokens up in the database."""

        def lookup(texts: Collection[str]) -> Mapping[str, Token]:
            with engine.connect() as connection:
                return tokens.find_all(connection, texts)

        return cls(lookup)


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
