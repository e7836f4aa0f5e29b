"""Bearer tokens: who may send which events. Only a hash of each is kept.

A token reads `vdt_<id>_<secret>`: the id finds its row, the secret proves the right to use it. A
secret of 256 random bits needs no slow hash, so SHA-256 keeps it safe and requests fast.
"""

import asyncio
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, Protocol, get_args

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Engine,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from infra.errors import VerdictsError
from infra.runtime.blocking_pool import BlockingPool

Role = Literal["editor", "gateway", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
FRESH_SECONDS = 2.0
STALE_SECONDS = 300.0
# Short, since most tokens are known, and who bears one waits for no more than to learn so.
LOOK_UP_SECONDS = 2.0
LOOK_UPS = 4
"""Threads, and so connections, that look up tokens at once."""
MOST_REMEMBERED = 10_000

_SHAPE = re.compile(r"vdt_([0-9a-z]{12})_([A-Za-z0-9_-]{43})\Z")
_NAMESPACE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")

TOKENS = Table(
    "tokens",
    MetaData(schema="verdicts"),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("namespace", Text),
    Column("hash", LargeBinary, nullable=False),
    Column("created", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("revoked", DateTime(timezone=True)),
)


class TokenRefused(VerdictsError):  # noqa: N818 - an outcome, named for what it is
    """What was asked of the tokens cannot be; the message is one sentence that says why."""


class Token(msgspec.Struct, frozen=True):
    """A token without its secret.

    Attributes:
        id: Names the token; not secret.
        name: For the people who manage it.
        role: What it may do.
        namespace: Whose voters it speaks for; only gateways have one.
        created: When.
        revoked: Since when it is worth nothing.
    """

    id: str
    name: str
    role: Role
    namespace: str | None
    created: datetime
    revoked: datetime | None = None

    def may_send(self, role: str) -> bool:
        """Whether events that ask for `role` are this token's to send."""
        return self.role == role or (self.role == "admin" and role in ROLES)


class Issued(msgspec.Struct, frozen=True):
    """A new token and its text, which is shown once and kept nowhere."""

    token: Token
    text: str


def create(connection: Connection, *, name: str, role: str, namespace: str | None = None) -> Issued:
    """Make a token; a gateway's namespace is its id unless it is given.

    Raises:
        TokenRefused: An unknown role, or a namespace that is no slug or not a gateway's.
    """
    token_id = "".join(secrets.choice("0123456789abcdefghijklmnopqrstuvwxyz") for _ in range(12))
    kept = _namespace(role, namespace, token_id)
    secret = secrets.token_urlsafe(32)
    row = connection.execute(
        insert(TOKENS)
        .values(id=token_id, name=name, role=role, namespace=kept, hash=_hash(secret))
        .returning(*_PUBLIC)
    ).one()
    return Issued(_token(row), f"vdt_{token_id}_{secret}")


def listed(connection: Connection) -> list[Token]:
    """All tokens, revoked ones too, oldest first."""
    rows = connection.execute(select(*_PUBLIC).order_by(TOKENS.c.created, TOKENS.c.id))
    return [_token(row) for row in rows]


def revoke(connection: Connection, token_id: str) -> bool:
    """End a token; every process refuses it within two seconds. False where there is none."""
    ended = connection.execute(
        update(TOKENS)
        .where(TOKENS.c.id == token_id, TOKENS.c.revoked.is_(None))
        .values(revoked=func.now())
    )
    return ended.rowcount == 1


def find(connection: Connection, text: str) -> Token | None:
    """The token with this text, unless it is unknown or revoked."""
    shape = _SHAPE.match(text)
    if shape is None:
        return None
    row = connection.execute(
        select(*_PUBLIC, TOKENS.c.hash).where(TOKENS.c.id == shape[1])
    ).one_or_none()
    if row is None or not hmac.compare_digest(row.hash, _hash(shape[2])) or row.revoked:
        return None
    return _token(row)


_PUBLIC: Sequence[Column[Any]] = [column for column in TOKENS.c if column.name != "hash"]


def _token(row: Any) -> Token:
    return Token(row.id, row.name, row.role, row.namespace, row.created, row.revoked)


def _namespace(role: str, namespace: str | None, token_id: str) -> str | None:
    if role not in ROLES:
        raise TokenRefused(f"There is no role {role!r}; choose one of {', '.join(ROLES)}.")
    if role != "gateway":
        if namespace:
            raise TokenRefused("Only a gateway speaks for voters, so only it has a namespace.")
        return None
    if namespace and (len(namespace) > 80 or not _NAMESPACE.match(namespace)):
        raise TokenRefused("A namespace is lower-case letters, digits and single hyphens.")
    return namespace or token_id


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


class TokenLookup(Protocol):
    """Knows who bears a token; what the API needs of tokens."""

    async def bearer(self, text: str) -> Token | None:
        """The token with this text, or None."""
        ...


class CachedTokens:
    """Answers whose a bearer token is, from memory for up to two seconds.

    Requests that meet the same token at once share one query. While the database is away nobody
    can revoke a token there, so a token that was known then goes on for some minutes.

    Args:
        lookup: Finds a token by its text; blocking, so it runs in a thread.
        clock: Seconds that only go forward.
        patience: Seconds without an answer after which the database counts as away.
    """

    def __init__(
        self,
        lookup: Callable[[str], Token | None],
        clock: Callable[[], float] = time.monotonic,
        patience: float = LOOK_UP_SECONDS,
    ) -> None:
        self._lookup = lookup
        self._clock = clock
        self._threads = BlockingPool(LOOK_UPS, "tokens", patience)
        self._known: dict[str, _Known] = {}
        self._asked: dict[str, asyncio.Task[Token | None]] = {}

    @classmethod
    def of(cls, engine: Engine) -> "CachedTokens":
        """Tokens as the database has them."""

        def lookup(text: str) -> Token | None:
            with engine.connect() as connection:
                return find(connection, text)

        return cls(lookup)

    async def bearer(self, text: str) -> Token | None:
        """The token with this text, or None. Errors of the database may pass through."""
        known = self._known.get(text)
        if known is not None and known.until > self._clock():
            return known.token
        if not _SHAPE.match(text):
            return None
        task = self._asked.get(text)
        if task is None:
            task = self._asked[text] = asyncio.create_task(self._ask(text))
        return await asyncio.shield(task)

    async def _ask(self, text: str) -> Token | None:
        now = self._clock()
        try:
            token = await self._threads.run(self._lookup, text)
        except SQLAlchemyError:
            known = self._known.get(text)
            if known is None or now - known.seen > STALE_SECONDS:
                raise
            self._remember(text, _Known(known.token, known.seen, now + FRESH_SECONDS))
            return known.token
        finally:
            del self._asked[text]
        self._remember(text, _Known(token, now, now + FRESH_SECONDS))
        return token

    def _remember(self, text: str, known: "_Known") -> None:
        if len(self._known) >= MOST_REMEMBERED:  # somebody is guessing: forget, do not grow
            self._known.clear()
        self._known[text] = known


class _Known(NamedTuple):
    token: Token | None
    seen: float
    until: float


class FakeTokens:
    """Tokens by their text, without a database."""

    def __init__(self, **tokens: Role) -> None:
        self._tokens = {
            text: Token(text, text, role, text if role == "gateway" else None, datetime.now(UTC))
            for text, role in tokens.items()
        }

    async def bearer(self, text: str) -> Token | None:
        """The token with this text, or None."""
        return self._tokens.get(text)
