"""`verdicts digest`: the weeks' digests, read, rendered for mail, and frozen by hand."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy import Connection

from infra.cli.options import answer, as_json, attached_settings
from infra.embedded.errors import EmbeddedError
from infra.postgres.engine import create_engine


@click.group()
def digest() -> None:
    """The weeks' digests. A closed week is frozen by the worker, ten minutes after its end.

    A week in which nothing happened is closed too, but has no digest.

    \b
    verdicts digest list
    verdicts digest render 2026-W47 --format eml > digest.eml
    """


@digest.command("list")
@as_json
def list_(as_json: bool) -> None:
    """Show which weeks have a digest, newest first.

    \b
    verdicts digest list
    verdicts digest list --json | jq -r '.[0].week'
    """
    from projections.history.digest_queries import everything
    from publishers.views.digests.digest import summary

    with _snapshot() as connection:
        found = everything(connection)
    told = [{"week": one.week, "frozen": one.frozen, "summary": summary(one)} for one in found]
    lines = [
        f"{one['week']}  {'frozen ' if one['frozen'] else 'running'}  {one['summary']}"
        for one in told
    ]
    answer(told, as_json, "\n".join(lines) or "No week has a digest yet.")


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
    """Render one week's digest for mail; it goes to standard output, nothing is sent.

    \b
    verdicts digest render 2026-W47 --format html > digest.html
    verdicts digest render 2026-W47 --format eml > digest.eml
    """
    from projections.history.digest_queries import find
    from publishers.pages import mail

    with _snapshot() as connection:
        found = find(connection, week)
    if found is None:
        raise EmbeddedError(f"There is no digest of {week!r}; `verdicts digest list` shows all.")
    url = attached_settings().public_url
    if form == "eml":
        click.get_binary_stream("stdout").write(mail.message(found, url))
    else:
        click.echo(mail.html(found, url) if form == "html" else mail.text(found, url), nl=False)


@digest.command()
@click.argument("week")
@as_json
def freeze(week: str, as_json: bool) -> None:
    """Decide a closed week's digest now, where no worker has done so; exit status 1 when not.

    The projections have to keep up with the log, so a worker has to run.

    \b
    verdicts digest freeze 2026-W47
    """
    from schemas.time import weeks
    from streams.processing.week_closer import SILENT_SECONDS, NotFrozen, exclusive_lock, freezing

    its = attached_settings()
    if not weeks.exists(week):
        raise EmbeddedError(f"The calendar has no week {week!r}; write it like 2026-W47.")
    if weeks.span(week)[1] > time.time_ns() // 1000:
        raise EmbeddedError(f"{week} has not ended yet; it stays open until then.")
    try:
        with exclusive_lock(its, silent_seconds=SILENT_SECONDS), freezing(its) as work:
            outcome = work.freeze(week)
    except NotFrozen as error:
        raise EmbeddedError(str(error)) from error
    said = {
        "frozen": "is frozen",
        "already": "was decided before",
        "quiet": "is closed without a digest, since nothing happened in it",
    }[outcome]
    answer({"week": week, "outcome": outcome}, as_json, f"{week} {said}.")
    sys.exit(1 if outcome == "already" else 0)


@contextmanager
def _snapshot() -> Iterator[Connection]:
    made = create_engine(attached_settings(), name="verdicts digest", pool_size=1)
    try:
        with made.execution_options(isolation_level="REPEATABLE READ").connect() as connection:
            yield connection
    finally:
        made.dispose()
