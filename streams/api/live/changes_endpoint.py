"""`GET /v1/changes`: tallies as they change, by Server-Sent Events."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from infra.http.fields import fields_of
from streams.api.auth.trusted_proxies import TrustedProxies, network_prefix
from streams.api.http.problems import Problem
from streams.api.live.sse import SseClient, SseHub

HEARTBEAT_SECONDS = 15.0
RECONNECT_MILLISECONDS = 2000
MAX_TOOLS = 50

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class ChangesEndpoint:
    """Streams the tallies of the tools that a request names."""

    def __init__(self, hub: SseHub, proxies: TrustedProxies) -> None:
        self._hub = hub
        self._proxies = proxies

    async def get(self, request: Request) -> Response:
        """Answer `GET /v1/changes`."""
        tools, last = read_tools(request), read_last_event_id(request)
        address = self._proxies.client_address(request.scope, fields_of(request.scope))
        return ChangesResponse(self._hub, tools, last, network_prefix(address))


class ChangesResponse(Response):
    """The stream as a response."""

    def __init__(self, hub: SseHub, tools: list[str], last: int | None, network: str = "") -> None:
        self._hub = hub
        self._network = network
        self._tools = tools
        self._last = last

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client disconnects or the process ends."""
        if scope["method"] == "HEAD":
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            return await send({"type": "http.response.body", "body": b""})
        client = await self._hub.subscribe(self._tools, self._last, self._network)
        disconnect = asyncio.create_task(_close_on_disconnect(receive, client))
        try:
            await self._stream(client, send)
        except OSError:
            pass  # the client has disconnected
        finally:
            disconnect.cancel()
            self._hub.unsubscribe(client, self._tools)
        return None

    async def _stream(self, client: SseClient, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        body = b"retry: %d\n\n" % RECONNECT_MILLISECONDS
        while not client.closed:
            await send({"type": "http.response.body", "body": body, "more_body": True})
            body = await client.next(HEARTBEAT_SECONDS) or b": still here\n\n"
        await send({"type": "http.response.body", "body": b""})


async def _close_on_disconnect(receive: Receive, client: SseClient) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    client.close()


def read_tools(request: Request) -> list[str]:
    """The tools that a request names, each once.

    Raises:
        Problem: 400 when it names none or too many.
    """
    tools = request.query_params.getlist("tool")
    if not tools or len(tools) > MAX_TOOLS:
        raise Problem(400, f"Name 1 to {MAX_TOOLS} tools: /v1/changes?tool=one&tool=other.")
    return [tool for tool in dict.fromkeys(tools) if len(tool) <= 80 and "\0" not in tool]


def read_last_event_id(request: Request) -> int | None:
    """The last version that the client received."""
    text = request.headers.get("last-event-id", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
