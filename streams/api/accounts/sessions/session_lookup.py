"""Finds sessions by their secrets, off the event loop and cached for two seconds."""

from collections.abc import Collection, Mapping
from typing import Protocol

from sqlalchemy import Engine

from infra.runtime.cached_lookup import CachedLookup
from projections.private.accounts.sessions import Session, find_sessions, is_session_secret


class SessionLookup(Protocol):
    """Finds sessions by their secrets."""

    async def find(self, text: str) -> Session | None:
        """The valid session with this secret, or None."""
        ...

    def forget_all(self) -> None:
        """Look every session up again: this process has revoked some."""
        ...


class CachedSessions(CachedLookup[Session]):
    """Finds sessions in memory for up to two seconds, then in the database.

    A session that another process revokes is refused here two seconds later at most.

    Args:
        engine: The database.
    """

    def __init__(self, engine: Engine) -> None:
        def lookup(secrets: Collection[str]) -> Mapping[str, Session]:
            with engine.begin() as connection:
                return find_sessions(connection, secrets)

        super().__init__(lookup, is_session_secret, "sessions")


class FakeSessions:
    """Sessions by their secrets, without a database.

    Attributes:
        sessions: The valid ones.
        lookups: How many were looked up.
    """

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.lookups = 0

    async def find(self, text: str) -> Session | None:
        """The session with this secret, or None."""
        self.lookups += 1
        return self.sessions.get(text)

    def forget_all(self) -> None:
        """Nothing is cached."""
