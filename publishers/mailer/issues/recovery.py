"""What a new term makes of an issue's ledger and journal. Pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from projections.private.ledger.claims import LedgerRow, LedgerState, SettledMail
from publishers.mailer.delivery.journal import JournalHistory, MailProgress
from publishers.mailer.delivery.outcome import retry_pause


class Recovery(NamedTuple):
    """What to do before an issue goes on.

    Attributes:
        results: Rows that were under way, and what became of them.
        unknown: Subscribers of whom the journal knows more than the ledger: a restored database.
    """

    results: list[SettledMail]
    unknown: list[str]


def recover(week: str, rows: Mapping[str, LedgerRow], history: JournalHistory) -> Recovery:
    """Compare a ledger with its journal.

    Args:
        week: Of the issue.
        rows: Of the ledger, by subscriber.
        history: Of the journal.
    """
    progress = progress_by_subscriber(week, history)
    unknown = [
        subscriber
        for subscriber, last in progress.items()
        if (row := rows.get(subscriber)) is None or row.attempts < last.attempt
    ]
    results = [
        result
        for row in rows.values()
        if (result := _recovered(week, row, progress.get(row.subscriber), history)) is not None
    ]
    return Recovery(results, unknown)


def progress_by_subscriber(week: str, history: JournalHistory) -> dict[str, MailProgress]:
    """The journal's last word on each subscriber's mail."""
    prefix = f"{week}/"
    return {
        mail.removeprefix(prefix): last
        for mail, last in history.mails.items()
        if mail.startswith(prefix)
    }


def rows_of_journal(week: str, history: JournalHistory) -> Iterable[tuple[LedgerRow, str]]:
    """The rows that the journal alone gives, with replies: for a ledger that is older."""
    states: dict[str, LedgerState] = {
        "sent": "sent",
        "refused": "refused",
        "deferred": "queued",
        "intended": "ambiguous",
    }
    for subscriber, last in progress_by_subscriber(week, history).items():
        state = states.get(last.state, "ambiguous")
        yield LedgerRow(subscriber, state, last.attempt, 0), last.reply or "from the journal"


def _recovered(
    week: str, row: LedgerRow, last: MailProgress | None, history: JournalHistory
) -> SettledMail | None:
    """What became of a row that was under way; None for a row that was not."""
    if row.state not in ("sending", "ambiguous"):
        return None
    mail = (week, row.subscriber, row.attempts)
    if last is None or last.attempt < row.attempts:
        if row.state == "ambiguous":
            return None
        if history.is_complete(row.term):
            return SettledMail(*mail, "queued", untried=1)
        return SettledMail(*mail, "ambiguous", "the mailer ended, and its journal is not here")
    match last.state:
        case "sent":
            return SettledMail(*mail, "sent", last.reply)
        case "refused":
            return SettledMail(*mail, "refused", last.reply, bounce="soft")
        case "deferred":
            pause = retry_pause(row.attempts)
            return SettledMail(*mail, "queued", last.reply, pause=pause)
    if row.state == "ambiguous":
        return None
    return SettledMail(*mail, "ambiguous", "the mailer ended after the final dot was due")
