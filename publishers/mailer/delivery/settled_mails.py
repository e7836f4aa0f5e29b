"""What the outcome of an attempt makes of a mail's row. Pure."""

from projections.private.ledger.claims import DigestMail, SettledMail
from publishers.mailer.delivery.outcome import Outcome, retry_pause

MAX_ATTEMPTS = 6


def settled_mail(mail: DigestMail, outcome: Outcome) -> SettledMail:
    """What an outcome makes of the mail's row."""
    row = (mail.week, mail.subscriber, mail.attempt)
    match outcome.state:
        case "untried":
            return SettledMail(*row, "queued", outcome.reply, untried=1)
        case "deferred" if mail.attempt < MAX_ATTEMPTS:
            pause = retry_pause(mail.attempt)
            return SettledMail(*row, "queued", outcome.reply, pause=pause)
        case "deferred":
            reply = f"given up after {mail.attempt} attempts: {outcome.reply}"
            return SettledMail(*row, "refused", reply, bounce="soft")
        case "refused":
            return SettledMail(
                *row, "refused", outcome.reply, bounce="hard" if outcome.hard else "soft"
            )
        case state:
            return SettledMail(*row, state, outcome.reply)
