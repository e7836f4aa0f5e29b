"""Preferences: the holder of the link changes, pauses, ends, exports and erases a subscription."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from tests.streams.api.subscriptions.conftest import JANE, Readers

pytestmark = pytest.mark.integration

LEDGER = """
    insert into verdicts.mail_ledger (week, subscriber, due, state, reply)
    values ('2026-W47', :id, now(), 'refused', :reply)
"""
BOUNCE = """
    insert into verdicts.mail_bounces (digest, kind, subscriber, detail)
    values ('x', 'hard', :id, :reply)
"""


def test_saved_preferences_show_again(readers: Readers) -> None:
    token = readers.subscribe()
    answer = readers.act(
        token, "save", frequency="monthly", topic=["editors"], timezone="Asia/Kolkata",
        paused_until=readers.day(30).isoformat(),
    )  # fmt: skip
    assert answer.status_code == 303
    page = readers.client.get(answer.headers["location"]).text
    assert "Your preferences are saved." in page
    assert "<option selected>Asia/Kolkata</option>" in page
    assert 'value="monthly" checked' in page
    assert 'value="editors" checked' in page
    (row,) = readers.rows()
    assert row.paused_until == readers.day(30)


def test_a_pause_ends_when_its_field_is_emptied(readers: Readers) -> None:
    token = readers.subscribe()
    readers.act(token, "save", paused_until=readers.day(30).isoformat())
    readers.act(token, "save", paused_until="")
    assert readers.rows()[0].paused_until is None


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("frequency", "daily", "weekly or monthly"),
        ("timezone", "Mars/Base", "no such time zone"),
        ("topic", "unknown", "no category"),
        ("paused_until", "tomorrow", "Give a date"),
        ("paused_until", "9999-12-31", "a year at most"),
    ],
)
def test_an_impossible_choice_is_explained_at_its_field(
    readers: Readers, field: str, value: str, words: str
) -> None:
    token = readers.subscribe()
    before = readers.rows()
    answer = readers.act(token, "save", **{field: value})
    assert answer.status_code == 422
    assert words in answer.text
    assert 'class="error"' in answer.text
    assert readers.rows() == before


def test_an_unsubscribed_reader_can_subscribe_again(readers: Readers) -> None:
    token = readers.subscribe()
    answer = readers.act(token, "unsubscribe")
    assert "Subscribe again" in readers.client.get(answer.headers["location"]).text
    assert readers.rows()[0].unsubscribed is not None
    readers.act(token, "resubscribe")
    assert readers.rows()[0].unsubscribed is None


def test_the_export_has_everything_that_is_stored(readers: Readers) -> None:
    token = readers.subscribe(timezone="Europe/Berlin")
    answer = readers.act(token, "export")
    assert answer.headers["content-type"] == "application/json"
    exported = answer.json()
    assert exported["address"] == JANE
    stored = set(readers.rows()[0]._fields) - {"canonical"}
    assert stored <= set(exported)


def test_erasure_leaves_a_keyed_hash_alone(readers: Readers) -> None:
    token = readers.subscribe()
    readers.post(JANE.upper())
    row = {"id": readers.id_of(), "reply": f"550 <{JANE}> is unknown"}
    with readers.engine.begin() as connection:
        connection.execute(text("insert into verdicts.mail_issues (week) values ('2026-W47')"))
        connection.execute(text(LEDGER), row)
        connection.execute(text(BOUNCE), row)
    answer = readers.act(token, "erase")
    assert answer.status_code == 200
    assert "erased" in answer.text
    with readers.engine.connect() as connection:
        for table in ("subscribers", "outgoing_mail"):
            assert connection.scalar(text(f"select count(*) from verdicts.{table}")) == 0
        suppressed = connection.execute(text("select id, reason from verdicts.suppressions"))
        assert list(suppressed) == [(readers.id_of(), "erased")]
        rows = [
            list(connection.execute(text(f"select * from verdicts.{table}")))
            for table in ("mail_ledger", "mail_bounces")
        ]
    assert "jane" not in str([readers.state(), rows]).lower()
    assert readers.client.get(f"/subscriptions/?token={token}").status_code == 410


def test_without_a_link_the_page_says_how_to_get_one(readers: Readers) -> None:
    page = readers.client.get("/subscriptions/")
    assert page.status_code == 200
    assert 'action="/subscribe"' in page.text


def test_a_link_is_valid_for_ninety_days_and_for_one_subscription(readers: Readers) -> None:
    token = readers.subscribe()
    other = readers.subscribe("other@example.com")
    readers.act(token, "unsubscribe")
    rows = {row.canonical: row.unsubscribed is None for row in readers.rows()}
    assert rows == {JANE.lower(): False, "other@example.com": True}
    readers.clock.move(90 * 86_400 + 1)
    assert readers.act(other, "unsubscribe").status_code == 410


def test_an_unknown_action_changes_nothing(readers: Readers) -> None:
    token = readers.subscribe()
    before = readers.rows()
    assert readers.act(token, "promote").status_code == 422
    assert readers.rows() == before


def test_a_day_that_has_come_is_no_pause(readers: Readers) -> None:
    token = readers.subscribe()
    readers.act(token, "save", paused_until=readers.day(0).isoformat())
    assert readers.rows()[0].paused_until is None


def test_days_are_those_of_the_chosen_time_zone(readers: Readers) -> None:
    """On Kiritimati it is tomorrow already."""
    now = datetime.fromtimestamp(readers.clock() / 1_000_000, UTC)
    local: date = (now + timedelta(hours=14)).date()
    token = readers.subscribe()
    fields = {"timezone": "Pacific/Kiritimati", "paused_until": local.isoformat()}
    readers.act(token, "save", **fields)
    assert readers.rows()[0].paused_until is None
