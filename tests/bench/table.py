"""What a benchmark prints: one table, with the machine, the versions, and every row's peer."""
# ruff: noqa: RUF001 - the table is set with the signs that print has for ranges and ratios

import os
import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import msgspec


class Row(msgspec.Struct):
    """One comparison: figures of ours and of the peer, run in turn, and what was to be reached.

    `more_is_better` says how the ratio is made: ours to the peer's, or the peer's to ours.
    """

    what: str
    peer: str
    unit: str
    ours: list[float]
    theirs: list[float]
    goal: str = ""
    more_is_better: bool = True
    note: str = ""

    def ratios(self) -> list[float]:
        """Pair by pair, so that a machine whose speed drifts does not decide."""
        pairs = zip(self.ours, self.theirs, strict=True)
        return [a / b if self.more_is_better else b / a for a, b in pairs if a and b]


def spread(figures: Sequence[float]) -> str:
    """Median, and the least and greatest."""
    if not figures:
        return "–"
    return f"{_short(statistics.median(figures))} ({_short(min(figures))}–{_short(max(figures))})"


def _short(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| what | ours | peer | the peer's | ratio | to reach |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        ratio = f"{statistics.median(row.ratios()):.2f} ×" if row.ratios() else "–"
        lines.append(
            f"| {row.what}{f' ({row.note})' if row.note else ''} | {spread(row.ours)} {row.unit} "
            f"| {row.peer} | {spread(row.theirs)} {row.unit if row.theirs else ''} "
            f"| {ratio} | {row.goal} |"
        )
    return "\n".join(lines)


def heading(runs: int, *, full: bool) -> str:
    """When, where and with what."""
    libraries = (
        "faust-streaming",
        "aiokafka",
        "confluent-kafka",
        "fastavro",
        "sqlalchemy",
        "psycopg",
    )
    versions = ", ".join(f"{name} {version(name)}" for name in libraries)
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"# Results\n\n{moment}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"Kafka 4.4, PostgreSQL 18; {versions}.\n\n"
        f"{'Long' if full else 'Quick'} run: median (least–greatest) of {runs} runs of each side, "
        "in turn. A ratio is made pair by pair. Broker, database, load and what is measured share "
        "the machine.\n\n"
    )
