"""Fault 23: the database is restored from a backup that was taken in the middle of an issue."""

import random
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import msgspec
import psycopg
import pytest

from publishers.mailer.leadership_term import JOURNALS
from tests.faults.harness.checks.oracle import Figures
from tests.faults.harness.mail.killing import Executioner, Point
from tests.faults.harness.mail.oracle import is_over, judge
from tests.faults.harness.mail.sink import Sink
from tests.harness.services import ROOT, verdicts
from tests.harness.waiting import Stopwatch, wait_until
from tests.publishers.mailer.conftest import WEEK, Mailing

Report = Callable[[Figures], None]
NO_BROKER = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"}
READERS = 600
# What the backup has claimed, the journal settles: only more than that is unknown to it.
MORE = 100


@pytest.mark.parametrize("restarts", [0, 2])
def test_a_backup_from_the_middle_of_an_issue_sends_nothing_twice(
    chances: random.Random,
    mailing: Mailing,
    sink: Sink,
    executioner: Executioner,
    report: Report,
    restarts: int,
) -> None:
    """With restarts after the backup the restored database gives their terms once more."""
    mailing.subscribe(*(f"reader{number}@example.com" for number in range(READERS)))
    mailing.json("send", WEEK)
    _send_some(mailing, sink, executioner, chances.randrange(20, 50))
    _back_up(mailing)
    for _ in range(restarts + 1):
        _send_some(mailing, sink, executioner, MORE + chances.randrange(30))
    before = len(sink.recipients)
    _restore(mailing)
    watch = Stopwatch()
    service = mailing.start()
    wait_until("the issue is held", lambda: _issue(mailing)["state"] == "held")
    assert "restored from a backup" in _issue(mailing)["reason"]
    assert any(_says_why(finding) for finding in _findings(mailing))
    assert "is held" in mailing.run("resume", WEEK).stderr
    service.stop()
    service.start()  # and once more, for whoever hopes that this helps
    wait_until("it is active", lambda: service.logged.count("mailer is active") == 2)
    assert _issue(mailing)["state"] == "held"
    assert len(sink.recipients) == before
    mailing.json("resolve", WEEK, "--from-journal")
    wait_until("all mails have ended", lambda: is_over(mailing))
    wait_until("the issue is done", lambda: _issue(mailing)["state"] == "done")
    figures = judge("23 database restored", mailing, sink, watch.seconds, f"{restarts} restarts")
    assert figures.unknown <= 8 * (2 + restarts)
    report(figures)


def test_a_backup_from_before_the_issue_sends_nothing_twice(
    mailing: Mailing, sink: Sink, report: Report
) -> None:
    mailing.subscribe(*(f"reader{number}@example.com" for number in range(20)))
    _back_up(mailing)
    mailing.json("send", WEEK)
    mailing.start()
    wait_until("all are sent", lambda: mailing.states() == {"sent": 20})
    mailing.started[-1].stop()
    _restore(mailing)
    watch = Stopwatch()
    mailing.json("send", WEEK)
    mailing.start()
    wait_until("the issue is held", lambda: _issue(mailing)["state"] == "held")
    mailing.json("resolve", WEEK, "--from-journal")
    wait_until("all mails have ended", lambda: is_over(mailing))
    assert mailing.states() == {"sent": 20}
    report(judge("23 restored from before", mailing, sink, watch.seconds))


def test_a_backup_restored_where_the_journal_is_lost_sends_nothing_unasked(
    chances: random.Random, mailing: Mailing, sink: Sink, executioner: Executioner, report: Report
) -> None:
    mailing.subscribe(*(f"reader{number}@example.com" for number in range(READERS)))
    mailing.json("send", WEEK)
    _send_some(mailing, sink, executioner, chances.randrange(20, 50))
    _back_up(mailing)
    _send_some(mailing, sink, executioner, MORE + chances.randrange(30))
    before = len(sink.recipients)
    _restore(mailing)
    shutil.rmtree(mailing.data / JOURNALS)
    watch = Stopwatch()
    service = mailing.start()
    wait_until("the issue is held", lambda: _issue(mailing)["state"] == "held")
    assert "not the database that the last mailer worked with" in _issue(mailing)["reason"]
    assert any(_says_why(finding) for finding in _findings(mailing))
    service.stop()
    service.start()
    wait_until("it is active", lambda: service.logged.count("mailer is active") == 2)
    doubted = mailing.json("resolve", WEEK, "--without-journal")["mails"]
    assert doubted >= READERS - before
    report(judge("23 journal lost", mailing, sink, watch.seconds))
    mailing.json("resolve", WEEK, "--ambiguous", "hold")
    wait_until("the issue is done", lambda: _issue(mailing)["state"] == "done")
    assert len(sink.recipients) == before


def _send_some(mailing: Mailing, sink: Sink, executioner: Executioner, number: int) -> None:
    """Send until the mailer is killed in the middle of a mail, and the server has read the rest."""
    service = mailing.start()
    executioner.arm(Point("taken", number), service.pid)
    wait_until("some are sent", executioner.reached.is_set)
    service.process.wait()
    wait_until("the server has closed every connection", lambda: not sink.open_connections)


def _back_up(mailing: Mailing) -> None:
    name = mailing.database.rpartition("/")[2]
    _copy(mailing, name, f"{name}_backup")


def _restore(mailing: Mailing) -> None:
    name = mailing.database.rpartition("/")[2]
    with _server(mailing) as connection:
        connection.execute(f"drop database {name} with (force)".encode())
    _copy(mailing, f"{name}_backup", name)
    with _server(mailing) as connection:
        connection.execute(f"drop database {name}_backup".encode())


def _copy(mailing: Mailing, source: str, target: str) -> None:
    """A copy as of now; nothing may be connected, and what was connected may take a moment."""

    def is_copied() -> bool:
        try:
            with _server(mailing) as connection:
                connection.execute(f"create database {target} template {source}".encode())
        except psycopg.errors.ObjectInUse:
            return False
        return True

    wait_until("the database is copied", is_copied)


def _server(mailing: Mailing) -> psycopg.Connection:
    return psycopg.connect(mailing.database.rpartition("/")[0] + "/postgres", autocommit=True)


def _issue(mailing: Mailing) -> dict[str, Any]:
    (issue,) = mailing.json("status")["issues"]
    return dict(issue)


def _findings(mailing: Mailing) -> list[dict[str, Any]]:
    """What `verdicts doctor` says, with an exit status for what it found."""
    completed = subprocess.run(
        verdicts("doctor", "--json"),
        env={**mailing.environment(), **NO_BROKER, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    findings: list[dict[str, Any]] = msgspec.json.decode(completed.stdout)["findings"]
    return findings


def _says_why(finding: dict[str, Any]) -> bool:
    return f"The issue of {WEEK} is held." in str(finding) and "restored" in str(finding)
