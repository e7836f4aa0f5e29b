"""Single mails on their way."""

import psycopg
import pytest
from sqlalchemy import Engine

from infra.postgres.engine import connect
from projections.private import outgoing_mail
from schemas.channels import Channel

pytestmark = pytest.mark.integration


def enqueue(engine: Engine, recipient: str = "ada@example.com") -> int:
    with engine.begin() as connection:
        fields = {"path": "/subscriptions/confirm/?token=t"}
        return outgoing_mail.enqueue(connection, "confirmation", recipient, fields)


def test_new_mails_have_numbers_that_no_journal_knows(engine: Engine) -> None:
    first = enqueue(engine)
    with engine.begin() as connection:
        outgoing_mail.skip_ids(connection, first + 100)
    second = enqueue(engine)
    assert second > first + 100
    with engine.begin() as connection:
        outgoing_mail.skip_ids(connection, first)
    assert enqueue(engine) > second


def claim(engine: Engine, limit: int = 10) -> list[outgoing_mail.OutgoingMail]:
    with engine.begin() as connection:
        return outgoing_mail.claim(connection, limit)


def counts(engine: Engine) -> dict[str, int]:
    with engine.begin() as connection:
        return outgoing_mail.count_by_state(connection)


def test_an_enqueued_mail_wakes_the_mailer(engine: Engine, projected_url: str) -> None:
    with connect(projected_url, "listener") as listener:
        listener.execute(f"listen {Channel.MAIL}".encode())
        enqueue(engine)
        assert list(listener.notifies(timeout=10, stop_after=1))


def test_a_mail_is_claimed_once(engine: Engine) -> None:
    first, second = enqueue(engine, "ada@example.com"), enqueue(engine, "bob@example.com")
    assert [mail.id for mail in claim(engine)] == [first, second]
    assert claim(engine) == []
    assert counts(engine) == {"sending": 2}


def test_two_mailers_claim_different_mails(engine: Engine, projected_url: str) -> None:
    enqueue(engine, "ada@example.com")
    enqueue(engine, "bob@example.com")
    with engine.begin() as connection:
        mine_first = outgoing_mail.claim(connection, 1)
        (other,) = claim(engine)
    assert {mine_first[0].recipient, other.recipient} == {"ada@example.com", "bob@example.com"}


def test_a_finished_mail_forgets_its_link(engine: Engine, projected_url: str) -> None:
    enqueue(engine)
    (mail,) = claim(engine)
    assert mail.fields == {"path": "/subscriptions/confirm/?token=t"}
    with engine.begin() as connection:
        outgoing_mail.finish(connection, mail.id, "sent", "250 ok")
    with psycopg.connect(projected_url) as connection:
        rows = connection.execute(
            "select state, fields, reply from verdicts.outgoing_mail"
        ).fetchall()
    assert rows == [("sent", {}, "250 ok")]


def test_a_retried_mail_waits_for_its_pause(engine: Engine) -> None:
    enqueue(engine)
    (mail,) = claim(engine)
    with engine.begin() as connection:
        outgoing_mail.retry(connection, mail.id, 60, "450 later")
    assert claim(engine) == []
    assert counts(engine) == {"queued": 1}


def test_mails_that_ended_long_ago_are_pruned(engine: Engine, projected_url: str) -> None:
    enqueue(engine)
    (mail,) = claim(engine)
    with engine.begin() as connection:
        outgoing_mail.finish(connection, mail.id, "refused", "550 unknown")
        outgoing_mail.prune(connection)
        assert outgoing_mail.count_by_state(connection) == {"refused": 1}
        connection.exec_driver_sql("update outgoing_mail set changed = changed - interval '2 days'")
        outgoing_mail.prune(connection)
    assert counts(engine) == {}
