"""`GET /v1/changes`: tallies as they change, by Server-Sent Events.

One consumer per process reads the changes topic. Each client has at most one waiting event per
tool, the newest, so a slow one costs no more than a fast one.
"""

import asyncio

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from infra.telemetry.metrics import STREAM_CLIENTS
from schemas.records import Community, Tool
from streams.api.http.problems import Problem, unavailable
from streams.api.http.responses import encode
from streams.api.live.tally_cache import CachedTool, TallyCache

HEARTBEAT_SECONDS = 15.0
RECONNECT_MILLISECONDS = 2000
MOST_TOOLS = 50
MOST_CLIENTS = 4000

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class TallyChanged(msgspec.Struct, frozen=True):
    """The data of a `tally` event."""

    tool: str
    community: Community
    bookmarks: int
    version: int


def sse(tally: TallyChanged) -> bytes:
    """A tally as an event; its id is the version."""
    return b"id: %d\nevent: tally\ndata: %b\n\n" % (tally.version, encode(tally))


class SseClient:
    """What waits to be sent to one reader."""

    def __init__(self) -> None:
        self._waiting: dict[str, bytes] = {}
        self._woken = asyncio.Event()
        self.closed = False

    def put(self, tool: str, event: bytes) -> None:
        """Queue the event in place of an older one of the same tool."""
        self._waiting[tool] = event
        self._woken.set()

    def close(self) -> None:
        """End the stream once it is next looked at."""
        self.closed = True
        self._woken.set()

    async def next(self, seconds: float) -> bytes:
        """What waits, as soon as something does; nothing after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return b""
        self._woken.clear()
        waiting, self._waiting = self._waiting, {}
        return b"".join(waiting.values())


class SseHub:
    """Knows who follows which tools."""

    def __init__(self, standings: TallyCache) -> None:
        self._standings = standings
        self._followers: dict[str, set[SseClient]] = {}
        self._clients: set[SseClient] = set()
        self._closed = False

    def changed(self, group: dict[str, Tool | None]) -> None:
        """Take in the newest records of tools; None for one that is to be looked up."""
        for slug, record in group.items():
            if record is None:
                self._standings.forget(slug)
                continue
            self._standings.learn(record)
            followers = self._followers.get(slug)
            if followers:
                tally = TallyChanged(slug, record.community, record.bookmarks, record.version)
                event = sse(tally)
                for client in followers:
                    client.put(slug, event)

    async def join(self, tools: list[str], last: int | None) -> SseClient:
        """A client that follows these tools and first gets what it may have missed.

        Raises:
            Problem: 503 when too many follow already, or the process is about to end.
        """
        if self._closed or len(self._clients) >= MOST_CLIENTS:
            raise unavailable("Too many follow the changes here now.", seconds=5)
        client = SseClient()
        self._clients.add(client)
        for tool in tools:
            self._followers.setdefault(tool, set()).add(client)
        STREAM_CLIENTS.inc()
        try:
            await self._send_present(client, tools, last)
        except BaseException:
            self.leave(client, tools)
            raise
        return client

    async def _send_present(self, client: SseClient, tools: list[str], last: int | None) -> None:
        """Queue what the client may have missed.

        Versions of different tools can overtake one another on the topic, so a client that
        follows several is spared only the very event that it named.
        """
        for tool in tools:
            standing = await self._standings.find(tool)
            if standing is None:
                continue
            known = last is not None and (
                standing.version == last or (len(tools) == 1 and standing.version < last)
            )
            if not known:
                client.put(tool, sse(_tally(standing)))

    def leave(self, client: SseClient, tools: list[str]) -> None:
        """Forget a client."""
        self._clients.discard(client)
        for tool in tools:
            followers = self._followers.get(tool, set())
            followers.discard(client)
            if not followers:
                self._followers.pop(tool, None)
        STREAM_CLIENTS.dec()

    def close(self) -> None:
        """End all streams; browsers then come back by themselves."""
        self._closed = True
        for client in self._clients:
            client.close()


def _tally(standing: CachedTool) -> TallyChanged:
    return TallyChanged(standing.tool, standing.community, standing.bookmarks, standing.version)


class Changes(Response):
    """The stream as an answer."""

    def __init__(self, hub: SseHub, tools: list[str], last: int | None) -> None:
        self._hub = hub
        self._tools = tools
        self._last = last

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client or the process goes."""
        if scope["method"] == "HEAD":
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            return await send({"type": "http.response.body", "body": b""})
        client = await self._hub.join(self._tools, self._last)
        gone = asyncio.create_task(_wait_until_gone(receive, client))
        try:
            await self._stream(client, send)
        except OSError:
            pass  # the client is gone
        finally:
            gone.cancel()
            self._hub.leave(client, self._tools)
        return None

    async def _stream(self, client: SseClient, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        body = b"retry: %d\n\n" % RECONNECT_MILLISECONDS
        while not client.closed:
            await send({"type": "http.response.body", "body": body, "more_body": True})
            body = await client.next(HEARTBEAT_SECONDS) or b": still here\n\n"
        await send({"type": "http.response.body", "body": b""})


async def _wait_until_gone(receive: Receive, client: SseClient) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    client.close()


def wanted_tools(request: Request) -> list[str]:
    """The tools that a request names, each once.

    Raises:
        Problem: 400 when it names none or too many.
    """
    tools = list(dict.fromkeys(request.query_params.getlist("tool")))
    if not tools or len(tools) > MOST_TOOLS:
        raise Problem(400, f"Name 1 to {MOST_TOOLS} tools: /v1/changes?tool=one&tool=other.")
    return [tool for tool in tools if len(tool) <= 80 and "\0" not in tool]


def last_event(request: Request) -> int | None:
    """The version that the client saw last."""
    text = request.headers.get("last-event-id", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
