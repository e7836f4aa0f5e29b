"""Bearer tokens: what is cached, and for how long."""

import asyncio
import threading
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from projections.private.tokens import Token
from streams.api.auth.tokens import CachedTokens

TEXT = "vdt_" + "a" * 12 + "_" + "b" * 43
TOKEN = Token("a" * 12, "test", "editor", None, datetime(2025, 1, 1, tzinfo=UTC))


class CountingLookup:
    """Tokens by text, and the number of lookups."""

    def __init__(self, *texts: str) -> None:
        self.tokens: dict[str, Token] = dict.fromkeys(texts or [TEXT], TOKEN)
        self.count = 0

    def __call__(self, texts: Collection[str]) -> Mapping[str, Token]:
        self.count += 1
        return {text: token for text in texts if (token := self.tokens.get(text))}


def test_concurrent_requests_share_one_lookup_in_two_seconds() -> None:
    now, lookup_counter = 0.0, CountingLookup()
    cached = CachedTokens(lookup_counter, lambda: now)

    async def ask() -> list[Token | None]:
        return await asyncio.gather(*(cached.find(TEXT) for _ in range(50)))

    assert asyncio.run(ask()) == [TOKEN] * 50
    assert lookup_counter.count == 1
    now = 1.9
    asyncio.run(ask())
    assert lookup_counter.count == 1
    now, lookup_counter.tokens = 2.1, {}
    assert asyncio.run(ask()) == [None] * 50
    assert lookup_counter.count == 2


def test_many_tokens_that_were_cached_at_the_same_moment_cost_two_lookups_afterwards() -> None:
    texts = [f"{TEXT[:-3]}{number:03}" for number in range(256)]
    now, lookup_counter = 0.0, CountingLookup(*texts)
    cached = CachedTokens(lookup_counter, lambda: now)

    async def ask() -> list[Token | None]:
        first = asyncio.create_task(cached.find(texts[0]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # its lookup is under way
        others = await asyncio.gather(*(cached.find(text) for text in texts[1:]))
        return [await first, *others]

    assert asyncio.run(ask()) == [TOKEN] * 256
    now = 2.1
    assert asyncio.run(ask()) == [TOKEN] * 256
    assert lookup_counter.count == 4


@pytest.mark.parametrize("text", ["", "nonsense", TEXT + "x", TEXT.upper(), TEXT[:-1] + "\n"])
def test_malformed_tokens_are_not_looked_up(text: str) -> None:
    lookup_counter = CountingLookup()
    assert asyncio.run(CachedTokens(lookup_counter).find(text)) is None
    assert lookup_counter.count == 0


def test_a_failed_lookup_is_not_cached() -> None:
    def broken(_: Collection[str]) -> Mapping[str, Token]:
        raise OSError("away")

    cached = CachedTokens(broken)
    for _ in range(2):
        with pytest.raises(OSError, match="away"):
            asyncio.run(cached.find(TEXT))


def test_while_the_database_is_away_a_cached_token_stays_valid_for_five_minutes() -> None:
    now, lookup_counter = 0.0, CountingLookup()

    def lookup(texts: Collection[str]) -> Mapping[str, Token]:
        if now:
            raise OperationalError("select", {}, Exception("away"))
        return lookup_counter(texts)

    cached = CachedTokens(lookup, lambda: now)
    assert asyncio.run(cached.find(TEXT)) == TOKEN
    now = 299.0
    assert asyncio.run(cached.find(TEXT)) == TOKEN
    now = 302.0
    with pytest.raises(OperationalError):
        asyncio.run(cached.find(TEXT))


def test_a_hanging_database_counts_as_away() -> None:
    now, lookup_counter, hanging = 0.0, CountingLookup(), threading.Event()

    def lookup(texts: Collection[str]) -> Mapping[str, Token]:
        if now:
            hanging.wait()
        return lookup_counter(texts)

    cached = CachedTokens(lookup, lambda: now, timeout=0.05)
    assert asyncio.run(cached.find(TEXT)) == TOKEN
    now = 299.0
    try:
        assert asyncio.run(cached.find(TEXT)) == TOKEN
        with pytest.raises(SQLAlchemyError):
            asyncio.run(cached.find(TEXT.replace("b", "c")))
    finally:
        hanging.set()
