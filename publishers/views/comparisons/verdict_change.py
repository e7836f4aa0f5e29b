"""When the panel last changed its verdict on any of some tools."""

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from publishers.views.text.formatting import day, instant
from schemas.history import History


class VerdictChange(NamedTuple):
    """The time of a change: as a day, and as RFC 3339."""

    day: str
    instant: str


def last_verdict_change(histories: Iterable[History]) -> VerdictChange | None:
    """The newest change of a panel verdict; a tool's first verdict counts as one."""
    times = [
        next(points).time
        for history in histories
        for _, points in groupby(history.panel, key=lambda point: point.verdict)
    ]
    return VerdictChange(day(max(times)), instant(max(times))) if times else None
