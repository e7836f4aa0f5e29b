"""The mailer as a process: single mails reach the Maildir once."""

import email
import email.policy
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine

from infra.postgres.engine import create_engine
from projections.private import outgoing_mail
from publishers.mailer.delivery.journal import MailJournal
from tests.harness.services import Service, start_service
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def engine(projected_url: str) -> Iterator[Engine]:
    engine = create_engine(projected_url)
    yield engine
    engine.dispose()


class Mailers:
    def __init__(self, database: str, data: Path) -> None:
        self.database, self.data = database, data
        self.started: list[Service] = []

    def start(self) -> Service:
        service = start_service("mailer", kafka={}, database=self.database, data=self.data)
        self.started.append(service)
        return service

    def mails(self) -> list[bytes]:
        return [file.read_bytes() for file in sorted((self.data / "mail" / "new").glob("*"))]


@pytest.fixture
def mailers(projected_url: str, tmp_path: Path) -> Iterator[Mailers]:
    mailers = Mailers(projected_url, tmp_path)
    yield mailers
    for service in mailers.started:
        service.kill()


def enqueue(engine: Engine, recipient: str = "ada@example.com") -> int:
    with engine.begin() as connection:
        fields = {"path": "/subscriptions/confirm/?token=t0ken"}
        return outgoing_mail.enqueue(connection, "confirmation", recipient, fields)


def states(engine: Engine) -> dict[str, int]:
    with engine.begin() as connection:
        return outgoing_mail.count_by_state(connection)


def test_a_confirmation_becomes_a_file_and_its_link_a_notice(
    engine: Engine, mailers: Mailers
) -> None:
    service = mailers.start()
    enqueue(engine)
    wait_until("it is sent", lambda: states(engine) == {"sent": 1})
    (content,) = mailers.mails()
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
    engine: Engine, mailers: Mailers
) -> None:
    first = mailers.start()
    enqueue(engine)
    wait_until("it is sent", lambda: states(engine) == {"sent": 1})
    mailers.start()
    first.kill()
    enqueue(engine, "bob@example.com")
    wait_until("it is sent", lambda: states(engine) == {"sent": 2})
    assert len(mailers.mails()) == 2


def test_what_a_killed_mailer_had_begun_is_ambiguous_and_the_rest_is_sent(
    engine: Engine, mailers: Mailers
) -> None:
    begun, untouched = enqueue(engine), enqueue(engine, "bob@example.com")
    with engine.begin() as connection:
        outgoing_mail.claim(connection, 2)
    journal = MailJournal(mailers.data / "mail-journal" / "single.journal")
    journal.begin(1)
    journal.intend(f"single/{begun}", 1)
    journal.close()
    with psycopg.connect(mailers.database) as connection_:
        connection_.execute("update verdicts.mail_terms set term = 1")
    mailers.start()
    wait_until("both are settled", lambda: states(engine) == {"ambiguous": 1, "sent": 1})
    (content,) = mailers.mails()
    assert b"Delivered-To: bob@example.com" in content
    assert untouched


def test_without_its_journal_nothing_that_was_under_way_is_sent_again(
    engine: Engine, mailers: Mailers
) -> None:
    enqueue(engine)
    with engine.begin() as connection:
        outgoing_mail.claim(connection, 1)
    mailers.start()
    wait_until("it is settled", lambda: states(engine) == {"ambiguous": 1})
    assert mailers.mails() == []
