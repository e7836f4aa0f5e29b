"""The mailer as a process: single mails reach the Maildir once."""

import email
import email.policy

import psycopg
import pytest
from sqlalchemy import Engine

from projections.private import outgoing_mail
from publishers.mailer.delivery.journal import MailJournal
from tests.harness.waiting import wait_until
from tests.publishers.mailer.conftest import Mailing

pytestmark = pytest.mark.integration


def enqueue(engine: Engine, recipient: str = "ada@example.com") -> int:
    with engine.begin() as connection:
        fields = {"path": "/subscriptions/confirm/?token=t0ken"}
        return outgoing_mail.enqueue(connection, "confirmation", recipient, fields)


def states(engine: Engine) -> dict[str, int]:
    with engine.begin() as connection:
        return outgoing_mail.count_by_state(connection)


def test_a_confirmation_becomes_a_file_and_its_link_a_notice(
    engine: Engine, mailing: Mailing
) -> None:
    service = mailing.start()
    enqueue(engine)
    wait_until("it is sent", lambda: states(engine) == {"sent": 1})
    (content,) = mailing.mails()
    message = email.message_from_bytes(content, policy=email.policy.default)
    link = "https://verdicts.example/subscriptions/confirm/?token=t0ken"
    assert message["To"] == "ada@example.com"
    assert message["Auto-Submitted"] == "auto-generated"
    for kind in ("plain", "html"):
        part = message.get_body((kind,))
        assert part is not None
        assert link in part.get_content()
    assert f'"notice": "confirmation mail: {link}"' in service.logged


def test_of_two_mailers_one_sends_and_the_other_takes_over(
    engine: Engine, mailing: Mailing
) -> None:
    first = mailing.start()
    enqueue(engine)
    wait_until("it is sent", lambda: states(engine) == {"sent": 1})
    mailing.start()
    first.kill()
    enqueue(engine, "bob@example.com")
    wait_until("it is sent", lambda: states(engine) == {"sent": 2})
    assert len(mailing.mails()) == 2


def test_what_a_killed_mailer_had_begun_is_ambiguous_and_the_rest_is_sent(
    engine: Engine, mailing: Mailing
) -> None:
    begun, untouched = enqueue(engine), enqueue(engine, "bob@example.com")
    with engine.begin() as connection:
        outgoing_mail.claim(connection, 2)
    journal = MailJournal(mailing.data / "mail-journal" / "single.journal")
    journal.begin(1)
    journal.intend(f"single/{begun}", 1)
    journal.close()
    with psycopg.connect(mailing.database) as connection_:
        connection_.execute("update verdicts.mail_terms set term = 1")
    mailing.start()
    wait_until("both are settled", lambda: states(engine) == {"ambiguous": 1, "sent": 1})
    (content,) = mailing.mails()
    assert b"Delivered-To: bob@example.com" in content
    assert untouched


def test_without_its_journal_nothing_that_was_under_way_is_sent_again(
    engine: Engine, mailing: Mailing
) -> None:
    enqueue(engine)
    with engine.begin() as connection:
        outgoing_mail.claim(connection, 1)
    mailing.start()
    wait_until("it is settled", lambda: states(engine) == {"ambiguous": 1})
    assert mailing.mails() == []
