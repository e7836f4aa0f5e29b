"""When a mail goes, and which edition it is."""

import email
import email.policy

import pytest
from sqlalchemy import Engine

from publishers.mailer.issues.issue_starter import find_audience, start
from tests.harness.waiting import wait_until
from tests.publishers.mailer.conftest import WEEK, Mailing

pytestmark = pytest.mark.integration

LAST_OF_OCTOBER, FIRST_OF_NOVEMBER = "2026-W43", "2026-W44"
"""By their Sundays; the second one's digest goes out on the first Monday of November."""


def subjects(mailing: Mailing) -> dict[str, str]:
    messages = [
        email.message_from_bytes(content, policy=email.policy.default)
        for content in mailing.mails()
    ]
    assert len({str(message["To"]) for message in messages}) == len(messages)
    return {str(message["To"]): str(message["Subject"]) for message in messages}


def test_on_the_first_monday_monthly_subscribers_get_the_month_and_weekly_ones_the_week(
    mailing: Mailing,
) -> None:
    mailing.freeze(LAST_OF_OCTOBER)
    mailing.freeze(FIRST_OF_NOVEMBER)
    mailing.subscribe("weekly@example.com")
    mailing.subscribe("monthly@example.com", frequency="monthly")
    assert mailing.json("send", LAST_OF_OCTOBER, "--dry-run")["mails"] == 1
    assert mailing.json("send", FIRST_OF_NOVEMBER)["mails"] == 2
    mailing.start()
    wait_until("both are sent", lambda: mailing.states() == {"sent": 2})
    sent = subjects(mailing)
    assert sent["weekly@example.com"].startswith("Week 44: Patchwork")
    assert sent["monthly@example.com"].startswith("October 2026: Patchwork")


def test_topics_and_a_pause_decide_who_gets_an_issue(mailing: Mailing) -> None:
    mailing.freeze()
    mailing.subscribe("all@example.com")
    mailing.subscribe("tools@example.com", topics=["developer-tools"])
    mailing.subscribe("other@example.com", topics=["voice"])
    mailing.subscribe("paused@example.com", paused_until="2999-01-01")
    mailing.subscribe("back@example.com", paused_until="2020-01-01")
    assert mailing.json("send", WEEK)["mails"] == 3
    mailing.start()
    wait_until("all are sent", lambda: mailing.states() == {"sent": 3})
    assert set(subjects(mailing)) == {"all@example.com", "tools@example.com", "back@example.com"}


def test_a_quiet_week_sends_nothing(mailing: Mailing) -> None:
    mailing.freeze()
    mailing.execute(
        "update projections_1.digests set digest = %s", f'{{"week": "{WEEK}", "quiet": true}}'
    )
    mailing.subscribe("ada@example.com")
    refused = mailing.run("send", WEEK)
    assert refused.returncode == 1
    assert f"{WEEK} was a quiet week" in refused.stderr
    assert mailing.states() == {}


def test_what_is_later_than_the_cut_off_is_held_until_an_operator_lets_it_go(
    mailing: Mailing, engine: Engine
) -> None:
    mailing.freeze()
    mailing.subscribe("ada@example.com")
    with engine.begin() as connection:
        assert start(connection, WEEK, find_audience(connection, WEEK), hour=8) == 1
    service = mailing.start()
    wait_until("it is active", lambda: "mailer is active" in service.logged)
    (issue,) = mailing.json("status")["issues"]
    assert (issue["state"], issue["mails"], issue["late"]) == ("sending", {"queued": 1}, 1)
    assert "1 later than the cut-off, held" in mailing.run("status").stdout
    assert mailing.mails() == []
    mailing.json("resume", WEEK)
    wait_until("it is sent", lambda: mailing.states() == {"sent": 1})
