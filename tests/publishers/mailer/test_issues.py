"""An issue from its start to the Maildir."""

import email
import email.policy
import re
from email.message import EmailMessage

import pytest

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
    issue = wait_until(
        "it is held",
        lambda: mailing.json("status")["issues"][0],
        lambda row: row["state"] == "held",
    )
    assert "restored from a backup" in issue["reason"]
    assert "is held" in mailing.run("resume", WEEK).stderr
    mailing.json("resolve", WEEK, "--from-journal")
    wait_until("it is done", lambda: mailing.json("status")["issues"][0]["state"] == "done")
    assert mailing.states() == {"sent": 2}
    assert len(mailing.mails()) == 2
