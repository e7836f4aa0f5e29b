"""The database of these commands, and the issues in it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from infra.cli.options import attached_settings
from infra.errors import VerdictsError
from infra.postgres.engine import create_engine, notify
from infra.settings import Settings
from projections.private.ledger.issues import MailIssue, find_issue
from schemas.channels import Channel


@contextmanager
def mail_transaction() -> Iterator[tuple[Connection, Settings]]:
    """A transaction, and the settings; the mailer looks at the ledger when it commits.

    The mailer writes the same rows meanwhile. So this is no snapshot, in which a write of a row
    that has changed since would fail; `require_issue` locks the row that a decision is about.
    """
    settings = attached_settings(kafka=False)
    engine = create_engine(settings, name="verdicts mail", pool_size=1)
    try:
        with engine.begin() as connection:
            yield connection, settings
            notify(connection, Channel.MAIL, [""])
    finally:
        engine.dispose()


def require_issue(connection: Connection, week: str) -> MailIssue:
    """The issue of a week, which stays as it is until the end of the transaction.

    Raises:
        VerdictsError: There is none.
    """
    issue = find_issue(connection, week, lock=True)
    if issue is None:
        raise VerdictsError(f"There is no issue of {week!r}; `verdicts mail status` shows all.")
    return issue
