"""Judges mail: one sentence for each thing that keeps a digest from its reader."""

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

import msgspec

from infra.cli.doctor.finding import Finding, fail, ok, warn
from infra.mail_settings import MailSettings
from projections.private.ledger.issues import MailIssue
from publishers.mailer.messages.dkim import DkimKeyError, DkimSigner

MAX_COMPLAINT_SHARE = 0.0005
CHECK = "mail"


class IssueState(msgspec.Struct, frozen=True):
    """An issue, its mails by state, and how many are later than the cut-off."""

    issue: MailIssue
    mails: dict[str, int]
    late: int


def configuration(settings: MailSettings, public_url: str) -> Iterable[Finding]:
    """Whether mail can reach people; without a mail server it goes into files."""
    if settings.server is None:
        says = "Mail goes into the Maildir of the data folder; no mail server is set."
        private = urlsplit(public_url).hostname in ("localhost", "127.0.0.1", "::1")
        yield ok(CHECK, says) if private else warn(CHECK, says, "Set SMTP_URL, so readers get it.")
        return
    if not public_url.startswith("https://"):
        yield fail(
            CHECK,
            f"Unsubscribe links lead to {public_url}, and one-click needs https (RFC 8058).",
            "Set VERDICTS_PUBLIC_URL to an https address.",
        )
    if settings.domain in ("localhost", "localhost.localdomain"):
        yield fail(
            CHECK,
            f"The sender is {settings.sender}, which no mail server accepts.",
            "Set VERDICTS_MAIL_FROM to an address of your domain.",
        )
    if not (settings.server.tls_required or settings.server.host in ("localhost", "127.0.0.1")):
        yield warn(
            CHECK,
            "A mail server without STARTTLS would get mails and password in clear text.",
            "Add ?tls=required to SMTP_URL.",
        )
    if settings.bounces is None:
        yield warn(
            CHECK, "Bounces are not read.", "Set VERDICTS_BOUNCES to the Maildir that gets them."
        )
    elif not (settings.bounces / "new").is_dir():
        yield fail(
            CHECK, f"{settings.bounces} is no Maildir.", "Create it, or correct VERDICTS_BOUNCES."
        )
    yield signing(settings)


def signing(settings: MailSettings) -> Finding:
    """Whether mails are signed with a key that works."""
    if settings.dkim_key is None:
        return warn(
            CHECK,
            "Mails are not signed, so large providers refuse or sort them out.",
            "Set VERDICTS_DKIM_KEY and VERDICTS_DKIM_SELECTOR.",
        )
    try:
        signer = DkimSigner.from_file(settings.dkim_key, settings.domain, settings.dkim_selector)
    except DkimKeyError as error:
        return fail(CHECK, str(error), "Give a key in PEM.")
    name = f"{settings.dkim_selector}._domainkey.{settings.domain}"
    return ok(CHECK, f"Mails are signed; {name} must have the TXT record {signer.record}")


def issues(states: Sequence[IssueState]) -> Iterable[Finding]:
    """Whether an issue is held, late or in doubt."""
    for each in states:
        week = each.issue.week
        if each.issue.state == "held":
            yield fail(CHECK, f"The issue of {week} is held. {each.issue.reason}", "Resolve it.")
        if each.late and not each.issue.late_allowed:
            yield warn(
                CHECK,
                f"{each.late:,} mails of {week} are later than the cut-off and are held.",
                f"Send them all the same: verdicts mail resume {week}",
            )
        if doubtful := each.mails.get("ambiguous", 0):
            yield warn(
                CHECK,
                f"{doubtful:,} mails of {week} may have been sent.",
                "See verdicts mail list --state ambiguous, then verdicts mail resolve.",
            )
    if all(each.issue.state in ("done", "sending") and not each.late for each in states):
        yield ok(CHECK, "No issue is held.")


def complaints(sent: int, complained: int) -> Iterable[Finding]:
    """Whether more readers call the mail spam than providers accept."""
    if sent and complained / sent >= MAX_COMPLAINT_SHARE:
        yield warn(
            CHECK,
            f"{complained:,} of {sent:,} mails were called spam in 30 days, "
            f"{complained / sent:.2%}; providers act from 0.1 %.",
            "Look at where these subscribers come from: verdicts subscribers list",
        )
