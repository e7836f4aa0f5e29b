"""Commands on single mails: `verdicts mail list|show|bounce`."""

import email
import email.policy
from pathlib import Path
from typing import Any, get_args

import click

from infra.cli.commands.mail.database import mail_transaction
from infra.cli.options import answer, as_json, attached_settings, counted
from infra.errors import VerdictsError
from projections.private.ledger import claims, issues
from projections.private.ledger.claims import LedgerState
from publishers.mailer.bounces.intake import take_message


@click.command("list")
@click.option("--week", help="Mails of this issue's ledger; without it or --state: the Maildir.")
@click.option("--state", type=click.Choice(get_args(LedgerState)), help="Mails in this state.")
@as_json
def list_(week: str | None, state: str | None, as_json: bool) -> None:
    """List the mails in the Maildir, or the mails of the ledger with their states.

    \b
    verdicts mail list
    verdicts mail list --week 2026-W47
    verdicts mail list --state ambiguous --json
    """
    if week is None and state is None:
        _list_files(as_json)
        return
    with mail_transaction() as (connection, _):
        weeks = [week] if week else [each.week for each in issues.list_issues(connection)]
        rows = [row for each in weeks for row in claims.list_mails(connection, each, state)]
    lines = [
        f"{row['week']}  {row['state']:<9}  {row['address'] or row['subscriber']}  {row['reply']}"
        for row in rows
    ]
    answer(rows, as_json, "\n".join(lines) or "No mail is in that state.")


@click.command()
@click.argument("name")
@as_json
def show(name: str, as_json: bool) -> None:
    """Show a mail of the Maildir: its name, or the beginning of it, or `last`.

    \b
    verdicts mail show last
    verdicts mail list --json | jq -r '.[0].name' | xargs verdicts mail show
    """
    files = _files()
    matching = (
        files[-1:] if name == "last" else [each for each in files if each.name.startswith(name)]
    )
    if len(matching) != 1:
        how_many = "no mail" if not matching else "several mails"
        raise VerdictsError(f"{how_many.capitalize()} in the Maildir match {name!r}.")
    content = matching[0].read_bytes()
    message = email.message_from_bytes(content, policy=email.policy.default)
    body = message.get_body(("plain",))
    text = body.get_content() if body else ""
    headers = {key: str(value) for key, value in message.items()}
    shown = "\n".join(
        f"{key}: {headers[key]}" for key in ("From", "To", "Subject") if key in headers
    )
    answer(
        {"name": matching[0].name, "headers": headers, "text": text},
        as_json,
        f"{shown}\n\n{text}",
    )


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@as_json
def bounce(files: tuple[Path, ...], as_json: bool) -> None:
    """Judge bounces, complaints and replies in files; the files stay.

    \b
    verdicts mail bounce returned.eml
    verdicts mail bounce --json Maildir/new/*
    """
    results = []
    with mail_transaction() as (connection, settings):
        settings = settings.with_keys()
        for file in files:
            verdict = take_message(connection, settings, file.read_bytes())
            results.append({"file": str(file), "kind": verdict.kind, "detail": verdict.detail})
    lines = [f"{row['file']}: {row['kind']} ({row['detail']})" for row in results]
    answer(results, as_json, "\n".join(lines))


def _files() -> list[Path]:
    folder = attached_settings(kafka=False).data / "mail"
    files = [file for part in ("cur", "new") for file in (folder / part).glob("*")]
    return sorted(files, key=lambda file: file.name)


def _list_files(as_json: bool) -> None:
    rows: list[dict[str, Any]] = []
    for file in _files():
        with file.open("rb") as content:
            headers = email.message_from_binary_file(content, policy=email.policy.default)
        rows.append(
            {
                "name": file.name,
                "date": str(headers["Date"]),
                "to": str(headers["To"]),
                "subject": str(headers["Subject"]),
            }
        )
    lines = [f"{row['name']}  {row['to']}  {row['subject']}" for row in rows]
    lines.append(f"{counted(len(rows), 'mail')} in the Maildir.")
    answer(rows, as_json, "\n".join(lines))
