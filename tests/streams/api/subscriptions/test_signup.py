"""Asking for a subscription: one answer for every valid address, and mails within limits."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from projections.private.subscribers.suppressions import suppress
from tests.streams.api.subscriptions.conftest import JANE, Readers, token_of

pytestmark = pytest.mark.integration


def test_a_request_queues_one_confirmation_mail_and_stores_nobody(readers: Readers) -> None:
    answer = readers.post(frequency="monthly", topics=["editors"], timezone="Europe/Berlin")
    assert answer.status_code == 202
    ((recipient, path),) = readers.mails()
    assert recipient == JANE
    assert path.startswith("/subscriptions/confirm/?token=")
    assert readers.rows() == []


def test_known_and_unknown_addresses_get_the_same_answer(readers: Readers) -> None:
    readers.subscribe()
    known, unknown = readers.post(), readers.post("stranger@example.com")
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert len(readers.mails()) == 3


def test_an_address_gets_three_mails_an_hour_however_it_is_written(readers: Readers) -> None:
    spellings = [JANE, JANE.lower(), JANE.upper(), f" {JANE} ", JANE]
    bodies = {readers.post(spelling).content for spelling in spellings}
    assert len(bodies) == 1
    assert len(readers.mails()) == 3
    hour_ago = "update verdicts.hourly_counts set since = since - interval '1 hour'"
    with readers.engine.begin() as connection:
        connection.execute(text(hour_ago))
    readers.post()
    assert len(readers.mails()) == 4


def test_a_network_causes_twenty_mails_an_hour(readers: Readers) -> None:
    answers = {readers.post(f"reader{number}@example.com").status_code for number in range(22)}
    assert answers == {202}
    assert len(readers.mails()) == 20


@pytest.mark.parametrize("reason", ["bounce", "complaint", "operator"])
def test_a_suppressed_address_gets_the_same_answer_and_no_mail(
    readers: Readers, reason: Any
) -> None:
    with readers.engine.begin() as connection:
        suppress(connection, readers.id_of(), reason, "test", readers.now())
    assert readers.post().content == readers.post("other@example.com").content
    assert [recipient for recipient, _ in readers.mails()] == ["other@example.com"]


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """The statements that run meanwhile; however a savepoint ends, it ends."""
    ran: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        ran.append(re.sub("^(RELEASE|ROLLBACK TO) SAVEPOINT", "end of", statement))

    event.listen(engine, "before_cursor_execute", note)
    yield ran
    event.remove(engine, "before_cursor_execute", note)


def test_no_time_tells_whether_an_address_is_known(readers: Readers) -> None:
    """Time varies from run to run; what runs does not."""
    readers.subscribe("known@example.com")
    with readers.engine.begin() as connection:
        suppress(connection, readers.id_of("bad@example.com"), "bounce", "test", readers.now())
    work = []
    for email in ("known@example.com", "unknown@example.com", "bad@example.com"):
        with statements(readers.engine) as ran:
            readers.post(email)
        work.append(list(ran))
    assert work[0] == work[1] == work[2]
    assert len(work[0]) > 5


@pytest.mark.parametrize(
    ("email", "words"),
    [
        ("", "Enter an email address"),
        ("jane", "must have an @-sign"),
        ("a" * 10_000 + "@example.com", "too long"),
        ("jane@example.com\nBcc: all@example.com", "invalid characters"),
        ("jane@example.com\r\n", "invalid characters"),
        ('"jane doe"@example.com', "Quoting the part before the @-sign"),
        ("Jane <jane@example.com>", "display name"),
        ("jane@localhost", "should have a period"),
        ("jane@[127.0.0.1]", "bracketed IP address"),
        ("jäne@example.com", "Internationalized characters before the @-sign"),
    ],
)
def test_an_invalid_address_is_explained_at_its_field(
    readers: Readers, email: str, words: str
) -> None:
    answer = readers.post(email)
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/email")
    assert words in answer.json()["detail"]
    form = readers.client.post("/subscribe", data={"email": email})
    assert form.status_code == 422
    assert 'aria-invalid="true"' in form.text
    assert words in form.text
    assert readers.mails() == []


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"frequency": "daily"}, "/frequency"),
        ({"topics": ["unknown"]}, "/topics"),
        ({"topics": "editors"}, "/topics"),
        ({"timezone": "Mars/Base"}, "/timezone"),
        ({"timezone": "../../etc/passwd"}, "/timezone"),
        ({"admin": True}, "/admin"),
    ],
)
def test_an_impossible_choice_is_explained_at_its_field(
    readers: Readers, more: dict[str, Any], pointer: str
) -> None:
    answer = readers.post(**more)
    assert (answer.status_code, answer.json()["pointer"]) == (422, pointer)
    assert readers.mails() == []


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"email":"\\ud800@example.com"}', "application/json", 400),
        (b"{}", "application/json", 422),
        (b'{"email":"a@example.com","email":"b@example.com"}', "application/json", 422),
        (b'{"email":"a@example.com"}', "text/plain", 415),
        (b"x" * 40_000, "application/json", 413),
    ],
)
def test_another_body_is_refused(
    readers: Readers, body: bytes, media_type: str, status: int
) -> None:
    headers = {"Content-Type": media_type}
    answer = readers.client.post("/v1/subscriptions", content=body, headers=headers)
    assert answer.status_code == status
    assert readers.mails() == []


def test_without_javascript_a_form_does_the_same(readers: Readers) -> None:
    fields = {"email": JANE, "frequency": "monthly", "topic": "editors", "timezone": "Asia/Tokyo"}
    answer = readers.client.post("/subscribe", data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/subscriptions/sent/")
    readers.confirm()
    (row,) = readers.rows()
    assert (row.frequency, row.topics, row.timezone) == ("monthly", ["editors"], "Asia/Tokyo")
    page = readers.client.get("/subscriptions/sent/")
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")


def test_empty_fields_of_the_form_are_defaults(readers: Readers) -> None:
    fields = {"email": JANE, "frequency": "", "topic": "", "timezone": ""}
    assert readers.client.post("/subscribe", data=fields).status_code == 303
    readers.confirm()
    (row,) = readers.rows()
    assert (row.frequency, row.topics, row.timezone) == ("weekly", [], "UTC")


def test_a_form_of_another_site_sends_no_mail(readers: Readers) -> None:
    headers = {"Origin": "https://elsewhere.example"}
    answer = readers.client.post("/subscribe", data={"email": JANE}, headers=headers)
    assert answer.status_code == 403
    assert readers.mails() == []


def test_a_homograph_is_shown_in_punycode(readers: Readers) -> None:
    cyrillic = "reader@\u0430\u0440\u0440\u04cf\u0435.com"
    readers.post(cyrillic)
    ((recipient, path),) = readers.mails()
    assert recipient == "reader@xn--80ak6aa92e.com"
    assert "(reader@xn--80ak6aa92e.com)" in readers.client.get(path).text
    readers.confirm()
    assert readers.rows()[0].address == cyrillic
    assert token_of(path) not in readers.client.get(path).headers.get("location", "")


def test_an_international_domain_has_one_subscription_in_both_spellings(readers: Readers) -> None:
    readers.subscribe("reader@münchen.example")
    readers.subscribe("READER@xn--mnchen-3ya.example")
    assert len(readers.rows()) == 1
