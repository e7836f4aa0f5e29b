"""Reads what the checks of mail judge."""

from sqlalchemy import Connection, text

from infra.cli.doctor.mail.checks import IssueState
from projections.private.ledger.issues import count_late, count_mails, list_issues

_SENT = text(
    """
    select count(*) filter (where state = 'sent'), count(*) filter (where bounce = 'complaint')
    from verdicts.mail_ledger where changed > clock_timestamp() - interval '30 days'
    """
)


def issue_states(connection: Connection, cutoff_hours: int) -> list[IssueState]:
    """All issues with their mails."""
    return [
        IssueState(
            issue,
            count_mails(connection, issue.week),
            0 if issue.late_allowed else count_late(connection, issue.week, cutoff_hours),
        )
        for issue in list_issues(connection)
    ]


def complaint_counts(connection: Connection) -> tuple[int, int]:
    """Mails that were sent in 30 days, and complaints about them."""
    sent, complained = connection.execute(_SENT).one()
    return int(sent), int(complained)
