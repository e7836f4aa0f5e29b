"""Fault 12: the database is down, locked, or has no space left."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.faults.harness.content import Crowd, shelf
from tests.faults.harness.oracle import Figures
from tests.faults.harness.services import Service
from tests.faults.harness.subscriber import require_faithful_changes
from tests.faults.harness.system import System
from tests.faults.harness.waiting import Stopwatch, until

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
    client.send(shelf())
    worker = system.worker()
    system.caught_up()
    slowest = 0.0
    for trouble in chances.sample((_down, _locked, _full), 3):
        before = _applied(system)
        with trouble(system, worker) as felt:
            client.send(crowd.some(500))
            until("the worker meets the trouble", felt)
            assert _applied(system) == before
        watch = Stopwatch()
        system.caught_up()
        slowest = max(slowest, watch.seconds)
    assert worker.running
    require_faithful_changes(system)
    report(system.judged("12 database away", slowest, "down, locked, full"))


def _applied(system: System) -> int:
    """Votes alone: closed weeks may be frozen meanwhile."""
    return system.number(
        "select sum(next_offset) from checkpoints where topic = 'verdicts.votes.v1'"
    )


@contextmanager
def _down(system: System, worker: Service) -> Iterator[Callable[[], bool]]:
    system.database_proxy.cut()
    tried = worker.said.count("trying again")
    try:
        yield lambda: worker.said.count("trying again") > tried
    finally:
        system.database_proxy.heal()


@contextmanager
def _locked(system: System, worker: Service) -> Iterator[Callable[[], bool]]:
    with system.locked("lock table ballots, tallies in access exclusive mode"):
        yield lambda: system.blocked("verdicts worker", "%ballots%") > 0


@contextmanager
def _full(system: System, worker: Service) -> Iterator[Callable[[], bool]]:
    system.run(_FULL)
    try:
        yield lambda: "No space left" in worker.said
    finally:
        system.run(_ROOM)
