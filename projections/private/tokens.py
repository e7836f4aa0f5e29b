"""Bearer tokens and their roles: the rows of `verdicts.tokens`. Only a hash of each is stored.

A token reads `vdt_<id>_<secret>`: the id finds its row, the secret proves the right to use it. A
secret of 256 random bits needs no slow hash: SHA-256 keeps it safe and requests fast.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, get_args

import msgspec
import structlog
from sqlalchemy import (
    ARRAY,
    Column,
    Connection,
    DateTime,
    LargeBinary,
    MetaData,
    Table,
    Text,
    any_,
    bindparam,
    func,
    insert,
    select,
    update,
)

from infra.errors import VerdictsError

Role = Literal["editor", "gateway", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
ID_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
MAX_NAMESPACE = 80

log = structlog.get_logger(__name__)

_TEXT = re.compile(r"vdt_([0-9a-z]{12})_([A-Za-z0-9_-]{43})\Z")
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
_PUBLIC: Sequence[Column[Any]] = [column for column in TOKENS.c if column.name != "hash"]
_FIND = select(*_PUBLIC, TOKENS.c.hash).where(
    TOKENS.c.id == any_(bindparam("ids", type_=ARRAY(Text)))
)


class TokenRefused(VerdictsError):  # noqa: N818 - an outcome, named for what it is
    """A token cannot be created as asked; the message is one sentence that says why."""


class Token(msgspec.Struct, frozen=True):
    """A token without its secret.

    Attributes:
        id: Names the token; not secret.
        name: For the people who manage tokens.
        role: Which events the token may send.
        namespace: Whose voters a gateway speaks for; None for other roles.
        created: When the token was created.
        revoked: Since when the token is invalid.
    """

    id: str
    name: str
    role: Role
    namespace: str | None
    created: datetime
    revoked: datetime | None = None

    def may_send(self, role: str) -> bool:
        """Whether the token may send events that require `role`."""
        return self.role == role or (self.role == "admin" and role in ROLES)


class IssuedToken(msgspec.Struct, frozen=True):
    """A new token and its text; the text is shown once and stored nowhere."""

    token: Token
    text: str


def create(
    connection: Connection, *, name: str, role: str, namespace: str | None = None
) -> IssuedToken:
    """Insert a token; a gateway's namespace defaults to the token's id.

    Raises:
        TokenRefused: The role is unknown, the namespace is no slug, or the role takes none.
    """
    token_id = "".join(secrets.choice(ID_ALPHABET) for _ in range(12))
    namespace = _checked_namespace(role, namespace, token_id)
    secret = secrets.token_urlsafe(32)
    row = connection.execute(
        insert(TOKENS)
        .values(id=token_id, name=name, role=role, namespace=namespace, hash=_hash(secret))
        .returning(*_PUBLIC)
    ).one()
    return IssuedToken(_token(row), f"vdt_{token_id}_{secret}")


def log_created(token: Token) -> None:
    """Log that a token was created; call it once the transaction has been committed."""
    log.info("token created", token=token.id, role=token.role, name=token.name)


def list_all(connection: Connection) -> list[Token]:
    """All tokens, revoked ones too, oldest first."""
    rows = connection.execute(select(*_PUBLIC).order_by(TOKENS.c.created, TOKENS.c.id))
    return [_token(row) for row in rows]


def revoke(connection: Connection, token_id: str) -> bool:
    """Revoke a token; every process refuses it within two seconds. False without a valid token."""
    result = connection.execute(
        update(TOKENS)
        .where(TOKENS.c.id == token_id, TOKENS.c.revoked.is_(None))
        .values(revoked=func.now())
    )
    return result.rowcount == 1


def is_well_formed(text: str) -> bool:
    """Whether the text has the form of a token; any other text names none."""
    return _TEXT.match(text) is not None


def find(connection: Connection, text: str) -> Token | None:
    """The token with this text; None when it is unknown or revoked."""
    return find_all(connection, [text]).get(text)


def find_all(connection: Connection, texts: Iterable[str]) -> dict[str, Token]:
    """The tokens by their texts; texts that are unknown or revoked are left out."""
    matches = [match for match in map(_TEXT.match, texts) if match is not None]
    ids = [match[1] for match in matches]
    rows = {row.id: row for row in connection.execute(_FIND, {"ids": ids})}
    return {
        match[0]: _token(row)
        for match in matches
        if (row := rows.get(match[1])) is not None
        and hmac.compare_digest(row.hash, _hash(match[2]))
        and not row.revoked
    }


def _token(row: Any) -> Token:
    return Token(row.id, row.name, row.role, row.namespace, row.created, row.revoked)


def _checked_namespace(role: str, namespace: str | None, token_id: str) -> str | None:
    if role not in ROLES:
        raise TokenRefused(f"There is no role {role!r}; choose one of {', '.join(ROLES)}.")
    if role != "gateway":
        if namespace:
            raise TokenRefused("Only a gateway speaks for voters, so only it has a namespace.")
        return None
    if namespace and (len(namespace) > MAX_NAMESPACE or not _NAMESPACE.match(namespace)):
        raise TokenRefused("A namespace is lower-case letters, digits and single hyphens.")
    return namespace or token_id


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
