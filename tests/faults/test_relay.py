"""Fault 16: the relay dies, or stands still, between publishing a change and forgetting its key."""

import random
from collections.abc import Callable
from contextlib import ExitStack

from tests.faults.harness.checks.oracle import Figures
from tests.faults.harness.checks.subscriber import require_faithful_changes
from tests.faults.harness.clients import LogClient
from tests.faults.harness.content import Crowd, catalog_events
from tests.faults.harness.system import System
from tests.harness.waiting import Stopwatch, wait_until

Report = Callable[[Figures], None]


def test_a_relay_that_dies_or_stops_misses_no_change_and_mixes_up_none(
    chances: random.Random, system: System, report: Report
) -> None:
    client, crowd = system.log_client(), Crowd(chances)
    client.send(catalog_events())
    worker = system.worker()
    system.caught_up()
    repeated = require_faithful_changes(system)

    with _between(system, client, crowd):
        worker.kill()
    worker.start()
    system.caught_up()
    killed = require_faithful_changes(system)
    assert killed > repeated, "it was not killed between the two"

    with _between(system, client, crowd):
        worker.pause()
    watch = Stopwatch()
    successor = system.worker("")
    system.caught_up()
    seconds = watch.seconds
    stopped = require_faithful_changes(system)
    assert stopped > killed, "it was not stopped between the two"
    worker.resume()
    client.send(crowd.some(100))
    system.caught_up()
    assert worker.running
    assert successor.running
    require_faithful_changes(system)
    report(system.judged("16 relay killed, stopped", seconds, f"{stopped} changes came twice"))


def _between(system: System, client: LogClient, crowd: Crowd) -> ExitStack:
    """Bring the relay to where it has published changes and wants to forget their keys."""
    blockers = ExitStack()
    with system.without_relay("worker-1"):
        client.send(crowd.some(100))
        wait_until("changes wait", lambda: system.lag == 0 and system.waiting > 0)
        # Who reads the outbox may go on; who deletes from it, or adds to it, waits.
        blockers.enter_context(system.locked("lock table verdicts.outbox in share mode"))
    wait_until(
        "the relay has published", lambda: system.blocked("%", "%delete from verdicts.outbox%")
    )
    return blockers
