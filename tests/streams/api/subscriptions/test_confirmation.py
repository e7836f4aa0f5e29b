"""Double opt-in: only a pressed button confirms, once, within seven days."""

import pytest
from sqlalchemy import text

from tests.streams.api.subscriptions.conftest import JANE, Readers, token_of

pytestmark = pytest.mark.integration
DAY = 86_400


def test_the_button_confirms_and_leads_to_the_preferences(readers: Readers) -> None:
    readers.post(frequency="monthly")
    page = readers.client.get(readers.mails()[0][1])
    assert page.status_code == 200
    assert page.headers["referrer-policy"] == "same-origin"
    answer = readers.confirm()
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/subscriptions/?token=")
    preferences = readers.client.get(answer.headers["location"])
    assert preferences.status_code == 200
    assert "You are subscribed." in preferences.text
    (row,) = readers.rows()
    assert (row.address, row.frequency, row.consent_source) == (JANE, "monthly", "website")
    assert row.requested <= row.confirmed


def test_no_get_or_head_changes_anything(readers: Readers) -> None:
    """Scanners of mail providers follow every link."""
    token = readers.subscribe()
    readers.post("new@example.com")
    unsubscribing = readers.links.unsubscribe_path(readers.id_of())
    paths = [readers.mails()[-1][1], f"/subscriptions/?token={token}", unsubscribing]
    paths += [f"/subscriptions/?token={token}&action=erase", "/subscriptions/sent/"]
    before = readers.state()
    for path in paths:
        assert readers.client.get(path).status_code == 200
        assert readers.client.head(path).status_code == 200
    assert readers.client.get("/subscribe").status_code == 405
    assert readers.state() == before


def test_a_link_confirms_once(readers: Readers) -> None:
    readers.post(frequency="monthly")
    readers.confirm()
    readers.act(readers.token(), "save", frequency="weekly")
    readers.act(readers.token(), "unsubscribe")
    before = readers.rows()
    answer = readers.confirm()
    assert answer.headers["location"].endswith("done=again")
    assert readers.rows() == before


def test_a_new_request_renews_an_ended_subscription_and_keeps_its_choices(
    readers: Readers,
) -> None:
    token = readers.subscribe(frequency="monthly", timezone="Asia/Tokyo")
    readers.act(token, "unsubscribe")
    readers.subscribe()
    (row,) = readers.rows()
    assert (row.unsubscribed, row.frequency, row.timezone) == (None, "monthly", "Asia/Tokyo")


def test_a_link_expires_after_seven_days(readers: Readers) -> None:
    readers.post()
    path = readers.mails()[0][1]
    readers.clock.move(7 * DAY)
    assert readers.client.get(path).status_code == 200
    readers.clock.move(1)
    for answer in (readers.client.get(path), readers.confirm(path)):
        assert answer.status_code == 410
        assert "expired" in answer.text
    assert readers.rows() == []


def test_a_link_of_another_purpose_or_site_confirms_nobody(readers: Readers) -> None:
    readers.post()
    token = token_of(readers.mails()[0][1])
    others = ["", "x", token[:-1], token + "0", readers.token()]
    others += [token_of(readers.links.unsubscribe_path(readers.id_of()))]
    for other in others:
        answer = readers.client.post("/subscriptions/confirm/", data={"token": other})
        assert answer.status_code == 403
        assert "not valid" in answer.text
    assert readers.client.get("/subscriptions/", params={"token": token}).status_code == 403
    assert readers.rows() == []


def test_an_erasure_outlives_older_links(readers: Readers) -> None:
    readers.post()
    path = readers.mails()[0][1]
    readers.confirm()
    readers.act(readers.token(), "erase")
    answer = readers.confirm(path)
    assert answer.status_code == 410
    assert readers.rows() == []
    readers.clock.move(1)
    readers.subscribe()
    assert len(readers.rows()) == 1
    with readers.engine.connect() as connection:
        count = text("select count(*) from verdicts.suppressions")
        assert connection.scalar(count) == 0
