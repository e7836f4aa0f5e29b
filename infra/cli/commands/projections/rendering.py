"""Positions and differences of generations as text for a person."""

from collections.abc import Iterable

from rich.table import Table

from infra.cli.options import counted
from streams.rebuild.generation_positions import Position
from streams.rebuild.service import GenerationDiff


def table(rows: Iterable[Position]) -> Table:
    """Return a row for each partition of each generation."""
    rendered = Table("generation", "partition", "offset", "end", "lag", "seconds", box=None)
    for position in rows:
        rendered.add_row(
            f"{position.generation}{' (live)' if position.live else ''}",
            f"{position.topic.split('.')[1]}/{position.partition}",
            *(f"{number:,}" for number in (position.offset, position.end, position.lag)),
            "unknown" if position.seconds is None else f"{position.seconds:,}",
        )
    return rendered


def skipped(count: int) -> str:
    """Return a line about the records that a rebuild skipped; empty without any."""
    if not count:
        return ""
    return (
        f"\nSkipped {counted(count, 'record')} that cannot be applied; those that the live "
        "generation could not apply either are in: verdicts deadletters list"
    )


def differences(diff: GenerationDiff, name: str) -> str:
    """Return a line for each table, and for the first rows that differ."""
    lines = []
    for table in diff.tables:
        verdict = "equal  " if table.equal else "DIFFERS"
        lines.append(f"{verdict}  {table.table:<16} {table.rows[0]:>10,} {table.rows[1]:>10,}")
        lines += [f"           only one has the column {column}" for column in table.columns]
        lines += [f"           only in {diff.live}: {row}" for row in table.only_in_first]
        lines += [f"           only in {name}: {row}" for row in table.only_in_second]
    return "\n".join(lines)
