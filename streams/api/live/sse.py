"""Subscribers to tallies, and the events that wait for each.

One consumer per process reads the changes topic. A client has at most one pending event per tool,
the newest, so a slow client costs no more than a fast one.
"""

import asyncio
from collections import Counter

import msgspec

from infra.telemetry.metrics import STREAM_CLIENTS
from schemas.records import Community, Tool
from streams.api.http.problems import Problem, unavailable
from streams.api.http.responses import encode
from streams.api.live.tally_cache import CachedTool, TallyCache

MAX_CLIENTS = 4000
MAX_CLIENTS_PER_NETWORK = 400
"""Streams of one address prefix, so that no network takes all of them."""


class TallyChanged(msgspec.Struct, frozen=True):
    """The data of a `tally` event."""

    tool: str
    community: Community
    bookmarks: int
    version: int


def encode_event(tool: CachedTool | Tool) -> bytes:
    """A `tally` event with the tool's counts; its id is the version."""
    tally = TallyChanged(tool.tool, tool.community, tool.bookmarks, tool.version)
    return b"id: %d\nevent: tally\ndata: %b\n\n" % (tally.version, encode(tally))


class SseClient:
    """The pending events of one stream, and the client's network."""

    def __init__(self, network: str = "") -> None:
        self.network = network
        self._pending: dict[str, bytes] = {}
        self._wake = asyncio.Event()
        self.closed = False

    def put(self, tool: str, event: bytes) -> None:
        """Queue the event in place of an older one of the same tool."""
        self._pending[tool] = event
        self._wake.set()

    def close(self) -> None:
        """End the stream at its next wake-up."""
        self.closed = True
        self._wake.set()

    async def next(self, seconds: float) -> bytes:
        """The pending events, as soon as there is one; empty after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return b""
        self._wake.clear()
        pending, self._pending = self._pending, {}
        return b"".join(pending.values())


class SseHub:
    """Distributes changed tallies to the clients that follow those tools."""

    def __init__(self, tallies: TallyCache) -> None:
        self._tallies = tallies
        self._followers: dict[str, set[SseClient]] = {}
        self._clients: set[SseClient] = set()
        self._networks: Counter[str] = Counter()
        self._closed = False

    @property
    def clients(self) -> int:
        """How many clients follow changes now."""
        return len(self._clients)

    def clients_of(self, network: str) -> int:
        """How many clients of an address prefix follow changes now."""
        return self._networks[network]

    def followers_of(self, tool: str) -> int:
        """How many clients follow a tool now."""
        return len(self._followers.get(tool, ()))

    def publish(self, records: dict[str, Tool | None]) -> None:
        """Cache and distribute the newest records of tools; None drops a tool from the cache."""
        for slug, record in records.items():
            if record is None:
                self._tallies.remove(slug)
                continue
            self._tallies.update(record)
            followers = self._followers.get(slug)
            if followers:
                event = encode_event(record)
                for client in followers:
                    client.put(slug, event)

    async def subscribe(self, tools: list[str], last: int | None, network: str = "") -> SseClient:
        """A client that follows these tools and first gets what it may have missed.

        Args:
            tools: Their slugs.
            last: The last version that the client received.
            network: The client's address prefix.

        Raises:
            Problem: 429 with too many clients of the network; 503 with too many clients, or when
                the process is about to end.
        """
        if self._closed or len(self._clients) >= MAX_CLIENTS:
            raise unavailable("Too many clients follow changes here; try again soon.", seconds=5)
        if self._networks[network] >= MAX_CLIENTS_PER_NETWORK:
            raise _too_many_of_network()
        client = SseClient(network)
        self._clients.add(client)
        self._networks[network] += 1
        for tool in tools:
            self._followers.setdefault(tool, set()).add(client)
        STREAM_CLIENTS.inc()
        try:
            await self._queue_current(client, tools, last)
        except BaseException:
            self.unsubscribe(client, tools)
            raise
        return client

    async def _queue_current(self, client: SseClient, tools: list[str], last: int | None) -> None:
        """Queue what the client may have missed.

        Only the event that it named is skipped. Versions of different tools can overtake one
        another on the topic, and a version above the present one names a past that is gone.
        """
        for tool in await self._tallies.get_all(tools):
            if tool.version != last:
                client.put(tool.tool, encode_event(tool))

    def unsubscribe(self, client: SseClient, tools: list[str]) -> None:
        """Remove a client."""
        self._clients.discard(client)
        self._networks[client.network] -= 1
        if self._networks[client.network] <= 0:
            del self._networks[client.network]
        for tool in tools:
            followers = self._followers.get(tool, set())
            followers.discard(client)
            if not followers:
                self._followers.pop(tool, None)
        STREAM_CLIENTS.dec()

    def close(self) -> None:
        """End all streams; browsers reconnect by themselves."""
        self._closed = True
        for client in self._clients:
            client.close()


def _too_many_of_network() -> Problem:
    detail = "Too many clients of your network follow changes here; try again soon."
    return Problem(429, detail, headers={"Retry-After": "30"}, code="too-many-streams")
