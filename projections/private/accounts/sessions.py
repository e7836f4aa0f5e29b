"""Sessions of browsers that have signed in: the rows of `verdicts.sessions`.

A session's secret has 256 random bits and is in the browser's cookie alone; a row holds its hash.
"""

import hashlib
import re
import secrets
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

SESSION_SECONDS = 90 * 24 * 3600

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_CREATE = text(
    """
    insert into verdicts.sessions (id, hash, account, device, expires)
    values (:id, :hash, :account, :device, now() + make_interval(secs => :seconds))
    returning id, expires
    """
)
_FIND = text(
    """
    select sessions.hash, sessions.id, sessions.account, accounts.voter, sessions.expires,
        sessions.seen < now() - interval '1 hour' as seen_long_ago
    from verdicts.sessions join verdicts.accounts on accounts.id = sessions.account
    where sessions.hash = any(:hashes) and sessions.expires > now()
    """
)
_SEEN = text(
    """
    update verdicts.sessions set seen = now() where id in (
        select id from verdicts.sessions where id = any(:ids) order by id for update skip locked
    )
    """
)
_LIST = text(
    """
    select id, device, created, seen, expires from verdicts.sessions
    where account = :account and expires > now() order by seen desc, id
    """
)
_REVOKE = text("delete from verdicts.sessions where account = :account and id = :id")
_REVOKE_OTHERS = text("delete from verdicts.sessions where account = :account and id <> :id")
_REVOKE_SECRET = text("delete from verdicts.sessions where hash = :hash")
_PRUNE = text("delete from verdicts.sessions where expires <= now()")


class Session(msgspec.Struct, frozen=True):
    """A valid session.

    Attributes:
        id: Names the session to its owner; not secret.
        account: The account's id.
        voter: The account's name on the log.
        expires: When it ends by itself.
    """

    id: str
    account: int
    voter: str
    expires: datetime


class SessionLine(msgspec.Struct, frozen=True):
    """A session as its owner sees it; `device` is the browser and its system."""

    id: str
    device: str
    created: datetime
    seen: datetime
    expires: datetime


class IssuedSession(msgspec.Struct, frozen=True):
    """A new session, and the secret that its browser alone keeps."""

    session: Session
    secret: str


def create_session(
    connection: Connection, account: int, voter: str, device: str, former_secret: str | None
) -> IssuedSession:
    """Insert a session; the browser's former one ends.

    Args:
        connection: In a transaction.
        account: The account's id.
        voter: The account's name on the log.
        device: What the owner recognizes the browser by.
        former_secret: The secret that the browser has sent, if any.
    """
    if former_secret is not None:
        revoke_by_secret(connection, former_secret)
    connection.execute(_PRUNE)
    secret = secrets.token_urlsafe(32)
    row = connection.execute(
        _CREATE,
        {
            "id": secrets.token_hex(8),
            "hash": _hash(secret),
            "account": account,
            "device": device,
            "seconds": SESSION_SECONDS,
        },
    ).one()
    return IssuedSession(Session(row.id, account, voter, row.expires), secret)


def is_session_secret(text: str) -> bool:
    """Whether the text has the form of a secret; any other names no session."""
    return _SECRET.match(text) is not None


def find_sessions(connection: Connection, texts: Collection[str]) -> dict[str, Session]:
    """The valid sessions by their secrets. Notes once an hour that they are in use.

    Args:
        connection: In a transaction.
        texts: Secrets of any number of sessions; those of no valid session are left out.
    """
    by_hash = {_hash(secret): secret for secret in texts}
    rows = connection.execute(_FIND, {"hashes": list(by_hash)}).all()
    if seen_long_ago := [row.id for row in rows if row.seen_long_ago]:
        # A database that takes no writes still knows its sessions.
        with suppress(SQLAlchemyError), connection.begin_nested():
            connection.execute(_SEEN, {"ids": seen_long_ago})
    return {
        by_hash[bytes(row.hash)]: Session(row.id, row.account, row.voter, row.expires)
        for row in rows
    }


def list_sessions(connection: Connection, account: int) -> list[SessionLine]:
    """The account's valid sessions, the last used first."""
    return [_line(row) for row in connection.execute(_LIST, {"account": account})]


def revoke_session(connection: Connection, account: int, session: str) -> bool:
    """End one session of the account; False where it has no such session."""
    return connection.execute(_REVOKE, {"account": account, "id": session}).rowcount == 1


def revoke_other_sessions(connection: Connection, account: int, session: str) -> int:
    """End all sessions of the account but one; how many ended."""
    return connection.execute(_REVOKE_OTHERS, {"account": account, "id": session}).rowcount


def revoke_by_secret(connection: Connection, secret: str) -> None:
    """End the session with this secret, if there is one."""
    connection.execute(_REVOKE_SECRET, {"hash": _hash(secret)})


def _line(row: Any) -> SessionLine:
    return SessionLine(row.id, row.device, row.created, row.seen, row.expires)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
