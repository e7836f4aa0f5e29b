"""Issues that are held until an operator decides, and why."""

import structlog
from sqlalchemy import Connection

from projections.private.leadership_terms import find_copy_time
from projections.private.ledger import issues
from schemas.time import weeks
from schemas.time.instants import to_datetime

_FROM_JOURNAL = "run `verdicts mail resolve {week} --from-journal`"
_WITHOUT_JOURNAL = (
    "If it is lost, run `verdicts mail resolve {week} --without-journal`, which counts each mail "
    "that may have gone out as ambiguous."
)
RESTORED = (
    "The journal in the data folder knows of mails that the ledger does not: the database was most "
    f"likely restored from a backup. Please {_FROM_JOURNAL}, which sends nothing twice."
)
COPIED = (
    "This is not the database that the last mailer worked with: it was restored from a backup, or "
    "another server took over. It may not know of all mails that were sent. The last mailer's "
    "mail-journal/{week}.journal does: copy it into the data folder unless it is there already, "
    f"and {_FROM_JOURNAL}. A backup of the journal will not do. {_WITHOUT_JOURNAL}"
)
NO_JOURNAL = (
    "The journal in the data folder tells of no mail of this issue: either none was sent, or it is "
    "not the last mailer's. Copy mail-journal/{week}.journal there from the last mailer's data "
    f"folder, and {_FROM_JOURNAL} again. {_WITHOUT_JOURNAL}"
)
log = structlog.get_logger(__name__)


def hold(connection: Connection, week: str, why: str) -> None:
    """Hold an issue; `why` is one of the reasons above."""
    reason = why.format(week=week)
    issues.set_issue_state(connection, week, "held", reason)
    log.warning("an issue is held", week=week, reason=reason)


def hold_all(connection: Connection) -> None:
    """Hold the issues that are under way: the database is a copy."""
    for issue in issues.list_issues(connection):
        if issue.state not in ("done", "held"):
            hold(connection, issue.week, COPIED)


def reason_to_hold(connection: Connection, week: str) -> str:
    """Why an issue that starts has to wait; empty where it need not.

    A week's mails may go out once it is closed. A database that was found to be a copy later than
    that may not know of them. No mailer begins a term before the caller's transaction ends.
    """
    copied = find_copy_time(connection)
    if copied is None or copied < to_datetime(weeks.span(week)[1]):
        return ""
    return COPIED.format(week=week)
