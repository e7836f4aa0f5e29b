"""Several processes of the API behind one port."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from random import randrange

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
NEW_VOTERS = 5
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
            VERDICTS_NEW_VOTERS_PER_HOUR=str(NEW_VOTERS),
            VERDICTS_TRUSTED_PROXIES="127.0.0.0/8",
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


def count_with(status: str, api: Api) -> int:
    """How many processes have a socket of this status on the port."""
    count = 0
    for member in members(api):
        with contextlib.suppress(psutil.Error):
            count += any(
                connection.status == status and connection.laddr.port == api.port
                for connection in member.net_connections("tcp")
            )
    return count


def await_members(api: Api) -> None:
    listening = partial(count_with, psutil.CONN_LISTEN, api)
    wait_until("all listen", listening, lambda count: count == PROCESSES, seconds=30)


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
    lines = (
        line
        for line in client.get("/metrics").text.splitlines()
        if line.startswith("verdicts_http_request_seconds_count{") and '"/v1/tools"' in line
    )
    return sum(int(float(line.rpartition(" ")[2])) for line in lines)


def test_each_process_serves_and_each_knows_what_all_have_counted(api: Api) -> None:
    with connections(api) as clients:
        before = requests_of_tools(clients[0])
        assert {client.get("/v1/tools").status_code for client in clients} == {200}
        assert count_with(psutil.CONN_ESTABLISHED, api) == PROCESSES
        for client in clients:
            counted = partial(requests_of_tools, client)
            wait_until("it has counted all", counted, lambda count: count == before + MANY)


def test_all_processes_together_admit_no_more_new_voters_than_the_limit(api: Api) -> None:
    network = f"198.{randrange(256)}.{randrange(256)}.7"  # its own in each run
    headers = {**api.here, "X-Forwarded-For": network}

    def is_known(client: httpx.Client) -> bool:
        return client.delete("/v1/tools/votable/vote", headers=headers).status_code == 200

    def is_known_to_all() -> bool:
        api.publish(records.a_tool("votable", "Votable", votes=(1, 0), version=1))
        return all(map(is_known, clients))

    with connections(api) as clients:
        wait_until("each process knows the tool", is_known_to_all)
        answers = [
            client.put("/v1/tools/votable/vote", json={"choice": "ship"}, headers=headers)
            for client in clients
        ]
    refused = [429] * (MANY - NEW_VOTERS)
    assert [answer.status_code for answer in answers] == [200] * NEW_VOTERS + refused


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
        wait_until("old and new count", lambda: requests_of_tools(clients[0]) >= counted + MANY)


def test_the_port_is_reserved_before_a_process_listens_and_while_all_are_down(api: Api) -> None:
    other = subprocess.run(
        verdicts("api"), env=os.environ | api.environ, capture_output=True, text=True, check=False
    )
    assert other.returncode == 1
    assert f"127.0.0.1:{api.port} is in use; set VERDICTS_PORT" in other.stderr + other.stdout


def test_no_process_outlives_a_killed_parent(api: Api) -> None:
    left = members(api)
    assert api.process
    api.process.send_signal(signal.SIGKILL)
    api.process.wait()
    _, alive = psutil.wait_procs(left, timeout=20)
    assert not alive
    api.start()
    await_members(api)
