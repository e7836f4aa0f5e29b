"""`verdicts subscribers`: who gets the digests by mail, and who must not."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from infra.cli.commands.subscribers.database import open_database
from infra.cli.commands.subscribers.rendering import describe, line, report_line, summarize
from infra.cli.options import answer, as_json
from projections.private.subscribers.addresses import parse_address
from projections.private.subscribers.csv_files import (
    ConsentedRow,
    check_consent_time,
    read_rows,
    write_rows,
)
from projections.private.subscribers.imports import import_rows
from projections.private.subscribers.preferences import (
    Preferences,
    check_frequency,
    check_timezone,
    check_topics,
)
from projections.private.subscribers.subscriptions import (
    erase as erase_subscription,
)
from projections.private.subscribers.subscriptions import (
    find_subscriber,
    list_subscribers,
)
from projections.private.subscribers.suppressions import (
    find_suppression,
    lift_suppression,
)
from projections.private.subscribers.suppressions import (
    suppress as suppress_address,
)
from projections.read.categories import list_categories

OPERATOR = "verdicts subscribers"


@click.group()
def subscribers() -> None:
    """Manage who gets the digests by mail, and who must not.

    Readers subscribe on the site and confirm by mail; these commands are for operators.
    """


@subscribers.command("list")
@click.option("--state", type=click.Choice(["subscribed", "unsubscribed", "suppressed"]))
@as_json
def list_(state: str | None, as_json: bool) -> None:
    """List subscriptions by address.

    \b
    verdicts subscribers list
    verdicts subscribers list --state unsubscribed --json
    """
    with open_database() as database:
        stored = [s for s in list_subscribers(database.connection) if state in (None, s.state)]
    answer([describe(each) for each in stored], as_json, "\n".join(map(line, stored)))


@subscribers.command()
@click.argument("address")
@as_json
def show(address: str, as_json: bool) -> None:
    """Show everything that is stored about an address; exit status 1 if nothing is.

    \b
    verdicts subscribers show jane@example.com
    """
    with open_database() as database:
        subscriber_id = database.id_of(parse_address(address))
        subscriber = find_subscriber(database.connection, subscriber_id)
        suppression = find_suppression(database.connection, subscriber_id)
    value = describe(subscriber, suppression)
    text = "\n".join(f"{name:<15} {content}" for name, content in value.items())
    answer(value, as_json, text or "Nothing is stored about this address.")
    sys.exit(0 if value else 1)


@subscribers.command()
@click.argument("address")
@click.option("--source", required=True, help="Where consent was given.")
@click.option("--time", default="", help="When, as RFC 3339 or a date; by default now.")
@click.option("--frequency", default="weekly", help="weekly or monthly.")
@click.option("--topic", "topics", multiple=True, help="Slug of a category; none means all.")
@click.option("--timezone", default="UTC", help="IANA name, such as Europe/Berlin.")
@as_json
def add(
    address: str,
    source: str,
    time: str,
    frequency: str,
    topics: tuple[str, ...],
    timezone: str,
    as_json: bool,
) -> None:
    """Add a subscriber who gave consent elsewhere; exit status 1 if that cannot be.

    \b
    verdicts subscribers add jane@example.com --source "PyCon table, signed list"
    verdicts subscribers add jo@example.com --source "the old site" --time 2026-05-04
    """
    now = datetime.now(UTC)
    with open_database() as database:
        known = {category.category for category in list_categories(database.connection)}
        preferences = Preferences(
            check_frequency(frequency), check_topics(topics, known), check_timezone(timezone)
        )
        consented = check_consent_time(time, now) if time else now
        row = ConsentedRow(1, parse_address(address), preferences, source, consented)
        (report,) = import_rows(database.connection, [row], database.id_of)
    added = report.outcome == "added"
    text = f"{address} is subscribed." if added else f"{address} was not added. {report.detail}"
    answer({"added": added, "outcome": report.outcome, "detail": report.detail}, as_json, text)
    sys.exit(0 if added else 1)


@subscribers.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Report, and change nothing.")
@as_json
def import_(file: Path, dry_run: bool, as_json: bool) -> None:
    """Add the subscribers of a CSV file; exit status 1 if a line is invalid.

    The first line names the columns: email, source and time of the consent, and if you like
    frequency, topics (slugs, separated by spaces) and timezone. The file is in UTF-8. Each line is
    reported. Addresses that have a subscription, unsubscribed or are suppressed stay as they are.

    \b
    verdicts subscribers import readers.csv --dry-run
    verdicts subscribers import readers.csv --json | jq '.lines[] | select(.outcome == "invalid")'
    """
    with open_database() as database:
        known = {category.category for category in list_categories(database.connection)}
        rows = read_rows(file.read_bytes(), known, datetime.now(UTC))
        reports = list(import_rows(database.connection, rows, database.id_of))
        if dry_run:
            database.connection.rollback()
    summary = summarize(reports, dry_run=dry_run)
    text = "\n".join([*map(report_line, reports), summary.text])
    answer({"dry_run": dry_run, "counts": summary.counts, "lines": reports}, as_json, text)
    sys.exit(1 if summary.counts.get("invalid") else 0)


@subscribers.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
def export(file: Path | None) -> None:
    """Write all subscriptions as CSV, to a file or standard output; an import reads it.

    \b
    verdicts subscribers export > readers.csv
    """
    with open_database() as database:
        lines = write_rows(list_subscribers(database.connection))
        if file is None:
            for text in lines:
                click.echo(text)
            return
        with file.open("w", encoding="utf-8", newline="") as opened:
            opened.writelines(f"{text}\r\n" for text in lines)


@subscribers.command()
@click.argument("address")
@click.option("--lift", is_flag=True, help="Let the address get mail again.")
@as_json
def suppress(address: str, lift: bool, as_json: bool) -> None:
    """Let an address get no mail, whatever anybody imports or asks for.

    Only a keyed hash of the address is stored. It outlives an erasure.

    \b
    verdicts subscribers suppress jane@example.com
    verdicts subscribers suppress jane@example.com --lift
    """
    with open_database() as database:
        subscriber_id = database.id_of(parse_address(address))
        if lift:
            lifted = lift_suppression(database.connection, subscriber_id)
            text = "may get mail again." if lifted else "was not suppressed."
            return answer({"lifted": lifted}, as_json, f"{address} {text}")
        now = datetime.now(UTC)
        suppress_address(database.connection, subscriber_id, "operator", OPERATOR, now)
    return answer({"suppressed": True}, as_json, f"{address} gets no mail from now on.")


@subscribers.command()
@click.argument("address")
@as_json
def erase(address: str, as_json: bool) -> None:
    """Delete everything about an address but a keyed hash; exit status 1 if there was nothing.

    The hash keeps imports from adding the address again; its owner can subscribe again.

    \b
    verdicts subscribers erase jane@example.com
    """
    with open_database() as database:
        subscriber_id = database.id_of(parse_address(address))
        now = datetime.now(UTC)
        erased = erase_subscription(database.connection, subscriber_id, OPERATOR, now)
    text = "is erased." if erased else "had no subscription; imports will not add it."
    answer({"erased": erased}, as_json, f"{address} {text}")
    sys.exit(0 if erased else 1)
