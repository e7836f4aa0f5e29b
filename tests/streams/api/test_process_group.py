"""Several processes of the API behind one port."""

import contextlib
import signal
from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.harness import records
from tests.harness.databases import created
from tests.harness.services import verdicts
from tests.harness.waiting import wait_until
from tests.streams.api.serving_process import Api

pytestmark = pytest.mark.integration

PROCESSES = 2
MANY = 40
"""Connections; that one of the processes gets none happens once in a billion runs."""


@pytest.fixture(scope="module")
def api(kafka: dict[str, str], database: str) -> Iterator[Api]:
    with created(database, "test_api_process_group") as address:
        running = Api(
            kafka,
            address,
            verdicts("api"),
            VERDICTS_API_PROCESSES=str(PROCESSES),
            VERDICTS_NEW_VOTERS_PER_HOUR="5",
        )
        running.prepare()
        running.start()
        await_members(running)
        yield running
        assert running.process
        running.process.terminate()
        assert running.process.wait(20) == 0


def members(api: Api) -> list[psutil.Process]:
    assert api.process
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(api.process.pid).children()
    return []


def listening(api: Api) -> int:
    """How many processes listen on the port."""
    count = 0
    for member in members(api):
        with contextlib.suppress(psutil.Error):
            count += any(
                connection.status == psutil.CONN_LISTEN and connection.laddr.port == api.port
                for connection in member.net_connections("tcp")
            )
    return count


def await_members(api: Api) -> None:
    wait_until("all processes listen", lambda: listening(api) == PROCESSES, seconds=30)


@contextlib.contextmanager
def connections(api: Api, count: int = MANY) -> Iterator[list[httpx.Client]]:
    """Clients with a connection each."""
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(httpx.Client(base_url=api.url, timeout=20, trust_env=False))
            for _ in range(count)
        ]


def requests_of_tools(client: httpx.Client) -> int:
    """How many requests of the list of tools were answered, by `/metrics`."""
    (line,) = (
        line
        for line in client.get("/metrics").text.splitlines()
        if line.startswith("verdicts_http_request_seconds_count{") and '"/v1/tools"' in line
    )
    return int(float(line.rpartition(" ")[2]))


def test_each_process_serves_and_each_knows_what_all_have_counted(api: Api) -> None:
    with connections(api) as clients:
        assert {client.get("/v1/tools").status_code for client in clients} == {200}
        serving = [member for member in members(api) if member.net_connections("tcp")]
        assert len(serving) == PROCESSES
        assert {requests_of_tools(client) for client in clients} == {MANY}


def test_all_processes_together_admit_no_more_new_voters_than_the_limit(api: Api) -> None:
    api.publish(records.a_tool("votable", "Votable", votes=(1, 0), version=1))

    def is_known(client: httpx.Client) -> bool:
        return client.delete("/v1/tools/votable/vote", headers=api.here).status_code == 200

    with connections(api) as clients:
        wait_until("each process knows the tool", lambda: all(map(is_known, clients)))
        answers = [
            client.put("/v1/tools/votable/vote", json={"choice": "ship"}, headers=api.here)
            for client in clients
        ]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * (MANY - 5)


def test_a_killed_process_is_started_again_and_what_it_counted_stays(api: Api) -> None:
    with connections(api) as clients:
        assert {client.get("/v1/tools").status_code for client in clients} == {200}
        counted = requests_of_tools(clients[0])
    victim = members(api)[0]
    victim.kill()
    wait_until("it has ended", lambda: victim not in members(api))
    await_members(api)
    with connections(api) as clients:
        assert {client.get("/v1/tools").status_code for client in clients} == {200}
        assert requests_of_tools(clients[0]) == counted + MANY


def test_no_process_outlives_a_killed_parent(api: Api) -> None:
    left = members(api)
    assert api.process
    api.process.send_signal(signal.SIGKILL)
    api.process.wait()
    _, alive = psutil.wait_procs(left, timeout=20)
    assert not alive
    api.start()
    await_members(api)
