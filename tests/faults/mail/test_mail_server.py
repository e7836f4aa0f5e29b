"""Fault 20: the mail server refuses, puts off, hangs, drops connections, or takes only a few."""

import random
import signal
from collections.abc import Callable

import pytest

from tests.faults.harness.checks.oracle import Figures
from tests.faults.harness.mail.killing import Executioner, Point
from tests.faults.harness.mail.oracle import is_over, judge
from tests.faults.harness.mail.sink import Sink
from tests.harness.waiting import Stopwatch, wait_until
from tests.publishers.mailer.conftest import WEEK, Mailing

Report = Callable[[Figures], None]
ROW = "select state, attempts, reply, bounce from verdicts.mail_ledger where subscriber = %s"
PAUSE = """
select attempts, round(extract(epoch from due - changed))::int, reply
from verdicts.mail_ledger where state = 'queued' and attempts = %s
"""
OVERDUE = """
update verdicts.mail_ledger set due = clock_timestamp() - interval '1 second'
where state = 'queued' and due > clock_timestamp()
"""
# What becomes of each kind of recipient, and what the row must say of it.
FATES = {
    "reader": ("sent", "250 2.0.0 Ok: queued", ""),
    "gone": ("refused", "550 5.1.1 No such user", "hard"),
    "full": ("refused", "552 5.2.2 Mailbox full", "soft"),
    "spam": ("refused", "554 5.7.1 Refused as spam", "soft"),
    "greylisted": ("sent", "250 2.0.0 Ok: queued", ""),
    "busy": ("sent", "250 2.0.0 Ok: queued", ""),
    "cutbefore": ("sent", "250 2.0.0 Ok: queued", ""),
    "cutafter": ("ambiguous", "SMTPServerDisconnected", ""),
}
PUT_OFF = {"greylisted": "451 4.7.1", "busy": "452 4.3.1", "cutbefore": "SMTPServerDisconnected"}


def test_each_row_says_what_happened_to_its_mail(
    chances: random.Random, mailing: Mailing, sink: Sink, report: Report
) -> None:
    kinds = [*FATES] * 10 + ["reader"] * 100
    chances.shuffle(kinds)
    addresses = [f"{kind}-{number}@example.com" for number, kind in enumerate(kinds)]
    ids = mailing.subscribe(*addresses)
    mailing.json("send", WEEK)
    watch = Stopwatch()
    mailing.start()
    wait_until("the others have ended", lambda: mailing.states().get("queued") == 30)
    wait_until("none is under way", lambda: "sending" not in mailing.states())
    for kind, subscriber in zip(kinds, ids, strict=True):
        ((state, attempts, reply, _),) = mailing.execute(ROW, subscriber)
        if kind in PUT_OFF:
            assert (state, attempts) == ("queued", 1)
            assert reply.startswith(PUT_OFF[kind])
    mailing.execute(OVERDUE)
    wait_until("all mails have ended", lambda: is_over(mailing))
    for kind, subscriber in zip(kinds, ids, strict=True):
        ((state, attempts, reply, bounce),) = mailing.execute(ROW, subscriber)
        expected = FATES[kind]
        assert (state, bounce) == (expected[0], expected[2])
        assert reply.startswith(expected[1])
        assert attempts == (2 if kind in PUT_OFF else 1)
    suppressed = {row[0] for row in mailing.execute("select id from verdicts.suppressions")}
    assert suppressed == {ids[index] for index, kind in enumerate(kinds) if kind == "gone"}
    report(judge("20 answers of all kinds", mailing, sink, watch.seconds))


def test_what_is_put_off_is_tried_again_after_growing_pauses_and_then_given_up(
    mailing: Mailing, sink: Sink, report: Report
) -> None:
    mailing.subscribe("later-1@example.com")
    mailing.json("send", WEEK)
    watch, pauses = Stopwatch(), []
    mailing.start()
    for attempt in range(1, 6):
        ((_, pause, reply),) = wait_until(
            f"it waits after attempt {attempt}",
            lambda: mailing.execute(PAUSE, attempt),  # noqa: B023
        )
        assert reply == "450 4.2.1 Try again later"
        pauses.append(pause)
        mailing.execute(OVERDUE)
    assert pauses == [60, 240, 960, 3840, 14400]
    wait_until("it is given up", lambda: mailing.states() == {"refused": 1})
    (row,) = mailing.json("list", "--state", "refused")
    assert row["reply"] == "given up after 6 attempts: 450 4.2.1 Try again later"
    report(judge("20 put off again and again", mailing, sink, watch.seconds))


def test_nobody_waits_for_recipients_whose_server_hangs(
    mailing: Mailing, sink: Sink, report: Report
) -> None:
    """Seven of eight connections hang; the mails of the others go over the last one."""
    mailing.subscribe(*(f"hang-{number}@example.com" for number in range(7)))
    mailing.subscribe(*(f"reader{number}@example.com" for number in range(200)))
    mailing.json("send", WEEK)
    watch = Stopwatch()
    mailing.start()
    wait_until("all others are sent", lambda: mailing.states() == {"sent": 200, "sending": 7})
    seconds = watch.seconds
    sink.release()
    wait_until("these are sent too", lambda: mailing.states() == {"sent": 207})
    report(judge("20 a server that hangs", mailing, sink, seconds, "until the others were sent"))


def test_a_server_that_takes_few_connections_gets_all_mails_over_these(
    mailing: Mailing, sink: Sink, report: Report
) -> None:
    sink.most_connections = 2
    mailing.subscribe(*(f"reader{number}@example.com" for number in range(200)))
    mailing.json("send", WEEK)
    watch = Stopwatch()
    mailing.start()
    wait_until("all are sent", lambda: mailing.states() == {"sent": 200})
    assert sink.refused_connections
    attempts = mailing.execute("select distinct attempts from verdicts.mail_ledger")
    assert attempts == [(1,)]
    note = f"{sink.refused_connections} connections refused"
    report(judge("20 few connections", mailing, sink, watch.seconds, note))


@pytest.mark.parametrize("ends", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_that_closes_down_at_the_final_dot_has_not_taken_the_mail(
    mailing: Mailing, sink: Sink, executioner: Executioner, report: Report, ends: signal.Signals
) -> None:
    """The mailer ends before it offers them again: nothing is held, and nothing in doubt."""
    sink.answers_to_body = ["421 4.3.2 Closing down"] * 4
    mailing.subscribe(*(f"reader{number}@example.com" for number in range(40)))
    mailing.json("send", WEEK)
    watch = Stopwatch()
    service = mailing.start()
    executioner.arm(Point("answered", 30), service.pid, ends)
    wait_until("it has ended", executioner.reached.is_set)
    service.process.wait()
    assert not sink.answers_to_body
    mailing.start()
    wait_until("all mails have ended", lambda: is_over(mailing))
    assert mailing.json("status")["issues"][0]["reason"] == ""
    figures = judge("20 closes down at the dot", mailing, sink, watch.seconds)
    assert figures.unknown <= (8 if ends == signal.SIGKILL else 0)
    report(figures)
