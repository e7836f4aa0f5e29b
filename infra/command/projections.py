"""`verdicts projections`: how far they are, and how to build them anew beside the live ones."""

import sys
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from sqlalchemy import Engine

from infra import collector
from infra.command.options import answer, as_json, attached_settings
from infra.database import engine
from infra.registry import codec
from infra.settings import Settings


def _attached() -> tuple[Settings, Engine]:
    its = attached_settings()
    return its, engine(its, name="verdicts projections", idle_seconds=0)


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
    """Show offset, end and lag of every partition, in every generation."""
    from streams.rebuilding import positions

    found = positions(*_attached())
    if as_json:
        told = [{**msgspec.to_builtins(position), "lag": position.lag} for position in found]
        answer(told, True, "")
        return
    table = Table("generation", "topic", "partition", "offset", "end", "lag", "seconds", box=None)
    for position in found:
        name = f"{position.generation}{' (live)' if position.live else ''}"
        numbers = position.partition, position.offset, position.end, position.lag, position.seconds
        table.add_row(name, position.topic, *map(str, numbers))
    Console().print(table)


@projections.command()
@click.option("--resume", metavar="NAME", help="Go on filling this generation.")
@as_json
def rebuild(resume: str | None, as_json: bool) -> None:
    """Fill a new generation from the log, from its first event on.

    The live generation goes on serving and receiving; nothing is published by a rebuild. When it
    is interrupted, the workers go on with it, or `--resume` does.
    """
    from streams import rebuilding
    from streams.filling import fill

    its, database = _attached()
    collector.spare()
    with _progress(quiet=as_json) as bar:
        task = bar.add_task("Applying events", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        if resume:
            fill(its, codec(its), resume, show)
        name = resume or rebuilding.rebuild(its, database, codec(its), show)
    answer(
        {"generation": name},
        as_json,
        f"{name} is filled and kept up by the workers. Look at it, then make it live:\n"
        f"  verdicts projections diff {name}\n"
        f"  verdicts projections promote {name}",
    )


def _progress(*, quiet: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=quiet,
    )


@projections.command()
@click.argument("name")
@as_json
def diff(name: str, as_json: bool) -> None:
    """Hold a generation against the live one: rows, a hash, and the first rows that differ.

    The exit status is 1 when they differ. Both must stand at the same offsets for this to mean
    anything, so compare while little arrives.
    """
    from projections import generations

    _, database = _attached()
    with database.connect() as connection:
        generations.require(connection, name)
        live = generations.live(connection)
        found = list(generations.compare(connection, live, name))
    differs = any(not table.equal for table in found)
    answer(found, as_json, "\n".join(_lines(found, live, name)))
    sys.exit(1 if differs else 0)


def _lines(found: list[Any], live: str, name: str) -> list[str]:
    lines = []
    for table in found:
        sign = "equal  " if table.equal else "DIFFERS"
        lines.append(f"{sign}  {table.table:<16} {table.rows[0]:>10} {table.rows[1]:>10}")
        lines += [f"           only in {live}: {row}" for row in table.only_in_first]
        lines += [f"           only in {name}: {row}" for row in table.only_in_second]
    return lines


@projections.command()
@click.argument("name")
@as_json
def promote(name: str, as_json: bool) -> None:
    """Make a generation the live one, at equal offsets and in one transaction."""
    from streams import rebuilding

    its, database = _attached()
    changed = rebuilding.promote(its, database, codec(its), name)
    answer(
        {"live": name, "changed": changed},
        as_json,
        f"{name} is live; {changed} records differ and are published. "
        "To go back: verdicts projections rollback",
    )


@projections.command()
@as_json
def rollback(as_json: bool) -> None:
    """Make the generation live again that was before."""
    from projections import generations
    from streams import rebuilding

    its, database = _attached()
    with database.connect() as connection:
        name = generations.former(connection)
    if name is None:
        raise click.ClickException("There is no former generation to go back to.")
    changed = rebuilding.promote(its, database, codec(its), name)
    told = {"live": name, "changed": changed}
    answer(told, as_json, f"{name} is live again; {changed} records differ and are published.")


@projections.command()
@click.argument("name")
@as_json
def drop(name: str, as_json: bool) -> None:
    """Drop a generation that is not live, with all its rows."""
    from projections import generations

    _, database = _attached()
    with database.begin() as connection:
        generations.drop(connection, name)
    answer({"dropped": name}, as_json, f"{name} is dropped.")
