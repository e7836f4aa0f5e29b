"""`verdicts digest`: weekly digests, listed, rendered for mail, and frozen by hand."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy import Connection

from infra.cli.options import answer, as_json, attached_settings
from infra.errors import VerdictsError
from infra.postgres.engine import create_engine
from projections.history.weekly_digests import find_digest, list_digests
from publishers.content.database_content import DatabaseContent
from publishers.pages import digest_mail
from publishers.templating import theme
from publishers.views.digests.digest import summary
from schemas.time import weeks
from streams.processing.week_freezer_thread import SILENT_SECONDS, exclusive_lock, freezing

OUTCOMES = {
    "frozen": "is frozen",
    "already": "was closed before",
    "quiet": "is closed without a digest, because nothing happened in it",
}


@click.group()
def digest() -> None:
    """List, render and freeze the weekly digests.

    The worker freezes a closed week ten minutes after its end. A week in which nothing happened is
    closed, too, but has no digest.

    \b
    verdicts digest list
    verdicts digest render 2026-W47 --format eml > digest.eml
    """


@digest.command("list")
@as_json
def list_(as_json: bool) -> None:
    """List the weeks that have a digest, newest first.

    \b
    verdicts digest list
    verdicts digest list --json | jq -r '.[0].week'
    """
    with _snapshot() as connection:
        digests = list_digests(connection)
    rows = [
        {"week": digest.week, "frozen": digest.frozen, "summary": summary(digest)}
        for digest in digests
    ]
    lines = [
        f"{row['week']}  {'frozen ' if row['frozen'] else 'running'}  {row['summary']}"
        for row in rows
    ]
    answer(rows, as_json, "\n".join(lines) or "No week has a digest yet.")


@digest.command()
@click.argument("week")
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "text", "eml"]),
    default="text",
    show_default=True,
    help="A page for mail clients, plain text, or both as one message.",
)
def render(week: str, form: str) -> None:
    """Render one week's digest for mail to standard output; nothing is sent.

    \b
    verdicts digest render 2026-W47 --format html > digest.html
    verdicts digest render 2026-W47 --format eml > digest.eml
    """
    settings = attached_settings()
    theme.activate(settings)
    url = settings.public_url
    with _snapshot() as connection:
        digest = find_digest(connection, week)
        if digest is None:
            raise VerdictsError(
                f"There is no digest of {week!r}; `verdicts digest list` shows all."
            )
        content = DatabaseContent(connection)
        if form == "eml":
            click.get_binary_stream("stdout").write(digest_mail.message(content, url, digest))
        else:
            render_part = digest_mail.html if form == "html" else digest_mail.text
            click.echo(render_part(content, url, digest), nl=False)


@digest.command()
@click.argument("week")
@as_json
def freeze(week: str, as_json: bool) -> None:
    """Freeze a closed week's digest now, if no worker has done so; exit status 1 if one has.

    The projections must keep up with the log, so a worker must run.

    \b
    verdicts digest freeze 2026-W47
    """
    settings = attached_settings()
    _require_closed(week)
    with (
        exclusive_lock(settings, silent_seconds=SILENT_SECONDS),
        freezing(settings) as freezer,
    ):
        outcome = freezer.freeze(week)
    answer({"week": week, "outcome": outcome}, as_json, f"{week} {OUTCOMES[outcome]}.")
    sys.exit(1 if outcome == "already" else 0)


def _require_closed(week: str) -> None:
    if not weeks.exists(week):
        raise VerdictsError(f"The calendar has no week {week!r}; write it like 2026-W47.")
    if weeks.span(week)[1] > time.time_ns() // 1000:
        raise VerdictsError(f"{week} has not ended yet; it stays open until then.")


@contextmanager
def _snapshot() -> Iterator[Connection]:
    database = create_engine(attached_settings(), name="verdicts digest", pool_size=1)
    try:
        with database.execution_options(isolation_level="REPEATABLE READ").connect() as connection:
            yield connection
    finally:
        database.dispose()
