"""Bearer tokens: what is kept, who is known, and for how long."""

import asyncio
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from infra.migrations import migrate
from infra.postgres.engine import create_engine
from infra.settings import Settings
from streams.api.auth import tokens
from streams.api.auth.tokens import CachedTokens, Role, Token, TokenRefused

TEXT = "vdt_" + "a" * 12 + "_" + "b" * 43
TOKEN = Token("a" * 12, "test", "editor", None, datetime(2025, 1, 1, tzinfo=UTC))


class Book:
    """Tokens by text, and how often it was asked."""

    def __init__(self) -> None:
        self.tokens: dict[str, Token] = {TEXT: TOKEN}
        self.asked = 0

    def __call__(self, text: str) -> Token | None:
        self.asked += 1
        return self.tokens.get(text)


def test_a_token_is_looked_up_once_in_two_seconds_however_many_ask() -> None:
    now, book = 0.0, Book()
    known = CachedTokens(book, lambda: now)

    async def ask() -> list[Token | None]:
        return await asyncio.gather(*(known.bearer(TEXT) for _ in range(50)))

    assert asyncio.run(ask()) == [TOKEN] * 50
    assert book.asked == 1
    now = 1.9
    asyncio.run(ask())
    assert book.asked == 1
    now, book.tokens = 2.1, {}
    assert asyncio.run(ask()) == [None] * 50
    assert book.asked == 2


@pytest.mark.parametrize("text", ["", "nonsense", TEXT + "x", TEXT.upper(), TEXT[:-1] + "\n"])
def test_what_is_no_token_is_not_even_looked_up(text: str) -> None:
    book = Book()
    assert asyncio.run(CachedTokens(book).bearer(text)) is None
    assert book.asked == 0


def test_a_failed_look_up_is_not_remembered() -> None:
    def broken(_: str) -> Token | None:
        raise OSError("away")

    known = CachedTokens(broken)
    for _ in range(2):
        with pytest.raises(OSError, match="away"):
            asyncio.run(known.bearer(TEXT))


def test_while_the_database_is_away_a_known_token_goes_on_for_some_minutes() -> None:
    now, book = 0.0, Book()

    def lookup(text: str) -> Token | None:
        if now:
            raise OperationalError("select", {}, Exception("away"))
        return book(text)

    known = CachedTokens(lookup, lambda: now)
    assert asyncio.run(known.bearer(TEXT)) == TOKEN
    now = 299.0
    assert asyncio.run(known.bearer(TEXT)) == TOKEN
    now = 302.0
    with pytest.raises(OperationalError):
        asyncio.run(known.bearer(TEXT))


def test_a_database_that_hangs_is_away_too() -> None:
    now, book, hanging = 0.0, Book(), threading.Event()

    def lookup(text: str) -> Token | None:
        if now:
            hanging.wait()
        return book(text)

    known = CachedTokens(lookup, lambda: now, patience=0.05)
    assert asyncio.run(known.bearer(TEXT)) == TOKEN
    now = 299.0
    try:
        assert asyncio.run(known.bearer(TEXT)) == TOKEN
        with pytest.raises(SQLAlchemyError):
            asyncio.run(known.bearer(TEXT.replace("b", "c")))
    finally:
        hanging.set()


@pytest.mark.parametrize(
    ("role", "sends"),
    [("editor", {"editor"}), ("gateway", {"gateway"}), ("admin", {"editor", "gateway", "admin"})],
)
def test_a_role_sends_its_own_events_and_an_admin_all_but_the_systems(
    role: Role, sends: set[str]
) -> None:
    token = Token("x", "x", role, None, datetime.now(UTC))
    assert {it for it in ("editor", "gateway", "admin", "system") if token.may_send(it)} == sends


@pytest.fixture
def connection(fresh_database: str) -> Iterator[Connection]:
    settings = Settings.from_environment({"DATABASE_URL": fresh_database})
    migrate(settings)
    made = create_engine(settings)
    with made.begin() as opened:
        yield opened
    made.dispose()


@pytest.mark.integration
def test_only_a_hash_is_kept(connection: Connection) -> None:
    issued = tokens.create(connection, name="the desk", role="editor")
    assert re.fullmatch(r"vdt_[0-9a-z]{12}_[A-Za-z0-9_-]{43}", issued.text)
    row = connection.execute(text("select * from verdicts.tokens")).one()
    assert issued.text.split("_", 2)[2] not in str(row)
    assert tokens.find(connection, issued.text) == issued.token


@pytest.mark.integration
def test_a_token_with_another_secret_or_a_revoked_one_is_not_found(connection: Connection) -> None:
    one = tokens.create(connection, name="one", role="editor")
    other = tokens.create(connection, name="other", role="admin")
    swapped = f"vdt_{one.token.id}_{other.text.split('_', 2)[2]}"
    assert tokens.find(connection, swapped) is None
    assert tokens.revoke(connection, one.token.id)
    assert not tokens.revoke(connection, one.token.id)
    assert tokens.find(connection, one.text) is None
    valid = [token.id for token in tokens.listed(connection) if token.revoked is None]
    assert valid == [other.token.id]


@pytest.mark.integration
def test_each_gateway_has_a_namespace_and_nobody_else_has(connection: Connection) -> None:
    own = tokens.create(connection, name="app", role="gateway")
    given = tokens.create(connection, name="app", role="gateway", namespace="mobile-app")
    assert own.token.namespace == own.token.id
    assert given.token.namespace == "mobile-app"
    for role, namespace in (("editor", "x"), ("gateway", "No Slug"), ("king", None)):
        with pytest.raises(TokenRefused):
            tokens.create(connection, name="x", role=role, namespace=namespace)
