"""Fault 19: the mailer is killed anywhere, or told to stop, while it sends an issue."""

import random
import signal
from collections.abc import Callable

import pytest

from tests.faults.harness.checks.oracle import Figures
from tests.faults.harness.mail.forking import ForkedMailers
from tests.faults.harness.mail.killing import Executioner, Point, points
from tests.faults.harness.mail.oracle import is_over, judge
from tests.faults.harness.mail.sink import STEPS, Sink
from tests.faults.harness.proxy import Proxy
from tests.harness.waiting import Stopwatch, wait_until
from tests.publishers.mailer.conftest import WEEK, Mailing

Report = Callable[[Figures], None]
CONNECTIONS = 8


def test_a_mailer_killed_at_any_step_sends_nothing_twice_and_leaves_nobody_out(
    chances: random.Random,
    mailing: Mailing,
    sink: Sink,
    executioner: Executioner,
    report: Report,
) -> None:
    send_to(mailing, 600)
    watch, ambiguous = Stopwatch(), 0
    plan = [Point("taken", 5), *points(chances, 7)]
    for point in plan:
        service = mailing.start()
        executioner.arm(point, service.pid)
        wait_until(f"the mailer is at {point}", executioner.reached.is_set)
        service.process.wait()
        ambiguous = require_few_more_ambiguous(mailing, ambiguous)
    mailing.start()
    wait_until("all mails have ended", lambda: is_over(mailing))
    require_few_more_ambiguous(mailing, ambiguous)
    require_named(mailing)
    report(judge("19 mailer killed", mailing, sink, watch.seconds, f"at {len(plan)} points"))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_mailer_killed_at_a_thousand_points_sends_nothing_twice(
    mailing: Mailing,
    sink: Sink,
    executioner: Executioner,
    report: Report,
) -> None:
    # The frozen week comes first: in the days after it, its issue would start by itself, with mails
    # that are later than the cut-off.
    weeks = iter((WEEK, *(f"2026-W{number}" for number in range(30, 47))))
    mailing.subscribe(*(f"reader{number}@example.com" for number in range(10_000)))
    # So many points are many schedules, so that more seeds would only take longer.
    watch, ambiguous, plan = Stopwatch(), 0, points(random.Random(0), 1000)
    with ForkedMailers(mailing) as mailers:
        for point in plan:
            if is_over(mailing):
                week = next(weeks)
                if week != WEEK:
                    mailing.freeze(week)
                mailing.json("send", week)
            executioner.arm(point, mailers.start())
            wait_until(
                f"it is at {point}, or all is sent",
                lambda: executioner.reached.is_set() or is_over(mailing),
            )
            executioner.disarm()
            mailers.kill()
            ambiguous = require_few_more_ambiguous(mailing, ambiguous)
        mailers.start()
        wait_until("all mails have ended", lambda: is_over(mailing), seconds=600)
        mailers.kill()
    require_few_more_ambiguous(mailing, ambiguous)
    require_named(mailing)
    report(judge("19 mailer killed", mailing, sink, watch.seconds, f"at {len(plan)} points"))


def test_a_mailer_that_is_told_to_stop_leaves_no_mail_in_doubt(
    chances: random.Random,
    mailing: Mailing,
    sink: Sink,
    executioner: Executioner,
    report: Report,
) -> None:
    send_to(mailing, 300)
    steps = chances.sample(STEPS, 4)
    for step in steps:
        service = mailing.start()
        executioner.arm(Point(step, chances.randrange(1, 9)), service.pid, signal.SIGTERM)
        wait_until(f"the mailer is at {step}", executioner.reached.is_set)
        assert service.exit_status() == 0
        assert mailing.states().keys() <= {"queued", "sent"}
    watch = Stopwatch()
    mailing.start()
    wait_until("all mails are sent", lambda: mailing.states() == {"sent": 300})
    report(judge("19 mailer told to stop", mailing, sink, watch.seconds, f"{len(steps)} times"))


def test_a_database_that_goes_away_leaves_no_mail_in_doubt(
    chances: random.Random,
    mailing: Mailing,
    sink: Sink,
    database_proxy: Proxy,
    report: Report,
) -> None:
    """The mailer goes on by itself: the journal has the answers that the ledger missed."""
    send_to(mailing, 400)
    service = mailing.start()
    slowest = 0.0
    for number in (100, 200):
        goal = number + chances.randrange(50)
        wait_until("some are sent", lambda: len(sink.recipients) >= goal)  # noqa: B023
        database_proxy.cut()
        wait_until("it has noticed", lambda: "starts over" in service.logged)
        watch = Stopwatch()
        database_proxy.heal()
        wait_until("more are sent", lambda: len(sink.recipients) >= goal + 40)  # noqa: B023
        slowest = max(slowest, watch.seconds)
    wait_until("all mails have ended", lambda: is_over(mailing))
    assert mailing.states() == {"sent": 400}
    assert service.running
    report(judge("12 no database for the mailer", mailing, sink, slowest))


def send_to(mailing: Mailing, readers: int) -> None:
    """Start the issue for so many readers."""
    mailing.subscribe(*(f"reader{number}@example.com" for number in range(readers)))
    assert mailing.json("send", WEEK)["mails"] == readers


def require_few_more_ambiguous(mailing: Mailing, before: int) -> int:
    """A kill leaves at most one mail of each connection in doubt."""
    ambiguous = mailing.states().get("ambiguous", 0)
    assert ambiguous - before <= CONNECTIONS
    return ambiguous


def require_named(mailing: Mailing) -> None:
    """The list has the address of each ambiguous mail."""
    listed = mailing.json("list", "--state", "ambiguous")
    assert len(listed) == mailing.states().get("ambiguous", 0)
    assert all(row["address"] for row in listed)
