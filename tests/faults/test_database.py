"""Fault 12: the database is down, locked, hangs, or has no space left."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import httpx

from tests.faults.harness.checks.oracle import Figures
from tests.faults.harness.checks.subscriber import require_faithful_changes
from tests.faults.harness.content import Crowd, catalog_events
from tests.faults.harness.system import System
from tests.harness.services import Service
from tests.harness.waiting import Stopwatch, wait_until

# More than an answer of the database is waited for, and less than people wait.
MOST = timedelta(seconds=6)
LONGEST_END = 15.0
Report = Callable[[Figures], None]

_FULL = """
create function faults.full() returns trigger language plpgsql as $$
begin
    raise exception 'could not extend file: No space left on device' using errcode = 'disk_full';
end
$$;
create trigger full_disk before insert or update on projections_1.ballots
for each statement execute function faults.full();
"""
_ROOM = "drop trigger full_disk on projections_1.ballots"


def test_without_a_database_everything_waits_and_goes_on_by_itself(
    chances: random.Random, system: System, report: Report
) -> None:
    client, crowd = system.log_client(), Crowd(chances)
    client.send(catalog_events())
    worker = system.worker()
    system.caught_up()
    slowest = 0.0
    for trouble in chances.sample((_down, _locked, _full), 3):
        before = _applied(system)
        with trouble(system, worker) as felt:
            client.send(crowd.some(500))
            wait_until("the worker meets the trouble", felt)
            assert _applied(system) == before
        watch = Stopwatch()
        system.caught_up()
        slowest = max(slowest, watch.seconds)
    assert worker.running
    require_faithful_changes(system)
    report(system.judged("12 database away", slowest, "down, locked, full"))


def test_while_the_database_hangs_the_api_says_so_takes_events_and_ends_on_sigterm(
    system: System,
) -> None:
    service, url = system.api()
    headers = {"Authorization": f"Bearer {system.token}"}
    event = {"type": "vote.cast", "data": {"tool": "a", "voter": "v", "choice": "ship"}}
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
        assert client.post("/v1/events", json=event).status_code == 202
        assert client.get("/tools/a/").status_code == 404
        system.database_proxy.hold()
        with ThreadPoolExecutor() as pool:
            wait_until("what was seen lately is forgotten", lambda: _unready(client))
            paths = (
                "/readyz", "/status", "/status", "/v1/tools", "/v1/changes?tool=a", "/tools/a/",
            )  # fmt: skip
            for answer in pool.map(client.get, paths):
                assert (answer.status_code, answer.elapsed < MOST) == (503, True), answer.url
            # By now whose token this is is not known for sure any more, but it was lately.
            answer = client.post("/v1/events", json=event)
            assert (answer.status_code, answer.elapsed < MOST) == (202, True)
            assert _ended(service) < LONGEST_END


def _unready(client: httpx.Client) -> bool:
    return client.get("/readyz").status_code == 503


def _ended(service: Service) -> float:
    """The seconds that it takes to end well after SIGTERM."""
    watch = Stopwatch()
    service.process.terminate()
    assert service.exit_status() == 0
    return watch.seconds


def _applied(system: System) -> int:
    """Votes alone: closed weeks may be frozen meanwhile."""
    return system.number(
        "select sum(next_offset) from checkpoints where topic = 'verdicts.votes.v1'"
    )


@contextmanager
def _down(system: System, worker: Service) -> Iterator[Callable[[], bool]]:
    tried = worker.logged.count("trying again")
    system.database_proxy.cut()
    try:
        yield lambda: worker.logged.count("trying again") > tried
    finally:
        system.database_proxy.heal()


@contextmanager
def _locked(system: System, worker: Service) -> Iterator[Callable[[], bool]]:
    with system.locked("lock table ballots, tallies in access exclusive mode"):
        yield lambda: system.tallying > 0


@contextmanager
def _full(system: System, worker: Service) -> Iterator[Callable[[], bool]]:
    system.run(_FULL)
    try:
        yield lambda: "No space left" in worker.logged
    finally:
        system.run(_ROOM)
