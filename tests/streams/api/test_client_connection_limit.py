"""One address cannot take all connections."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from structlog.testing import capture_logs

from infra.settings import Settings
from streams.api.auth.trusted_proxies import TrustedProxies
from streams.api.client_connection_limit import ClientConnectionLimit, enforce_limit
from streams.api.granian_server import create_server
from tests.harness.ports import free_port
from tests.streams.api.test_granian_server import REQUEST, answer_ok

CAPACITY, SHARE = 80, 20
FLOODER, READER = "127.0.0.2", "127.0.0.1"
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[str], Awaitable[Client]]


def run(
    scenario: Callable[[Connect, ClientConnectionLimit], Awaitable[None]], *proxies: str
) -> None:
    """Run a scenario against a server, where nothing sweeps unless the scenario does."""

    async def serve() -> None:
        port = free_port()
        server = create_server(
            answer_ok, Settings.from_environment({"VERDICTS_PORT": str(port)}), 30.0
        )
        serving = asyncio.create_task(server.serve())
        limit = ClientConnectionLimit(port, CAPACITY, TrustedProxies(proxies))
        clients: list[Client] = []

        async def connect(address: str) -> Client:
            async with asyncio.timeout(10):
                while True:
                    with suppress(ConnectionRefusedError):
                        client = await asyncio.open_connection(
                            "127.0.0.1", port, local_addr=(address, 0)
                        )
                        clients.append(client)
                        return client
                    await asyncio.sleep(0.05)

        try:
            await scenario(connect, limit)
        finally:
            for _, writer in clients:
                writer.close()
            server.stop()  # type: ignore[no-untyped-call]
            await asyncio.wait_for(serving, 10)

    asyncio.run(serve())


async def answered(client: Client) -> bool:
    """Whether a request on this connection is answered."""
    reader, writer = client
    writer.write(REQUEST + b"\r\n")
    return (await asyncio.wait_for(reader.readuntil(b"ok"), 5)).startswith(b"HTTP/1.1 200")


async def ended(clients: list[Client], count: int) -> None:
    """Wait until the server has hung up on so many of them."""
    async with asyncio.timeout(10):
        while sum(reader.at_eof() for reader, _ in clients) < count:
            await asyncio.sleep(0.01)


def test_connections_beyond_a_share_are_ended_and_those_of_others_stay() -> None:
    async def scenario(connect: Connect, limit: ClientConnectionLimit) -> None:
        reader = await connect(READER)
        assert await answered(reader)
        flood = [await connect(FLOODER) for _ in range(3 * SHARE)]
        assert await answered(flood[-1])  # so all before it are accepted
        assert limit.sweep() == 2 * SHARE
        await ended(flood, 2 * SHARE)
        assert limit.sweep() == 0
        assert await answered(reader)

    run(scenario)


def test_the_longest_idle_connections_are_ended_first() -> None:
    async def scenario(connect: Connect, limit: ClientConnectionLimit) -> None:
        flood = [await connect(FLOODER) for _ in range(SHARE + 5)]
        await asyncio.sleep(0.05)  # the kernel counts idle time in milliseconds
        used = flood[:SHARE]
        for client in used:
            assert await answered(client)
        assert limit.sweep() == 5
        await ended(flood[SHARE:], 5)
        for client in used:
            assert await answered(client)

    run(scenario)


def test_a_proxys_connections_are_those_of_many() -> None:
    async def scenario(connect: Connect, limit: ClientConnectionLimit) -> None:
        flood = [await connect(FLOODER) for _ in range(2 * SHARE)]
        assert await answered(flood[-1])
        assert limit.sweep() == 0

    run(scenario, "127.0.0.2/32")


def test_a_flood_is_logged_once_in_a_while_and_so_is_a_full_server() -> None:
    async def scenario(connect: Connect, limit: ClientConnectionLimit) -> None:
        clients: list[Client] = []
        with capture_logs() as lines:
            for _ in range(2):
                clients += [await connect(FLOODER) for _ in range(CAPACITY)]
                assert await answered(clients[-1])
                limit.sweep()
        events = [(line["event"], line.get("client")) for line in lines]
        assert events == [
            ("all connections are in use; further ones wait", None),
            ("ended connections beyond an address's share", FLOODER),
        ]

    run(scenario)


def test_the_sweeps_go_on_by_themselves() -> None:
    async def scenario(connect: Connect, limit: ClientConnectionLimit) -> None:
        sweeping = asyncio.create_task(enforce_limit(limit))
        flood = [await connect(FLOODER) for _ in range(2 * SHARE)]
        await ended(flood, SHARE)
        sweeping.cancel()

    run(scenario)
