"""Hostile requests against a running site: no 5xx, no hang, no end, and bounded memory."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

from tests.faults.harness.hostile.exchange import Exchange, at_once, pour, request
from tests.faults.harness.hostile.live_site import LiveSite
from tests.faults.harness.hostile.raw_bytes import pieces
from tests.faults.harness.hostile.requests import HostileRequests
from tests.faults.harness.hostile.routes import targets

CONNECTIONS = 24
MOST_GROWTH = 200 * 1024 * 1024
CLOSED_BY_SERVER_SECONDS = 60.0
"""A head may take 15 s and a body 30 s."""


class Sent(NamedTuple):
    """A request of any kind, and how it ended."""

    number: int
    data: bytes
    exchange: Exchange


Send = Callable[[int], Awaitable[Sent]]


def test_well_formed_hostile_requests_are_answered(live: LiveSite, seed: int, amount: int) -> None:
    requests = HostileRequests(targets(), live.known)

    async def send(number: int) -> Sent:
        data = requests.make(chances_of("requests", seed, number), number)
        return Sent(number, data, await request(live.port, data))

    results = send_all(live, send, amount)
    # A server that refuses a head while the client still writes it resets the connection, and a
    # reset can overtake the answer.
    unanswered = [sent.number for sent in results if sent.exchange.status < 200]
    require_none(sent for sent in send_again(send, unanswered) if sent.exchange.status < 200)


def test_bytes_that_are_no_request_do_no_harm(live: LiveSite, seed: int, amount: int) -> None:
    requests = HostileRequests(targets(), live.known)

    async def send(number: int) -> Sent:
        chances = chances_of("bytes", seed, number)
        whole = [requests.make(chances, chances.randrange(10**6)) for _ in range(3)]
        parts = pieces(chances, whole)
        # Where there is time, some wait for the server to close, up to half a minute each.
        waits = amount > 500 and chances.random() < 0.01
        seconds = CLOSED_BY_SERVER_SECONDS if waits else None
        return Sent(number, b"".join(parts), await pour(live.port, parts, seconds))

    send_all(live, send, amount)


def chances_of(kind: str, seed: int, number: int) -> random.Random:
    """Decide everything about one request, so that it can be sent again alone."""
    return random.Random(f"{kind} {seed} {number}")


def send_all(live: LiveSite, send: Send, amount: int) -> list[Sent]:
    """Send all, and require that nothing failed or hung, and that the site is well."""
    before = live.memory
    results = asyncio.run(at_once(amount, CONNECTIONS, send))
    grown = live.memory - before
    statuses = Counter(status for sent in results for status in sent.exchange.statuses or [0])
    print(f"{amount} sent, answers: {dict(sorted(statuses.items()))}")
    slowest = max(results, key=lambda sent: sent.exchange.seconds)
    print(f"slowest: {describe(slowest)}")
    print(f"memory {before >> 20} MB, then {grown >> 20} MB more")
    require_none(sent for sent in results if has_failed(sent.exchange))
    live.require_well()
    # A 503 is no fault under load. Sent again alone to a site that is well, it is one.
    refused = [sent.number for sent in results if 503 in sent.exchange.statuses]
    require_none(sent for sent in send_again(send, refused) if 503 in sent.exchange.statuses)
    assert grown < MOST_GROWTH
    return results


def send_again(send: Send, numbers: Sequence[int]) -> list[Sent]:
    """Send these requests once more, one after the other."""
    return asyncio.run(at_once(len(numbers), 1, lambda index: send(numbers[index])))


def require_none(faults: Iterable[Sent]) -> None:
    """Show the first faults, if there are any."""
    lines = [describe(sent) for sent in faults]
    assert not lines, "\n".join(lines[:10])


def has_failed(exchange: Exchange) -> bool:
    """Whether the server failed or hung."""
    failures = [status for status in exchange.statuses if status >= 500 and status != 503]
    return bool(failures) or not exchange.closed


def describe(sent: Sent) -> str:
    """One line, with what it takes to send it again."""
    exchange = sent.exchange
    end = "closed" if exchange.closed else "still open"
    return (
        f"request {sent.number}: {exchange.statuses}, {end} after {exchange.seconds:.1f} s, "
        f"sent {sent.data[:600]!r}"
    )
