"""The warm-up of a mail server: how many digest mails may still be claimed today."""

from sqlalchemy import Connection

from infra.mail_settings import MailSettings
from projections.private.ledger.mail_days import count_mails, daily_limit, read_day


class WarmUp:
    """Limits the claims of a day, and counts them in the transaction of the claim.

    So the limit holds over restarts: what was claimed when a mailer died counts as offered.

    Args:
        settings: The server and its first day's limit.
    """

    def __init__(self, settings: MailSettings) -> None:
        self._server = settings.server.host if settings.server else ""
        self._first = settings.warmup if settings.server else 0

    def allow(self, connection: Connection, mails: int) -> int:
        """How many of these mails may be claimed now."""
        if not self._first:
            return mails
        day = read_day(connection, self._server)
        return max(0, min(mails, daily_limit(self._first, day.days) - day.mails))

    def count(self, connection: Connection, mails: int) -> None:
        """Count claimed mails; a negative number takes back those that were not offered."""
        if self._server and mails:
            count_mails(connection, self._server, mails)

    def describe(self, connection: Connection) -> str:
        """`120 of 300 mails today`; empty without a warm-up."""
        if not self._first:
            return ""
        day = read_day(connection, self._server)
        return f"{day.mails:,} of {daily_limit(self._first, day.days):,} mails today (UTC)"
