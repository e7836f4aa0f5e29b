"""Return paths that name the mail (VERP), and what a refused address means for a subscriber."""

from datetime import UTC, datetime

from sqlalchemy import Connection, text

from infra.mail_settings import MailSettings
from infra.signing import InvalidTokenError, TokenSigner
from projections.private.ledger.claims import SettledMail
from projections.private.subscribers.suppressions import suppress

SOFT_LIMIT = 3
PREFIX = "bounce+"

_BOUNCES = text(
    "select bounce from verdicts.mail_ledger where subscriber = :subscriber "
    "and state in ('sent', 'refused') order by week desc limit :limit"
)
_COUNT = text("update verdicts.subscribers set soft_bounces = :count where id = :subscriber")


class BounceTokens:
    """Makes and reads `bounce+{token}@domain`; the token is signed with the key that never changes.

    Args:
        voter_key: The key.
        settings: Names the domain.
    """

    def __init__(self, voter_key: str, settings: MailSettings) -> None:
        self._signer = TokenSigner([voter_key], "bounce")
        self._domain = settings.domain

    def return_path(self, week: str, subscriber: str) -> str:
        """The envelope sender of one mail. Local parts may lose their case on their way."""
        token = self._signer.issue(subscriber + week.replace("-", "").lower())
        return f"{PREFIX}{token}@{self._domain}"

    def read(self, address: str) -> tuple[str, str] | None:
        """Week and subscriber of a return path; None if it is not ours or was not signed by us."""
        local = address.strip("<> ").lower().rpartition("@")[0]
        if not local.startswith(PREFIX):
            return None
        try:
            payload = self._signer.read(local.removeprefix(PREFIX), 0)
        except InvalidTokenError:
            return None
        subscriber, week = payload[:-7], payload[-7:]
        return f"{week[:4]}-W{week[5:]}", subscriber

    def record_refusal(self, connection: Connection, mail: SettledMail) -> None:
        """Suppress an address that was refused, as `apply_bounce` says."""
        apply_bounce(connection, mail.subscriber, mail.bounce, mail.reply)


def apply_bounce(connection: Connection, subscriber: str, bounce: str, source: str) -> None:
    """Suppress after a hard bounce, a complaint, or soft bounces of three issues in a row."""
    now = datetime.now(UTC)
    if bounce == "hard":
        suppress(connection, subscriber, "bounce", source[:200], now)
    elif bounce == "complaint":
        suppress(connection, subscriber, "complaint", source[:200], now)
    elif bounce == "soft":
        row = {"subscriber": subscriber, "limit": SOFT_LIMIT}
        newest = list(connection.execute(_BOUNCES, row).scalars())
        soft = next((at for at, each in enumerate(newest) if each != "soft"), len(newest))
        connection.execute(_COUNT, {"subscriber": subscriber, "count": soft})
        if soft >= SOFT_LIMIT:
            suppress(
                connection, subscriber, "bounce", f"{soft} issues in a row: {source}"[:200], now
            )
