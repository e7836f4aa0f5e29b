"""What returned messages do to subscribers."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from infra.settings import Settings
from publishers.mailer.bounces.bounce_tokens import BounceTokens
from publishers.mailer.bounces.intake import take_maildir, take_message
from tests.publishers.mailer.bounces.corpus import (
    HARD,
    RETURN_PATH,
    SOFT,
    VACATIONS,
    complaint,
    plain,
    report,
)
from tests.publishers.mailer.conftest import VOTER_KEY, WEEK, Mailing

pytestmark = pytest.mark.integration


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    environ = {
        "VERDICTS_VOTER_KEY": VOTER_KEY,
        "VERDICTS_MAIL_FROM": "digest@verdicts.example",
        "VERDICTS_BOUNCES": str(tmp_path / "bounces"),
    }
    return Settings.from_environment(environ)


def about(settings: Settings, content: bytes, subscriber: str, week: str = WEEK) -> bytes:
    """The message, returned for one mail."""
    path = BounceTokens(settings.voter_key, settings.mail).return_path(week, subscriber)
    return content.replace(RETURN_PATH.encode(), path.encode())


def sent(mailing: Mailing, subscriber: str, *issues: str) -> None:
    for week in issues:
        mailing.execute("insert into verdicts.mail_issues (week) values (%s)", week)
        mailing.execute(
            "insert into verdicts.mail_ledger (week, subscriber, due, state) "
            "values (%s, %s, now(), 'sent')",
            week,
            subscriber,
        )


def suppressed(mailing: Mailing) -> list[tuple[str, str]]:
    return mailing.execute("select id, reason from verdicts.suppressions")


def take(engine: Engine, settings: Settings, content: bytes) -> str:
    with engine.begin() as connection:
        return take_message(connection, settings, content).kind


HARD_REPORT = report("5.1.1", HARD["5.1.1"])
SOFT_REPORT = report("5.2.2", SOFT["5.2.2"])


@pytest.mark.parametrize(
    ("content", "reason"), [(HARD_REPORT, "bounce"), (complaint("abuse"), "complaint")]
)
def test_a_hard_bounce_or_a_complaint_suppresses_at_once(
    mailing: Mailing, engine: Engine, settings: Settings, content: bytes, reason: str
) -> None:
    (ada,) = mailing.subscribe("ada@example.com")
    sent(mailing, ada, WEEK)
    take(engine, settings, about(settings, content, ada))
    assert suppressed(mailing) == [(ada, reason)]


def test_soft_bounces_suppress_after_three_issues_in_a_row(
    mailing: Mailing, engine: Engine, settings: Settings
) -> None:
    (ada,) = mailing.subscribe("ada@example.com")
    sent(mailing, ada, "2026-W44", "2026-W45", "2026-W46", "2026-W47")
    for week in ("2026-W44", "2026-W46", "2026-W47"):
        take(engine, settings, about(settings, SOFT_REPORT, ada, week))
    assert suppressed(mailing) == []  # the delivery in between counted
    take(engine, settings, about(settings, SOFT_REPORT, ada, "2026-W45"))
    take(engine, settings, about(settings, report("4.2.2", "full"), ada, "2026-W47"))
    assert suppressed(mailing) == [(ada, "bounce")]


@pytest.mark.parametrize(
    "content", [plain("Away", "I am away.", *headers) for headers in VACATIONS.values()]
)
def test_a_vacation_reply_counts_for_nothing(
    mailing: Mailing, engine: Engine, settings: Settings, content: bytes
) -> None:
    (ada,) = mailing.subscribe("ada@example.com")
    sent(mailing, ada, WEEK)
    assert take(engine, settings, about(settings, content, ada)) == "reply"
    assert suppressed(mailing) == []


def test_a_forged_bounce_harms_nobody(mailing: Mailing, engine: Engine, settings: Settings) -> None:
    (ada,) = mailing.subscribe("ada@example.com")
    sent(mailing, ada, WEEK)
    assert take(engine, settings, HARD_REPORT) == "forged"
    genuine = about(settings, HARD_REPORT, ada)
    assert take(engine, settings, genuine.replace(ada.encode(), b"a" * 16)) == "forged"
    assert suppressed(mailing) == []


def test_a_mail_to_the_list_unsubscribe_address_ends_the_subscription(
    mailing: Mailing, engine: Engine, settings: Settings
) -> None:
    (ada,) = mailing.subscribe("ada@example.com")
    sent(mailing, ada, WEEK)
    assert take(engine, settings, about(settings, plain("unsubscribe", ""), ada)) == "unsubscribe"
    ((ended,),) = mailing.execute("select unsubscribed is not null from verdicts.subscribers")
    assert ended


def test_a_message_leaves_the_maildir_once_its_row_is_there(
    mailing: Mailing, engine: Engine, settings: Settings, tmp_path: Path
) -> None:
    (ada,) = mailing.subscribe("ada@example.com")
    sent(mailing, ada, WEEK)
    new = tmp_path / "bounces" / "new"
    new.mkdir(parents=True)
    (new / "1").write_bytes(about(settings, HARD_REPORT, ada))
    (new / "2").write_bytes(b"nothing that anybody understands")
    assert take_maildir(engine, settings) == 2
    assert list(new.iterdir()) == []
    assert [file.name for file in (tmp_path / "bounces" / "cur").iterdir()] == ["2:2,S"]
    kinds = mailing.execute("select kind from verdicts.mail_bounces order by kind")
    assert kinds == [("hard",), ("unknown",)]
    (new / "1").write_bytes(about(settings, HARD_REPORT, ada))
    take_maildir(engine, settings)
    assert len(mailing.execute("select kind from verdicts.mail_bounces")) == 2
