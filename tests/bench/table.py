"""What a benchmark prints: one table, with the machine, the versions, and every row's peer."""
# ruff: noqa: RUF001 - the table is set with the signs that print has for ranges and ratios

import os
import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Literal

import msgspec

Reached = Literal["yes", "no", ""]


class Row(msgspec.Struct, kw_only=True):
    """One comparison: figures of ours and of the peer, run in turn, and what was to be reached.

    Attributes:
        what: What was measured.
        peer: What it was measured against.
        unit: Of both sides' figures.
        ours: A figure for each run.
        theirs: Likewise; the run of the same place was made right before or after.
        ratio: How many times better than the peer to be, by the median of the pairs.
        below: What our median has to stay under, in the unit.
        above: What our median has to reach, in the unit.
        more_is_better: How the ratio is made: ours to the peer's, or the peer's to ours.
        note: What a reader has to know about it.
    """

    what: str
    peer: str
    unit: str
    ours: list[float] = []
    theirs: list[float] = []
    ratio: float | None = None
    below: float | None = None
    above: float | None = None
    more_is_better: bool = True
    note: str = ""

    def ratios(self) -> list[float]:
        """Pair by pair, so that a machine whose speed drifts does not decide."""
        pairs = zip(self.ours, self.theirs, strict=False)
        return [a / b if self.more_is_better else b / a for a, b in pairs if a and b]

    def goal(self) -> str:
        """What was to be reached, in words."""
        parts = [
            f"{self.ratio:.3g} ×" if self.ratio is not None else "",
            f"under {self.below:g} {self.unit}" if self.below is not None else "",
            f"{self.above:,g} {self.unit}" if self.above is not None else "",
        ]
        return ", ".join(filter(None, parts)) or "report"

    def reached(self) -> Reached:
        """Whether it was; empty where nothing was asked for or measured."""
        met = []
        if self.ratio is not None and self.ratios():
            met.append(statistics.median(self.ratios()) >= self.ratio)
        if self.below is not None and self.ours:
            met.append(statistics.median(self.ours) < self.below)
        if self.above is not None and self.ours:
            met.append(statistics.median(self.ours) >= self.above)
        return "" if not met else "yes" if all(met) else "no"


def missing(what: str, peer: str, why: str) -> Row:
    """A row that could not be measured on this machine."""
    return Row(what=what, peer=peer, unit="", note=f"not measured: {why}")


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
        "| what | ours | peer | the peer's | ratio | to reach | reached |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        ratio = f"{statistics.median(row.ratios()):.2f} ×" if row.ratios() else "–"
        lines.append(
            f"| {row.what}{f' ({row.note})' if row.note else ''} | {spread(row.ours)} {row.unit} "
            f"| {row.peer} | {spread(row.theirs)} {row.unit if row.theirs else ''} "
            f"| {ratio} | {row.goal()} | {row.reached()} |"
        )
    return "\n".join(lines)


def heading(runs: int, *, full: bool) -> str:
    """When, where and with what."""
    libraries = (
        *("faust-streaming", "aiokafka", "confluent-kafka", "fastavro", "sqlalchemy", "psycopg"),
        *("starlette", "granian"),
    )
    versions = ", ".join(f"{name} {version(name)}" for name in libraries)
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"# Results\n\n{moment}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"Kafka 4.4, PostgreSQL 18; {versions}.\n\n"
        f"{'Long' if full else 'Quick'} run: median (least–greatest) of {runs} runs of each side, "
        "in turn. A ratio is made pair by pair; above 1 ours is the better one. Broker, database, "
        "load and what is measured share the machine. Every run's result is checked before its "
        "time counts.\n\n"
    )
