"""Issues: the rows of `verdicts.mail_issues`, and how the ledger of one is filled."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Literal

import msgspec
from sqlalchemy import Connection, text

IssueState = Literal["sending", "paused", "held", "reconciling", "done"]

_START = text(
    """
    insert into verdicts.mail_issues (week, monthly, state, reason, late_allowed)
    values (:week, :monthly, :state, :reason, :late_allowed)
    on conflict (week) do update set
        late_allowed = mail_issues.late_allowed or excluded.late_allowed,
        state = case
            when mail_issues.state not in ('done', 'sending') then mail_issues.state
            else excluded.state end,
        reason = case
            when mail_issues.state not in ('done', 'sending') then mail_issues.reason
            else excluded.reason end
    """
)
# Who has no mail to expect is left out here: by topics, pause, suppression, or because the
# subscription is younger than the moment at which the mail was due.
_FILL = text(
    """
    insert into verdicts.mail_ledger (week, subscriber, due)
    select :week, owner.id, coalesce(zone.due, :fallback)
    from verdicts.subscribers as owner
    left join unnest(cast(:zones as text[]), cast(:dues as timestamptz[])) as zone (name, due)
        on zone.name = owner.timezone
    where owner.unsubscribed is null
        and owner.confirmed <= coalesce(zone.due, :fallback)
        and (owner.paused_until is null or owner.paused_until <= :day)
        and not exists (select from verdicts.suppressions where id = owner.id)
        and case owner.frequency
            when 'weekly' then :weekly and (owner.topics = '{}' or owner.topics && :weekly_topics)
            else :monthly and (owner.topics = '{}' or owner.topics && :monthly_topics)
        end
    on conflict do nothing
    """
)
_ZONES = text("select distinct timezone from verdicts.subscribers where unsubscribed is null")
_FIND = text("select * from verdicts.mail_issues where week = :week")
_LOCK = text("select * from verdicts.mail_issues where week = :week for update")
_LIST = text("select * from verdicts.mail_issues order by week desc")
_SET_STATE = text(
    """
    update verdicts.mail_issues set state = :state, reason = :reason,
        late_allowed = late_allowed or :late_allowed
    where week = :week
    """
)
_FINISH = text(
    """
    update verdicts.mail_issues as issue set state = 'done' where state = 'sending'
        and not exists (select from verdicts.mail_ledger
            where week = issue.week and state in ('queued', 'sending'))
    """
)
_COUNTS = text("select state, count(*) from verdicts.mail_ledger where week = :week group by state")
_LATE = text(
    """
    select count(*) from verdicts.mail_ledger where week = :week and state = 'queued'
        and due <= clock_timestamp() - make_interval(hours => :cutoff)
    """
)


class MailIssue(msgspec.Struct, frozen=True):
    """The mails of one week.

    Attributes:
        week: Such as `2026-W47`.
        state: `held` and `paused` send nothing; `reconciling` takes over what the journal says.
        reason: Why it is held.
        monthly: Whether monthly subscribers get the month's edition with it.
        late_allowed: Whether mails later than the cut-off may go.
        created: When it started.
    """

    week: str
    state: IssueState
    reason: str
    monthly: bool
    late_allowed: bool
    created: datetime


class Audience(msgspec.Struct, frozen=True):
    """Which subscribers an issue concerns.

    Attributes:
        weekly: Categories of the week's digest; None for a quiet week.
        monthly: Categories of the month's edition; None where there is none.
    """

    weekly: Collection[str] | None
    monthly: Collection[str] | None


def start_issue(
    connection: Connection,
    week: str,
    *,
    monthly: bool = False,
    hold_reason: str = "",
    late_allowed: bool = False,
) -> None:
    """Start an issue, or open a finished one again; `hold_reason` says why it has to wait."""
    row = {
        "week": week,
        "monthly": monthly,
        "state": "held" if hold_reason else "sending",
        "reason": hold_reason,
        "late_allowed": late_allowed,
    }
    connection.execute(_START, row)


def fill_ledger(
    connection: Connection,
    week: str,
    audience: Audience,
    dues: Mapping[str, datetime],
    fallback: datetime,
    day: date,
) -> int:
    """Insert a row for each subscriber whom the issue concerns; return how many are new.

    Args:
        connection: In a transaction of the caller.
        week: Of the issue.
        audience: Whom it concerns.
        dues: When the mail is due, by time zone.
        fallback: When it is due in any other time zone.
        day: The day of sending; pauses until a later day leave a subscriber out.
    """
    zones = sorted(dues)
    row = {
        "week": week,
        "zones": zones,
        "dues": [dues[zone] for zone in zones],
        "fallback": fallback,
        "day": day,
        "weekly": audience.weekly is not None,
        "weekly_topics": sorted(audience.weekly or ()),
        "monthly": audience.monthly is not None,
        "monthly_topics": sorted(audience.monthly or ()),
    }
    return connection.execute(_FILL, row).rowcount


def list_zones(connection: Connection) -> list[str]:
    """The time zones of all subscribers."""
    return list(connection.execute(_ZONES).scalars())


def find_issue(connection: Connection, week: str, *, lock: bool = False) -> MailIssue | None:
    """The issue of a week; with `lock` it stays as it is until the end of the transaction."""
    row = connection.execute(_LOCK if lock else _FIND, {"week": week}).mappings().one_or_none()
    return msgspec.convert(dict(row), MailIssue) if row else None


def list_issues(connection: Connection) -> list[MailIssue]:
    """All issues, newest first."""
    return [msgspec.convert(dict(row), MailIssue) for row in connection.execute(_LIST).mappings()]


def set_issue_state(
    connection: Connection,
    week: str,
    state: IssueState,
    reason: str = "",
    *,
    late_allowed: bool = False,
) -> None:
    """Change an issue's state."""
    row = {"week": week, "state": state, "reason": reason, "late_allowed": late_allowed}
    connection.execute(_SET_STATE, row)


def finish_issues(connection: Connection) -> None:
    """Close the issues all of whose mails have ended."""
    connection.execute(_FINISH)


def count_mails(connection: Connection, week: str) -> dict[str, int]:
    """Number of an issue's mails in each state."""
    return {row[0]: row[1] for row in connection.execute(_COUNTS, {"week": week})}


def count_late(connection: Connection, week: str, cutoff_hours: int) -> int:
    """Number of an issue's mails that are later than the cut-off."""
    row = {"week": week, "cutoff": cutoff_hours}
    return int(connection.execute(_LATE, row).scalar_one())
