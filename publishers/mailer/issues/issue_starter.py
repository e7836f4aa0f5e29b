"""Starts the issue of a closed week: fills its ledger in one statement."""

import time
from datetime import UTC, datetime

import structlog
from sqlalchemy import Connection, Engine

from infra.settings import Settings
from projections.history.weekly_digests import find_digest, is_decided
from projections.private.ledger import issues
from projections.private.ledger.issues import Audience
from publishers.mailer.issues.editions import categories_of, read_month
from publishers.mailer.issues.holds import reason_to_hold
from publishers.mailer.issues.schedule import dues, is_first_monday, monday_after
from schemas.time import weeks

log = structlog.get_logger(__name__)


class IssueStarter:
    """Starts issues when their week is closed.

    Args:
        engine: The database.
        settings: Of this process.
    """

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine, self._settings = engine, settings

    def start_due(self) -> None:
        """Start the issue of the newest closed week, once its digest is decided."""
        now = time.time_ns() // 1000
        week = weeks.preceding(weeks.week_of(now))
        if week is None:
            return
        snapshot = self._engine.execution_options(isolation_level="REPEATABLE READ")
        with snapshot.begin() as connection:
            if issues.find_issue(connection, week) or not is_decided(connection, week):
                return
            audience = find_audience(connection, week)
            if audience.weekly is None and audience.monthly is None:
                return
            mails = start(connection, week, audience, self._settings.mail.hour)
            issue = issues.find_issue(connection, week)
        log.info("issue starts", week=week, mails=mails, held=issue.reason if issue else "")


def find_audience(connection: Connection, week: str) -> Audience:
    """Whom the issue of a week concerns: by its digest, and by the month's on a first Monday."""
    monday = monday_after(week)
    monthly = read_month(connection, monday) if is_first_monday(monday) else None
    return Audience(categories_of(find_digest(connection, week)), categories_of(monthly))


def start(connection: Connection, week: str, audience: Audience, hour: int) -> int:
    """Start an issue by the calendar; return the number of its mails."""
    monday = monday_after(week)
    zones = dues(issues.list_zones(connection), monday, hour)
    fallback = dues(["UTC"], monday, hour)["UTC"]
    issues.start_issue(
        connection,
        week,
        monthly=audience.monthly is not None,
        hold_reason=reason_to_hold(connection, week),
    )
    return issues.fill_ledger(connection, week, audience, zones, fallback, monday)


def start_now(connection: Connection, week: str, audience: Audience) -> int:
    """Start an issue by hand: its mails are due at once; return the number of new ones."""
    now = datetime.now(UTC)
    issues.start_issue(
        connection,
        week,
        monthly=audience.monthly is not None,
        hold_reason=reason_to_hold(connection, week),
        late_allowed=True,
    )
    return issues.fill_ledger(connection, week, audience, {}, now, now.date())
