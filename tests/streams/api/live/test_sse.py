"""The stream of tallies."""

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any

import msgspec
import pytest
from starlette.requests import Request

from projections.read.tools import find_tools
from schemas.records import Community, Tool
from streams.api.http.problems import Problem
from streams.api.live.changes_endpoint import ChangesResponse
from streams.api.live.sse import MAX_CLIENTS_PER_NETWORK, SseClient
from tests.streams.api.conftest import FakeApi


@pytest.fixture
def newer(a_tool: Callable[..., Tool]) -> Callable[[str, int], Tool]:
    """A record of a tool at a version that counts as many ships."""
    return lambda slug, version: a_tool(slug, version=version, community=Community.of(version, 0))


class Reader:
    """Reads the stream as a browser would: `next` is what is sent next."""

    def __init__(self, api: Any, *tools: str, last: int | None = None, stream: Any = None) -> None:
        self._sent: asyncio.Queue[bytes] = asyncio.Queue()
        self._gone = asyncio.Event()
        stream = stream or ChangesResponse(api.components.sse_hub, list(tools), last)
        scope = {"type": "http", "method": "GET"}
        self.task = asyncio.create_task(stream(scope, self._receive, self._send))

    async def next(self) -> bytes:
        return await asyncio.wait_for(self._sent.get(), 5)

    async def versions(self) -> dict[str, int]:
        data = [line[6:] for line in (await self.next()).split(b"\n") if line[:6] == b"data: "]
        tallies = [msgspec.json.decode(line) for line in data]
        return {tally["tool"]: tally["version"] for tally in tallies}

    async def leave(self) -> None:
        self._gone.set()
        await asyncio.wait_for(self.task, 5)

    async def _receive(self) -> dict[str, str]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        if message.get("body"):
            await self._sent.put(message["body"])


def test_a_client_gets_the_current_state_and_then_each_change(
    newer: Callable[[str, int], Tool],
) -> None:
    async def scenario() -> None:
        api = FakeApi()
        reader = Reader(api, "alpha", "beta")
        assert (await reader.next()).startswith(b"retry: ")
        assert await reader.versions() == {"alpha": 7, "beta": 7}
        api.components.sse_hub.publish({"alpha": newer("alpha", 8)})
        assert await reader.next() == (
            b'id: 8\nevent: tally\ndata: {"tool":"alpha","community":{"verdict":"ship","ship":8,'
            b'"skip":0,"votes":8,"percent":100},"bookmarks":0,"version":8}\n\n'
        )
        await reader.leave()

    asyncio.run(scenario())


def test_a_client_gets_no_events_of_other_tools(newer: Callable[[str, int], Tool]) -> None:
    async def scenario() -> None:
        api = FakeApi()
        reader = Reader(api, "alpha", "unknown", last=7)
        await reader.next()
        api.components.sse_hub.publish({"beta": newer("beta", 8)})
        api.components.sse_hub.publish({"alpha": newer("alpha", 9)})
        assert await reader.versions() == {"alpha": 9}
        await reader.leave()

    asyncio.run(scenario())


@pytest.mark.parametrize(("last", "present"), [(None, True), (6, True), (7, False), (9, True)])
def test_a_returning_client_skips_the_event_it_has_and_no_other(
    last: int | None, present: bool
) -> None:
    async def scenario() -> bool:
        api = FakeApi()
        client = await api.components.sse_hub.subscribe(["alpha"], last)
        return bool(await client.next(0))

    assert asyncio.run(scenario()) is present


def test_with_several_tools_only_the_named_event_is_skipped(
    newer: Callable[[str, int], Tool],
) -> None:
    async def scenario() -> bytes:
        api = FakeApi()
        api.fakes.read_model.tools["beta"] = newer("beta", 5)
        return await (await api.components.sse_hub.subscribe(["alpha", "beta"], 7)).next(0)

    assert asyncio.run(scenario()).count(b"event: tally") == 1


def test_one_network_cannot_take_all_streams() -> None:
    async def scenario() -> None:
        hub = FakeApi().components.sse_hub
        clients = [
            await hub.subscribe(["alpha"], 7, "10.1.0.0/24") for _ in range(MAX_CLIENTS_PER_NETWORK)
        ]
        with pytest.raises(Problem) as refused:
            await hub.subscribe(["alpha"], 7, "10.1.0.0/24")
        assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "30")
        await hub.subscribe(["alpha"], 7, "10.2.0.0/24")
        hub.unsubscribe(clients[0], ["alpha"])
        await hub.subscribe(["alpha"], 7, "10.1.0.0/24")

    asyncio.run(scenario())


def test_a_stream_counts_for_the_network_of_the_client_behind_its_proxy(
    make_api: Callable[..., FakeApi],
) -> None:
    api = make_api(VERDICTS_TRUSTED_PROXIES="127.0.0.0/8")
    scope = {
        "type": "http",
        "method": "GET",
        "query_string": b"tool=alpha",
        "client": ("127.0.0.1", 1),
        "headers": [(b"x-forwarded-for", b"198.51.100.7")],
    }

    async def scenario() -> None:
        reader = Reader(api, stream=await api.components.changes.get(Request(scope)))
        await reader.next()
        assert api.components.sse_hub.clients_of("198.51.100.0/24") == 1
        await reader.leave()

    asyncio.run(scenario())


def test_tools_that_are_not_in_memory_are_read_with_one_query() -> None:
    async def scenario() -> None:
        api = FakeApi()
        asked: list[list[str]] = []
        answer = api.fakes.read_model.answers[find_tools]

        def find(slugs: list[str]) -> Any:
            asked.append(slugs)
            return answer(slugs)

        api.fakes.read_model.answers[find_tools] = find
        unknown = [f"unknown-{number}" for number in range(48)]
        client = await api.components.sse_hub.subscribe(["alpha", *unknown, "beta"], None)
        assert asked == [["alpha", *unknown, "beta"]]
        assert (await client.next(0)).count(b"event: tally") == 2

    asyncio.run(scenario())


def test_clients_that_ask_for_unknown_tools_during_a_query_share_the_next() -> None:
    async def scenario() -> None:
        api = FakeApi()
        queries: list[list[str]] = []
        proceed = asyncio.Event()

        async def find(slugs: list[str]) -> list[Any]:
            queries.append(slugs)
            await proceed.wait()
            return []

        api.fakes.read_model.answers[find_tools] = find
        hub = api.components.sse_hub
        first = asyncio.create_task(hub.subscribe(["unknown-1"], None))
        while not queries:
            await asyncio.sleep(0)
        later = [
            asyncio.create_task(hub.subscribe([f"unknown-{number}", "unknown-0"], None))
            for number in range(2, 18)
        ]
        await asyncio.sleep(0)
        proceed.set()
        await asyncio.gather(first, *later)
        assert len(queries) == 2
        assert set(queries[1]) == {f"unknown-{number}" for number in (0, *range(2, 18))}

    asyncio.run(scenario())


def test_a_slow_client_has_one_pending_event_per_tool() -> None:
    async def scenario() -> bytes:
        client = SseClient()
        for version in range(1000):
            client.put("alpha", b"event %d" % version)
        return await client.next(1)

    assert asyncio.run(scenario()) == b"event 999"


def test_without_events_there_is_a_heartbeat() -> None:
    async def scenario() -> bytes:
        return await SseClient().next(0)

    assert asyncio.run(scenario()) == b""


def test_all_streams_end_with_the_process_and_no_new_one_starts() -> None:
    async def scenario() -> None:
        api = FakeApi()
        reader = Reader(api, "alpha")
        await reader.next()
        api.components.sse_hub.close()
        await asyncio.wait_for(reader.task, 5)
        with pytest.raises(Problem) as refused:
            await api.components.sse_hub.subscribe(["alpha"], None)
        assert refused.value.status == 503

    asyncio.run(scenario())


def test_a_disconnected_client_is_removed() -> None:
    async def scenario() -> None:
        api = FakeApi()
        reader = Reader(api, "alpha")
        hub = api.components.sse_hub
        await reader.next()
        assert (hub.followers_of("alpha"), hub.clients) == (1, 1)
        await reader.leave()
        assert (hub.followers_of("alpha"), hub.clients, hub.clients_of("")) == (0, 0, 0)

    asyncio.run(scenario())


def test_an_unlisted_tool_leaves_the_cache() -> None:
    async def scenario() -> None:
        api = FakeApi()
        await api.components.tallies.get("alpha")
        del api.fakes.read_model.tools["alpha"]
        assert await api.components.tallies.get("alpha")
        api.components.sse_hub.publish({"alpha": None})
        assert await api.components.tallies.get("alpha") is None

    asyncio.run(scenario())


@pytest.mark.parametrize("query", ["", "?tool=" + "&tool=".join(f"t{n}" for n in range(51))])
def test_a_stream_follows_1_to_50_tools(api: FakeApi, query: str) -> None:
    assert api.client.get(f"/v1/changes{query}").status_code == 400
