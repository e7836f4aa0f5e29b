"""Commands on whole issues: `verdicts mail status|send|pause|resume|resolve`."""

from typing import Any

import click
from sqlalchemy import Connection

from infra.cli.commands.mail.database import mail_transaction, require_issue
from infra.cli.options import answer, as_json, counted
from infra.errors import VerdictsError
from infra.settings import Settings
from projections.history.weekly_digests import is_decided
from projections.private import outgoing_mail
from projections.private.ledger import claims, issues
from projections.private.ledger.issues import MailIssue
from projections.private.subscribers.addresses import parse_address
from publishers.mailer.delivery.warm_up import WarmUp
from publishers.mailer.issues.editions import render_edition
from publishers.mailer.issues.issue_starter import find_audience, start_now


@click.command()
@as_json
def status(as_json: bool) -> None:
    """Show all issues and how many mails of each are in which state.

    \b
    verdicts mail status
    verdicts mail status --json | jq '.issues[0].mails'
    """
    with mail_transaction() as (connection, settings):
        rows = [_row(connection, settings, each) for each in issues.list_issues(connection)]
        single = outgoing_mail.count_by_state(connection)
        warm_up = WarmUp(settings.mail).describe(connection)
    lines = [_line(row) for row in rows] or ["No issue has started yet."]
    lines.append(f"single mails  {_counts(single)}")
    if warm_up:
        lines.append(f"warm-up  {warm_up}")
    answer({"issues": rows, "single": single, "warm_up": warm_up}, as_json, "\n".join(lines))


@click.command()
@click.argument("week")
@click.option("--dry-run", is_flag=True, help="Say what would be sent; change nothing.")
@click.option("--to", "address", help="Send one copy to this address, outside the ledger.")
@as_json
def send(week: str, dry_run: bool, address: str | None, as_json: bool) -> None:
    """Send a week's digest now to every subscriber who does not have it yet.

    \b
    verdicts mail send 2026-W47 --dry-run
    verdicts mail send 2026-W47 --to ada@example.com
    verdicts mail send 2026-W47
    """
    with mail_transaction() as (connection, settings):
        if not is_decided(connection, week):
            raise VerdictsError(
                f"{week!r} has no frozen digest; `verdicts digest list` shows the weeks that have."
            )
        audience = find_audience(connection, week)
        if audience.weekly is None and (address or audience.monthly is None):
            raise VerdictsError(f"{week} was a quiet week, so there is nothing to send.")
        text = render_edition(
            connection,
            settings.public_url,
            settings.mail,
            week,
            "monthly" if audience.weekly is None else "weekly",
            (),
        )
        result: dict[str, Any] = {"week": week, "subject": text.subject, "dry_run": dry_run}
        if address:
            result |= {"to": parse_address(address).typed, "mails": 1}
            if not dry_run:
                fields = {"week": week}
                outgoing_mail.enqueue(connection, "digest-copy", result["to"], fields)
        else:
            savepoint = connection.begin_nested()
            result["mails"] = start_now(connection, week, audience)
            issue = require_issue(connection, week)
            if issue.state == "held":
                result["held"] = issue.reason
            if dry_run:
                savepoint.rollback()
    verb = "would go" if dry_run else "queued; the mailer sends"
    if "held" in result:
        verb = f"held. {result['held']}"
    answer(result, as_json, f"{counted(result['mails'], 'mail')} {verb}: {text.subject}")


@click.command()
@click.argument("week")
@as_json
def pause(week: str, as_json: bool) -> None:
    """Pause an issue; mails that are under way still go.

    \b
    verdicts mail pause 2026-W47
    """
    with mail_transaction() as (connection, _):
        issue = require_issue(connection, week)
        if issue.state != "sending":
            raise VerdictsError(f"The issue of {week} is {issue.state}, so it cannot be paused.")
        issues.set_issue_state(connection, week, "paused", "paused by an operator")
    answer({"week": week, "state": "paused"}, as_json, f"{week} is paused.")


@click.command()
@click.argument("week")
@as_json
def resume(week: str, as_json: bool) -> None:
    """Let a paused issue go on, and let mails go that are later than the cut-off.

    \b
    verdicts mail resume 2026-W47
    """
    with mail_transaction() as (connection, _):
        issue = require_issue(connection, week)
        if issue.state == "held":
            raise VerdictsError(f"{week} is held. {issue.reason}")
        if issue.state == "reconciling":
            raise VerdictsError(f"{week} goes on once the mailer has taken over the journal.")
        issues.set_issue_state(connection, week, "sending", late_allowed=True)
    answer({"week": week, "state": "sending"}, as_json, f"{week} goes on.")


@click.command()
@click.argument("week", required=False)
@click.option("--ambiguous", type=click.Choice(["hold", "resend"]), help="What to do with them.")
@click.option("--to", "subscriber", help="The mail of this subscriber's id or address alone.")
@click.option("--from-journal", is_flag=True, help="Take over what the mailer's journal says.")
@click.option("--without-journal", is_flag=True, help="Count what may be sent as ambiguous.")
@as_json
def resolve(
    week: str | None,
    ambiguous: str | None,
    subscriber: str | None,
    from_journal: bool,
    without_journal: bool,
    as_json: bool,
) -> None:
    """Decide on mails that may have been sent, or on an issue that is held.

    `hold` counts them as sent and never sends them again. `resend` sends them, maybe twice.
    An issue is held after the database was restored from a backup: `verdicts mail status` says
    what to do.

    \b
    verdicts mail resolve --ambiguous hold
    verdicts mail resolve 2026-W47 --ambiguous resend --to ada@example.com
    verdicts mail resolve 2026-W47 --from-journal
    verdicts mail resolve 2026-W47 --without-journal
    """
    if [bool(ambiguous), from_journal, without_journal].count(True) != 1:
        raise click.UsageError(
            "Give one of --ambiguous hold|resend, --from-journal and --without-journal."
        )
    if week is None and not ambiguous:
        raise click.UsageError("Name the week of the issue.")
    with mail_transaction() as (connection, _):
        weeks = [week] if week else [each.week for each in issues.list_issues(connection)]
        for each in weeks:
            require_issue(connection, each)
        if week and not ambiguous:
            _require_held(connection, week)
        if week and from_journal:
            issues.set_issue_state(connection, week, "reconciling", late_allowed=True)
            answer({"week": week, "state": "reconciling"}, as_json, f"{week} is reconciled.")
            return
        if week and without_journal:
            _doubt(connection, week, as_json)
            return
        number = sum(
            _resolve_week(connection, each, ambiguous == "resend", subscriber) for each in weeks
        )
    verb = "queued again" if ambiguous == "resend" else "counted as sent"
    answer({"mails": number, "action": ambiguous}, as_json, f"{counted(number, 'mail')} {verb}.")


def _require_held(connection: Connection, week: str) -> None:
    if require_issue(connection, week).state not in ("held", "reconciling"):
        raise VerdictsError(f"{week} is not held, so there is nothing to decide.")


def _doubt(connection: Connection, week: str, as_json: bool) -> None:
    """Let a held issue go on, with the mails that may have been sent as ambiguous."""
    reply = "the database was restored, and no journal says whether this was sent"
    number = claims.doubt(connection, week, reply)
    issues.set_issue_state(connection, week, "sending")
    text = f"{counted(number, 'mail')} may have been sent; decide with --ambiguous hold or resend."
    answer({"week": week, "state": "sending", "mails": number}, as_json, text)


def _resolve_week(connection: Connection, week: str, resend: bool, subscriber: str | None) -> int:
    if subscriber and "@" in subscriber:
        rows = claims.list_mails(connection, week, "ambiguous")
        matching = [str(row["subscriber"]) for row in rows if row["address"] == subscriber]
        subscriber = matching[0] if matching else subscriber
    number = claims.resolve_ambiguous(connection, week, resend=resend, subscriber=subscriber)
    if number and resend:
        issues.start_issue(connection, week, late_allowed=True)
    return number


def _row(connection: Connection, settings: Settings, issue: MailIssue) -> dict[str, Any]:
    return {
        "week": issue.week,
        "state": issue.state,
        "reason": issue.reason,
        "monthly": issue.monthly,
        "mails": issues.count_mails(connection, issue.week),
        "late": 0
        if issue.late_allowed
        else issues.count_late(connection, issue.week, settings.mail.cutoff_hours),
    }


def _line(row: dict[str, Any]) -> str:
    late = f"; {row['late']} later than the cut-off, held" if row["late"] else ""
    reason = f"; {row['reason']}" if row["reason"] else ""
    return f"{row['week']}  {row['state']:<8}  {_counts(row['mails'])}{late}{reason}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{counts[state]:,} {state}" for state in sorted(counts)) or "none"
