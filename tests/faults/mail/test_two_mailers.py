"""Fault 21: two mailers at once, of which one is stopped past its lease and then continued."""

import random
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.harness.checks.oracle import Figures
from tests.faults.harness.mail.killing import Executioner, Point
from tests.faults.harness.mail.oracle import is_over, judge
from tests.faults.harness.mail.sink import Sink
from tests.harness.waiting import Stopwatch, wait_until
from tests.publishers.mailer.conftest import WEEK, Mailing

Report = Callable[[Figures], None]
CONNECTIONS = 8
CLAIMED = 64 + 16 + 16 + CONNECTIONS
"""Mails of a mailer that may be claimed and not sent."""


@pytest.mark.parametrize(
    ("folders", "most_ambiguous"),
    [("one", CONNECTIONS), pytest.param("two", CLAIMED, marks=pytest.mark.long)],
)
def test_of_a_stopped_mailer_and_its_successor_one_sends_each_mail(
    chances: random.Random,
    mailing: Mailing,
    sink: Sink,
    executioner: Executioner,
    report: Report,
    tmp_path: Path,
    folders: str,
    most_ambiguous: int,
) -> None:
    """With a data folder of its own, the successor cannot see how far the first one got."""
    mailing.subscribe(*(f"reader{number}@example.com" for number in range(600)))
    mailing.json("send", WEEK)
    first = mailing.start()
    step = chances.choice(["recipient", "body", "final dot", "taken"])
    executioner.arm(Point(step, chances.randrange(50, 200)), first.pid, signal.SIGSTOP)
    wait_until("the first one leads", lambda: "mailer is active" in first.logged)
    mailing.start(tmp_path / "second" if folders == "two" else None)
    wait_until("the first one has stopped", executioner.reached.is_set)
    before, watch = len(sink.recipients), Stopwatch()
    wait_until("the second one sends", lambda: len(sink.recipients) > before + CONNECTIONS + 10)
    taken_over = watch.seconds
    first.resume()
    wait_until("the first one has noticed", lambda: "starts over" in first.logged)
    wait_until("all mails have ended", lambda: is_over(mailing))
    assert all(service.running for service in mailing.started)
    figures = judge("21 mailer stopped", mailing, sink, taken_over, f"data folders: {folders}")
    assert figures.unknown <= most_ambiguous
    report(figures)


def test_an_issue_that_is_started_by_many_at_once_has_one_mail_for_each(
    mailing: Mailing, sink: Sink, report: Report
) -> None:
    mailing.subscribe(*(f"reader{number}@example.com" for number in range(100)))
    watch = Stopwatch()
    for _ in range(2):
        mailing.start()
    with ThreadPoolExecutor(3) as operators:
        answers = list(operators.map(lambda _: mailing.run("send", WEEK, "--json"), range(3)))
    assert any(answer.returncode == 0 for answer in answers)
    mailing.run("send", WEEK)
    wait_until("all mails have ended", lambda: is_over(mailing))
    assert mailing.states() == {"sent": 100}
    report(judge("21 started many times", mailing, sink, watch.seconds))
