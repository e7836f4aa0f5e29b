"""The commands of `verdicts projections`."""

import sys

import click
from rich.console import Console
from sqlalchemy import Engine

from infra.cli.commands.projections import rendering
from infra.cli.options import answer, as_json, attached_settings, counted
from infra.cli.progress_bar import progress_bar
from infra.kafka.registry import codec
from infra.postgres.engine import create_engine
from infra.runtime import gc_tuning
from infra.settings import Settings
from projections import generations
from streams.rebuild import service
from streams.rebuild.generation_positions import look_up_positions


@click.group()
def projections() -> None:
    """Show how far the projections are, and rebuild them.

    A rebuild fills a new generation from the log while the live generation keeps serving. Compare
    the two, promote the new one, and roll back if necessary.

    \b
    verdicts projections status
    verdicts projections rebuild
    verdicts projections diff projections_2
    verdicts projections promote projections_2
    verdicts projections rollback
    """


@projections.command()
@as_json
def status(as_json: bool) -> None:
    """Show offset, end and lag of every partition, in every generation.

    The lag is the number of events not applied yet, and the age in seconds of the oldest of them.

    \b
    verdicts projections status
    verdicts projections status --json
    """
    rows = look_up_positions(*_attached())
    if as_json:
        answer(rows, True, "")
    else:
        Console().print(rendering.table(rows))


@projections.command()
@click.option("--resume", metavar="NAME", help="Continue filling this generation.")
@as_json
def rebuild(resume: str | None, as_json: bool) -> None:
    """Fill a new generation from the first event of the log.

    The live generation keeps serving and receiving; a rebuild publishes nothing. After an
    interruption the workers continue it, or `--resume` does.

    \b
    verdicts projections rebuild
    verdicts projections rebuild --resume projections_2
    """
    settings, database = _attached()
    gc_tuning.reduce_gc()
    name = resume or service.create(database)
    click.echo(
        f"Filling {name}. After an interruption, continue with: "
        f"verdicts projections rebuild --resume {name}",
        err=True,
    )
    with progress_bar("Applying events") as progress:
        filled = service.rebuild(settings, database, codec(settings), name, progress)
    answer(
        filled._asdict(),
        as_json,
        f"{name} is filled, and the workers keep it up to date."
        f"{rendering.skipped(filled.passed_over)}\n"
        f"Compare it, then make it live:\n"
        f"  verdicts projections diff {name}\n"
        f"  verdicts projections promote {name}",
    )


@projections.command()
@click.argument("name")
@as_json
def diff(name: str, as_json: bool) -> None:
    """Compare a generation with the live one: rows, a hash, and the first rows that differ.

    Both are read at the same offsets; the workers pause briefly for that. The exit status is 1
    when the generations differ.

    \b
    verdicts projections diff projections_2
    verdicts projections diff projections_2 --json
    """
    settings, database = _attached()
    diff = service.compare(settings, database, codec(settings), name)
    if diff.ahead:
        click.echo(
            f"{name} has applied {counted(diff.ahead, 'event')} that {diff.live} has not, so rows "
            "may differ for that reason alone. Check that workers run: verdicts projections status",
            err=True,
        )
    answer(diff.tables, as_json, rendering.differences(diff, name))
    sys.exit(0 if all(table.equal for table in diff.tables) else 1)


@projections.command()
@click.argument("name")
@as_json
def promote(name: str, as_json: bool) -> None:
    """Make a generation the live one, at equal offsets and in one transaction.

    The workers pause briefly. Only the records that differ are published.

    \b
    verdicts projections promote projections_2
    """
    settings, database = _attached()
    changed = service.promote(settings, database, codec(settings), name)
    answer(
        {"live": name, "changed": changed},
        as_json,
        f"{name} is live. Publishing the difference: {counted(changed, 'record')}. "
        "To go back: verdicts projections rollback",
    )


@projections.command()
@as_json
def rollback(as_json: bool) -> None:
    """Make the previous generation live again.

    A second rollback is refused; `promote` makes the newer generation live.

    \b
    verdicts projections rollback
    """
    settings, database = _attached()
    with database.connect() as connection:
        former, live = generations.find_former(connection), generations.find_live(connection)
    name = rollback_target(former, live)
    changed = service.promote(settings, database, codec(settings), name)
    answer(
        {"live": name, "changed": changed},
        as_json,
        f"{name} is live again. Publishing the difference: {counted(changed, 'record')}.",
    )


def rollback_target(former: str | None, live: str) -> str:
    """Return the generation to which a rollback leads: an older one than the live one.

    Raises:
        click.ClickException: There is none, or the live generation is the result of a rollback.
    """
    if former is None:
        raise click.ClickException("There is no previous generation.")
    if generations.is_newer(former, live):
        raise click.ClickException(
            f"{live} is live already, after a rollback from {former}. To make {former} live again: "
            f"verdicts projections promote {former}"
        )
    return former


@projections.command()
@click.argument("name")
@as_json
def drop(name: str, as_json: bool) -> None:
    """Drop a generation that is not live, with all its rows.

    \b
    verdicts projections drop projections_1
    """
    _, database = _attached()
    with database.begin() as connection:
        generations.drop(connection, name)
    answer({"dropped": name}, as_json, f"{name} is dropped.")


def _attached() -> tuple[Settings, Engine]:
    settings = attached_settings()
    return settings, create_engine(settings, name="verdicts projections", idle_seconds=0)
