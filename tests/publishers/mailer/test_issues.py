"""An issue from its start to the Maildir."""

import email
import email.policy
import os
import random
import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import psycopg
import pytest

from tests.harness.services import ROOT, python
from tests.harness.waiting import wait_until
from tests.publishers.mailer.conftest import WEEK, Mailing

pytestmark = pytest.mark.integration


def parsed(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


def text_of(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_a_digest_reaches_each_subscriber_once_with_links_of_its_own(mailing: Mailing) -> None:
    mailing.freeze()
    (ada, bob) = mailing.subscribe("ada@example.com", "bob@example.org")
    mailing.subscribe("other@example.net", topics=["not-in-this-digest"])
    assert mailing.json("send", WEEK, "--dry-run")["mails"] == 2
    assert mailing.states() == {}
    assert mailing.json("send", WEEK)["mails"] == 2
    mailing.start()
    wait_until("both are sent", lambda: mailing.states() == {"sent": 2})
    assert mailing.json("send", WEEK)["mails"] == 0
    messages = {str(message["To"]): message for message in map(parsed, mailing.mails())}
    assert set(messages) == {"ada@example.com", "bob@example.org"}
    message = messages["ada@example.com"]
    assert message["Message-ID"] == f"<2026-w47.{ada}@localhost>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Auto-Submitted"] == "auto-generated"
    assert "digest.verdicts.example" in message["List-Id"]
    link = re.search(r"<(https://[^>]+)>", str(message["List-Unsubscribe"]))
    assert link is not None
    token = link[1].partition("token=")[2]
    assert mailing.links.read_unsubscribing(token) == ada
    for kind in ("plain", "html"):
        text = text_of(message, kind)
        assert link[1] in text
        assert "Patchwork" in text
        assert "verdicts-field" not in text
        assert f"/subscriptions/?token={ada}" in text
    assert text_of(message, "html").count("<img") == 0
    assert bob in text_of(messages["bob@example.org"], "html")


def test_an_issue_that_the_mailer_starts_at_the_same_time_can_be_sent(mailing: Mailing) -> None:
    mailing.freeze()
    mailing.subscribe("ada@example.com", "bob@example.org")
    with psycopg.connect(mailing.database) as mailer, ThreadPoolExecutor() as threads:
        mailer.execute(
            "insert into verdicts.mail_issues (week, state) values (%s, 'sending')", [WEEK]
        )
        sending = threads.submit(mailing.json, "send", WEEK)
        blocked = "select 1 from pg_stat_activity where wait_event_type = 'Lock'"
        wait_until("the command waits for the mailer", lambda: mailing.execute(blocked))
        mailer.commit()
        assert sending.result()["mails"] == 2


def test_an_issue_stays_as_it_is_while_an_operator_decides(mailing: Mailing) -> None:
    mailing.freeze()
    mailing.subscribe("ada@example.com")
    mailing.json("send", WEEK)
    with psycopg.connect(mailing.database) as mailer, ThreadPoolExecutor() as threads:
        mailer.execute("update verdicts.mail_issues set state = 'done'")
        pausing = threads.submit(mailing.run, "pause", WEEK)
        blocked = "select 1 from pg_stat_activity where wait_event_type = 'Lock'"
        wait_until("the command waits for the mailer", lambda: mailing.execute(blocked))
        mailer.commit()
        assert "is done, so it cannot be paused" in pausing.result().stderr


def test_lines_fit_and_a_second_mail_differs_in_its_fields_alone(mailing: Mailing) -> None:
    mailing.freeze()
    mailing.subscribe("ada@example.com", "bob@example.com")
    mailing.json("send", WEEK)
    mailing.start()
    wait_until("both are sent", lambda: mailing.states() == {"sent": 2})
    for content in mailing.mails():
        assert max(map(len, content.split(b"\n"))) <= 200
        body = content.partition(b"\n\n")[2]
        assert max(map(len, body.split(b"\n"))) <= 78


def test_a_paused_issue_waits_and_a_resumed_one_goes_on(mailing: Mailing) -> None:
    mailing.freeze()
    mailing.subscribe("ada@example.com")
    mailing.json("send", WEEK)
    mailing.json("pause", WEEK)
    mailing.start()
    (issue,) = mailing.json("status")["issues"]
    assert (issue["state"], issue["mails"]) == ("paused", {"queued": 1})
    mailing.json("resume", WEEK)
    wait_until("it is sent", lambda: mailing.states() == {"sent": 1})
    wait_until("it is done", lambda: mailing.json("status")["issues"][0]["state"] == "done")


def test_a_copy_goes_to_an_address_outside_the_ledger(mailing: Mailing) -> None:
    mailing.freeze()
    mailing.start()
    mailing.json("send", WEEK, "--to", "editor@example.com")
    wait_until("it is written", mailing.mails)
    (content,) = mailing.mails()
    assert parsed(content)["To"] == "editor@example.com"
    assert mailing.states() == {}
    (listed,) = mailing.json("list")
    shown = mailing.json("show", listed["name"])
    assert "Patchwork" in shown["text"]


def test_a_week_without_a_digest_is_refused_with_a_sentence(mailing: Mailing) -> None:
    completed = mailing.run("send", "2026-W01")
    assert completed.returncode == 1
    assert "has no frozen digest" in completed.stderr


def test_who_left_meanwhile_gets_no_mail(mailing: Mailing) -> None:
    mailing.freeze()
    mailing.subscribe("ada@example.com")
    mailing.json("send", WEEK)
    mailing.execute("update verdicts.subscribers set unsubscribed = now()")
    mailing.start()
    wait_until("it is settled", lambda: mailing.states() == {"refused": 1})
    assert mailing.mails() == []


def test_a_restored_database_is_noticed_and_nothing_goes_out_twice(mailing: Mailing) -> None:
    mailing.freeze()
    mailing.subscribe("ada@example.com", "bob@example.com")
    mailing.json("send", WEEK)
    service = mailing.start()
    wait_until("both are sent", lambda: mailing.states() == {"sent": 2})
    service.stop()
    mailing.execute(
        "update verdicts.mail_ledger set state = 'queued', attempts = 0, term = 0 where subscriber "
        "= (select min(subscriber) from verdicts.mail_ledger)"
    )
    mailing.execute("update verdicts.mail_issues set state = 'sending'")
    mailing.start()
    assert "restored from a backup" in held(mailing)
    assert "is held" in mailing.run("resume", WEEK).stderr
    mailing.json("resolve", WEEK, "--from-journal")
    wait_until("it is done", lambda: mailing.json("status")["issues"][0]["state"] == "done")
    assert mailing.states() == {"sent": 2}
    assert len(mailing.mails()) == 2


def held(mailing: Mailing) -> str:
    """Waits until the issue is held; returns why."""
    issue = wait_until(
        "it is held",
        lambda: mailing.json("status")["issues"][0],
        lambda row: row["state"] == "held",
    )
    return str(issue["reason"])


def test_a_restored_database_whose_journal_is_lost_sends_nothing_unasked(mailing: Mailing) -> None:
    mailing.freeze()
    mailing.subscribe("ada@example.com", "bob@example.com")
    mailing.execute("update verdicts.mail_terms set database = 'the one before'")
    mailing.json("send", WEEK)
    mailing.start()
    assert "not the database that the last mailer worked with" in held(mailing)
    mailing.json("resolve", WEEK, "--from-journal")
    wait_until("the journal is missed", lambda: "tells of no mail" in held(mailing))
    assert mailing.states() == {"queued": 2}
    assert mailing.json("resolve", WEEK, "--without-journal")["mails"] == 2
    assert mailing.states() == {"ambiguous": 2}
    assert "is not held" in mailing.run("resolve", WEEK, "--without-journal").stderr
    mailing.json("resolve", WEEK, "--ambiguous", "resend", "--to", "ada@example.com")
    wait_until("it is sent", lambda: mailing.states() == {"ambiguous": 1, "sent": 1})
    assert len(mailing.mails()) == 1


def test_a_week_that_was_closed_before_the_database_was_restored_starts_held(
    mailing: Mailing,
) -> None:
    """The backup is older than the issue, whose mails may all have gone out."""
    mailing.freeze()
    mailing.subscribe("ada@example.com")
    mailing.execute("update verdicts.mail_terms set database = 'the one before'")
    mailing.start()
    wait_until(
        "the copy is noticed",
        lambda: mailing.execute("select copied is not null from verdicts.mail_terms"),
        lambda rows: rows == [(True,)],
    )
    mailing.json("send", WEEK)
    assert "not the database" in held(mailing)
    assert mailing.states() == {"queued": 1}


def test_a_week_that_is_closed_after_the_database_was_restored_goes_out(mailing: Mailing) -> None:
    mailing.freeze()
    mailing.subscribe("ada@example.com")
    mailing.execute("update verdicts.mail_terms set copied = '2026-11-20T00:00:00Z'")
    mailing.json("send", WEEK)
    mailing.start()
    wait_until("it is sent", lambda: mailing.states() == {"sent": 1})


def test_an_issue_that_was_done_is_held_when_it_is_started_again_on_a_restored_database(
    mailing: Mailing,
) -> None:
    mailing.freeze()
    mailing.json("send", WEEK)
    mailing.execute("update verdicts.mail_issues set state = 'done'")
    mailing.execute("update verdicts.mail_terms set copied = now()")
    mailing.subscribe("ada@example.com")
    assert "not the database" in mailing.json("send", WEEK)["held"]
    assert "not the database" in held(mailing)


def test_an_issue_that_waits_for_the_journal_cannot_be_resumed(mailing: Mailing) -> None:
    mailing.freeze()
    mailing.json("send", WEEK)
    assert "is not held" in mailing.run("resolve", WEEK, "--from-journal").stderr
    mailing.execute("update verdicts.mail_issues set state = 'held'")
    mailing.json("resolve", WEEK, "--from-journal")
    assert "once the mailer has taken over the journal" in mailing.run("resume", WEEK).stderr


def test_single_mails_that_waited_in_a_restored_database_are_not_sent(mailing: Mailing) -> None:
    mailing.freeze()
    mailing.json("send", WEEK, "--to", "ada@example.com")
    mailing.execute("update verdicts.mail_terms set database = 'the one before'")
    mailing.start()
    states = "select state, reply from verdicts.outgoing_mail"
    wait_until(
        "it is settled",
        lambda: mailing.execute(states),
        lambda rows: rows == [("ambiguous", "the database was restored meanwhile")],
    )
    mailing.json("send", WEEK, "--to", "bob@example.com")
    wait_until("the next one is sent", lambda: len(mailing.mails()) == 1)
    assert b"bob@example.com" in mailing.mails()[0]


def test_what_an_operator_decides_is_one_thing_for_one_week(mailing: Mailing) -> None:
    assert "Give one of" in mailing.run("resolve", WEEK).stderr
    assert (
        "Give one of" in mailing.run("resolve", WEEK, "--from-journal", "--without-journal").stderr
    )
    assert "Name the week" in mailing.run("resolve", "--without-journal").stderr


@pytest.fixture
def sink(mailing: Mailing) -> Iterator[Callable[[str], Path]]:
    """Starts a mail server with a behaviour; the file has what it accepted."""
    started: list[subprocess.Popen[str]] = []

    def start(behaviour: str) -> Path:
        file = mailing.data / "accepted"
        process = subprocess.Popen(
            python("tests.harness.smtp_sink", str(file), behaviour),
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        started.append(process)
        assert process.stdout
        mailing.settings |= {
            "SMTP_URL": f"smtp://127.0.0.1:{int(process.stdout.readline())}",
            "VERDICTS_MAIL_FOOTER": "1 Main Street",
            "VERDICTS_MAIL_PER_SECOND": "1000",
        }
        return file

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def recipients(accepted: Path) -> list[str]:
    return [line.split(" ")[0] for line in accepted.read_text().splitlines()]


def count_up_to(accepted: Path, goal: int) -> bool:
    return len(recipients(accepted)) >= goal


def test_a_mailer_that_is_killed_again_and_again_sends_no_mail_twice(
    mailing: Mailing, sink: Callable[[str], Path]
) -> None:
    chance = random.Random(19)
    accepted = sink("accept")
    mailing.freeze()
    mailing.subscribe(*(f"reader{number}@example.com" for number in range(300)))
    mailing.json("send", WEEK)
    for _ in range(4):
        service = mailing.start()
        goal = len(recipients(accepted)) + chance.randrange(5, 50)
        wait_until("some are sent", partial(count_up_to, accepted, goal))
        service.kill()
    mailing.start()
    ended = {"sent", "refused", "ambiguous"}
    states = wait_until("all have ended", mailing.states, lambda states: set(states) <= ended)
    assert sum(states.values()) == 300
    assert len(recipients(accepted)) == len(set(recipients(accepted)))
    assert states.get("ambiguous", 0) <= 8 * 4
    assert states["sent"] + states.get("ambiguous", 0) >= len(recipients(accepted))
    named = mailing.json("list", "--state", "ambiguous")
    assert len(named) == states.get("ambiguous", 0)
    print(f"{states}, {len(recipients(accepted))} accepted")


def test_sigterm_leaves_no_mail_in_doubt(mailing: Mailing, sink: Callable[[str], Path]) -> None:
    accepted = sink("accept")
    mailing.freeze()
    mailing.subscribe(*(f"reader{number}@example.com" for number in range(200)))
    mailing.json("send", WEEK)
    service = mailing.start()
    wait_until("some are sent", lambda: len(recipients(accepted)), lambda number: number >= 20)
    service.stop()
    mailing.start()
    wait_until("all are sent", mailing.states, lambda states: states == {"sent": 200})
    assert len(recipients(accepted)) == len(set(recipients(accepted))) == 200


def test_a_refused_address_is_suppressed_and_others_get_their_mail(
    mailing: Mailing, sink: Callable[[str], Path]
) -> None:
    sink("refuse")
    mailing.freeze()
    (gone, _) = mailing.subscribe("gone@example.com", "ada@example.com")
    mailing.json("send", WEEK)
    mailing.start()
    wait_until("both ended", mailing.states, lambda states: states == {"sent": 1, "refused": 1})
    assert mailing.execute("select id, reason from verdicts.suppressions") == [(gone, "bounce")]


def test_a_deferred_mail_waits_with_the_answer(
    mailing: Mailing, sink: Callable[[str], Path]
) -> None:
    accepted = sink("defer")
    mailing.freeze()
    mailing.subscribe("ada@example.com")
    mailing.json("send", WEEK)
    mailing.start()
    query = "select reply from verdicts.mail_ledger where state = 'queued' and attempts = 1"
    rows = wait_until("it waits", lambda: mailing.execute(query))
    assert rows == [("450 4.2.1 Try again later",)]
    mailing.execute("update verdicts.mail_ledger set due = now() - interval '1 second'")
    wait_until("it is sent", mailing.states, lambda states: states == {"sent": 1})
    assert recipients(accepted) == ["ada@example.com"]


def test_a_connection_that_ends_after_the_final_dot_leaves_an_ambiguous_mail(
    mailing: Mailing, sink: Callable[[str], Path]
) -> None:
    accepted = sink("drop")
    mailing.freeze()
    mailing.subscribe("ada@example.com")
    mailing.json("send", WEEK)
    mailing.start()
    wait_until("it is named", mailing.states, lambda states: states == {"ambiguous": 1})
    (row,) = mailing.json("list", "--state", "ambiguous")
    assert row["address"] == "ada@example.com"
    assert mailing.json("resolve", "--ambiguous", "hold")["mails"] == 1
    assert mailing.states() == {"sent": 1}
    assert recipients(accepted) == ["ada@example.com"]


def test_a_new_mail_server_warms_up_and_its_limit_holds_over_restarts(
    mailing: Mailing, sink: Callable[[str], Path]
) -> None:
    accepted = sink("accept")
    mailing.settings["VERDICTS_MAIL_WARMUP"] = "10"
    mailing.freeze()
    mailing.subscribe(*(f"reader{number}@example.com" for number in range(30)))
    mailing.json("send", WEEK)
    mailing.start()
    first_day = {"sent": 10, "queued": 20}
    wait_until("the first day's are sent", mailing.states, lambda states: states == first_day)
    mailing.started[-1].kill()
    restarted = mailing.start()
    wait_until("it is active", lambda: "mailer is active" in restarted.logged)
    copy = mailing.json("send", WEEK, "--to", "editor@example.com")
    assert copy["mails"] == 1
    wait_until("a copy is sent", partial(count_up_to, accepted, 11))
    assert mailing.states() == first_day
    assert mailing.json("status")["warm_up"] == "10 of 10 mails today (UTC)"
    mailing.execute("update verdicts.mail_days set day = day - 1")
    second_day = {"sent": 25, "queued": 5}
    wait_until("half as many again", mailing.states, lambda states: states == second_day)
    mailing.execute("update verdicts.mail_days set day = day - 1")
    wait_until("all are sent", mailing.states, lambda states: states == {"sent": 30})
