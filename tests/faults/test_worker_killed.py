"""Faults 1 and 8: a worker dies at each point of a batch, or never hears that it committed."""

import random
from collections.abc import Callable
from contextlib import ExitStack

from schemas.events import Event
from tests.faults.harness.checks import audit
from tests.faults.harness.checks.oracle import Figures
from tests.faults.harness.checks.subscriber import require_faithful_changes
from tests.faults.harness.content import TOOLS, Crowd, catalog_events
from tests.faults.harness.system import System
from tests.harness.examples import a_vote
from tests.harness.waiting import Stopwatch, wait_until

Report = Callable[[Figures], None]
POINTS = ["before", "inside", "writing the outbox", "at commit", "before the relay"]


def test_a_worker_killed_anywhere_in_a_batch_loses_nothing_and_repeats_nothing(
    chances: random.Random, system: System, report: Report
) -> None:
    client, crowd, slowest = system.log_client(), Crowd(chances), 0.0
    client.send(catalog_events() + crowd.some(100))
    worker = system.worker()
    system.caught_up()
    for point in chances.sample(POINTS, len(POINTS)):
        with ExitStack() as blockers:
            reached = _crash_point(system, point, blockers)
            before = _applied(system)
            client.send(_events(point, crowd, chances))
            wait_until(f"the worker is {point}", reached)
            worker.kill()
        if point == "at commit":
            wait_until("the commits took place without it", lambda: _applied(system) > before)  # noqa: B023
        watch = Stopwatch()
        worker.start()
        system.caught_up()
        slowest = max(slowest, watch.seconds)
        require_faithful_changes(system)
    report(system.judged("1 worker killed", slowest, f"at {len(POINTS)} points"))


def _events(point: str, crowd: Crowd, chances: random.Random) -> list[Event]:
    if point == "writing the outbox":
        # No other batch shows the same tool, and so makes up for what this one's lost.
        return [a_vote(tool=TOOLS[0], voter="alone", id="alone")]
    return crowd.some(chances.randrange(100, 1000))


def _applied(system: System) -> int:
    return system.number("select sum(next_offset) from checkpoints")


def _crash_point(system: System, point: str, blockers: ExitStack) -> Callable[[], bool]:
    """Hold the worker at a point of its batches; give a function that says whether it is there."""
    if point == "before":
        gate = blockers.enter_context(system.gate(audit.AT_BEGIN))
        return lambda: gate.waiting >= 4  # batches, beside the heartbeat and the relay
    if point == "inside":
        blockers.enter_context(system.locked("select from tallies for update"))
        return lambda: system.tallying > 0
    if point == "writing the outbox":
        blockers.enter_context(system.locked("lock table verdicts.outbox in access exclusive mode"))
        return lambda: system.blocked("verdicts worker", "%insert into verdicts.outbox%") > 0
    if point == "at commit":
        gate = blockers.enter_context(system.gate(audit.AT_COMMIT))
        return lambda: gate.waiting > 0
    blockers.enter_context(system.without_relay("worker-1"))
    return lambda: system.lag == 0 and system.waiting > 0


def test_a_lost_answer_to_a_commit_counts_nothing_twice(
    chances: random.Random, system: System, report: Report
) -> None:
    client, crowd = system.log_client(), Crowd(chances)
    client.send(catalog_events())
    system.worker()
    system.caught_up()
    system.lost_commits.wanted = wanted = chances.randrange(3, 8)
    for _ in range(20):
        client.send(crowd.some(100))
    watch = Stopwatch()
    wait_until("the answers were lost", lambda: system.lost_commits.lost == wanted)
    system.caught_up()
    require_faithful_changes(system)
    report(system.judged("8 commit answers lost", watch.seconds, f"{wanted} answers lost"))
