"""`verdicts projections`: how far they are, and how to build them anew beside the live ones."""

import sys
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from infra.cli.options import answer, as_json, attached_settings
from infra.cli.progress_bar import progress_bar
from infra.kafka.registry import codec
from infra.postgres.engine import create_engine
from infra.runtime import gc_tuning
from infra.settings import Settings

if TYPE_CHECKING:  # too slow to load for every command
    from streams.rebuild.service import GenerationDiff


def _attached() -> tuple[Settings, Engine]:
    its = attached_settings()
    return its, create_engine(its, name="verdicts projections", idle_seconds=0)


@click.group()
def projections() -> None:
    """How far the projections are, and how to build them anew.

    A rebuild fills a new generation from the log while the live one goes on. Hold the two against
    each other, promote the new one, and roll back if you must.

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

    The lag is told in events, and in seconds since the next of them was written.

    \b
    verdicts projections status
    verdicts projections status --json
    """
    from streams.rebuild.service import positions

    found = positions(*_attached())
    if as_json:
        answer(found, True, "")
        return
    table = Table("generation", "partition", "offset", "end", "lag", "seconds", box=None)
    for it in found:
        name = f"{it.generation}{' (live)' if it.live else ''}"
        place = f"{it.topic.split('.')[1]}/{it.partition}"
        seconds = "unknown" if it.seconds is None else it.seconds
        table.add_row(name, place, *map(str, (it.offset, it.end, it.lag, seconds)))
    Console().print(table)


@projections.command()
@click.option("--resume", metavar="NAME", help="Go on filling this generation.")
@as_json
def rebuild(resume: str | None, as_json: bool) -> None:
    """Fill a new generation from the log, from its first event on.

    The live generation goes on serving and receiving; nothing is published by a rebuild. When it
    is interrupted, the workers go on with it, or `--resume` does.

    \b
    verdicts projections rebuild
    verdicts projections rebuild --resume projections_2
    """
    from streams.rebuild import service

    its, database = _attached()
    gc_tuning.reduce_gc()
    name = resume or service.create(database)
    again = f"verdicts projections rebuild --resume {name}"
    click.echo(f"Filling {name}. If this is interrupted, go on with: {again}", err=True)
    with progress_bar("Applying events") as progress:
        filled = service.rebuild(its, database, codec(its), name, progress)
    answer(
        filled._asdict(),
        as_json,
        f"{name} is filled and kept up by the workers.{_passed_over(filled.passed_over)} "
        f"Look at it, then make it live:\n"
        f"  verdicts projections diff {name}\n"
        f"  verdicts projections promote {name}",
    )


def _passed_over(count: int) -> str:
    if not count:
        return ""
    return (
        f"\n{count} of the records cannot be applied and were passed over; those that the live "
        "generation could not apply either stand in: verdicts deadletters list\n"
    )


@projections.command()
@click.argument("name")
@as_json
def diff(name: str, as_json: bool) -> None:
    """Hold a generation against the live one: rows, a hash, and the first rows that differ.

    Both are looked at as they were when they had applied the same events; for a moment the workers
    wait for that. The exit status is 1 when they differ.

    \b
    verdicts projections diff projections_2
    verdicts projections diff projections_2 --json
    """
    from streams.rebuild import service

    its, database = _attached()
    found = service.compare(its, database, codec(its), name)
    if found.ahead:
        click.echo(
            f"{name} has applied {found.ahead} events that {found.live} has not, so rows may "
            "differ for that alone. Do the workers run? See: verdicts projections status",
            err=True,
        )
    answer(found.tables, as_json, "\n".join(_lines(found, name)))
    sys.exit(0 if all(table.equal for table in found.tables) else 1)


def _lines(found: "GenerationDiff", name: str) -> list[str]:
    lines = []
    for table in found.tables:
        sign = "equal  " if table.equal else "DIFFERS"
        lines.append(f"{sign}  {table.table:<16} {table.rows[0]:>10} {table.rows[1]:>10}")
        lines += [f"           only one has the column {column}" for column in table.columns]
        lines += [f"           only in {found.live}: {row}" for row in table.only_in_first]
        lines += [f"           only in {name}: {row}" for row in table.only_in_second]
    return lines


@projections.command()
@click.argument("name")
@as_json
def promote(name: str, as_json: bool) -> None:
    """Make a generation the live one, at equal offsets and in one transaction.

    Workers wait for a moment meanwhile. Only the records that differ are published.

    \b
    verdicts projections promote projections_2
    """
    from streams.rebuild import service

    its, database = _attached()
    changed = service.promote(its, database, codec(its), name)
    answer(
        {"live": name, "changed": changed},
        as_json,
        f"{name} is live; {changed} records differ and are published. "
        "To go back: verdicts projections rollback",
    )


@projections.command()
@as_json
def rollback(as_json: bool) -> None:
    """Make the generation live again that was before.

    \b
    verdicts projections rollback
    """
    from projections import generations
    from streams.rebuild import service

    its, database = _attached()
    with database.connect() as connection:
        name = generations.former(connection)
    if name is None:
        raise click.ClickException("There is no former generation to go back to.")
    changed = service.promote(its, database, codec(its), name)
    told = {"live": name, "changed": changed}
    answer(told, as_json, f"{name} is live again; {changed} records differ and are published.")


@projections.command()
@click.argument("name")
@as_json
def drop(name: str, as_json: bool) -> None:
    """Drop a generation that is not live, with all its rows.

    \b
    verdicts projections drop projections_1
    """
    from projections import generations

    _, database = _attached()
    with database.begin() as connection:
        generations.drop(connection, name)
    answer({"dropped": name}, as_json, f"{name} is dropped.")
