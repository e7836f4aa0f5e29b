"""How the verdicts on one tool came about: a drawing of two lines, and all of its numbers."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from publishers.views.digests.digest import title as week_title
from publishers.views.memoize import memoize_by_identity
from publishers.views.paths import digest_path
from publishers.views.text.formatting import VERDICTS, count, day, instant, mean, percent
from schemas.history import CommunityPoint, History, PanelPoint
from schemas.records import Verdict

# The drawing's own units; the page stretches them, and no stroke with them.
WIDTH, HEIGHT = 600, 100


class ChartLine(NamedTuple):
    """One line of the drawing as SVG paths: the line itself, and a dot per number."""

    line: str
    dots: str


class PanelRow(NamedTuple):
    """What the panel said from a day on."""

    instant: str
    day: str
    verdict: Verdict
    label: str
    counts: str
    mean: str


class WeekRow(NamedTuple):
    """What the community said at a week's end."""

    week: str
    path: str
    verdict: Verdict
    label: str
    counts: str
    percent: str
    bookmarks: str


class HistoryView(NamedTuple):
    """The section on a tool's page.

    Attributes:
        summary: What the drawing shows, in a sentence or two.
        panel: The mean of the scores as steps, 0 to 100 from the bottom.
        community: The share of ship by week, on the same scale.
        first: The day at the drawing's left edge; empty where there is nothing to draw.
        last: The day at its right edge.
        panel_rows: The panel's numbers, oldest first.
        week_rows: The community's.
    """

    summary: str
    panel: ChartLine
    community: ChartLine
    first: str
    last: str
    panel_rows: tuple[PanelRow, ...]
    week_rows: tuple[WeekRow, ...]


@memoize_by_identity
def history_view(history: History) -> HistoryView | None:
    """The view of a history; nothing where there is none to tell."""
    moments = [point.time for point in history.panel]
    moments += [point.end for point in history.community]
    if not moments:
        return None
    start, end = min(moments), max(moments)
    drawn = start < end
    return HistoryView(
        summary=" ".join(filter(None, (_of_panel(history.panel), _of_weeks(history.community)))),
        panel=_steps(history.panel, start, end) if drawn else ChartLine("", ""),
        community=_curve(history.community, start, end) if drawn else ChartLine("", ""),
        first=day(start) if drawn else "",
        last=day(end) if drawn else "",
        panel_rows=tuple(map(_panel_row, history.panel)),
        week_rows=tuple(map(_week_row, history.community)),
    )


def _of_panel(points: Sequence[PanelPoint]) -> str:
    """How often the panel spoke, and which verdicts that made."""
    if not points:
        return ""
    turns = [
        VERDICTS[point.verdict]
        for at, point in enumerate(points)
        if not at or points[at - 1].verdict != point.verdict
    ]
    spoke = f"The panel spoke {_times(len(points))}"
    if len(turns) == 1:
        return f"{spoke} and always came to {turns[0]}."
    return f"{spoke}; its verdict went from {' to '.join(turns)}."


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number) or count(number, "time")


def _of_weeks(points: Sequence[CommunityPoint]) -> str:
    """The community's share at both ends."""
    voted = [point for point in points if point.community.percent is not None]
    if not voted:
        return ""
    last = f"The community stood at {_share(voted[-1])} ship after {_week(voted[-1])}"
    if len(voted) == 1:
        return f"{last}."
    return f"{last}; it was {_share(voted[0])} after {_week(voted[0])}."


def _share(point: CommunityPoint) -> str:
    return percent(point.community.percent)


def _week(point: CommunityPoint) -> str:
    return week_title(point.week).lower()


def _steps(points: Sequence[PanelPoint], start: datetime, end: datetime) -> ChartLine:
    """Each mean holds until the next; without reviews the line pauses."""
    line, dots, level = "", "", None
    for point in points:
        x = _across(point.time, start, end)
        if level is not None:
            line += f"H{_short(x)}"
        if point.mean is not None:
            y = _up(point.mean)
            line += f"V{_short(y)}" if level is not None else f"M{_short(x)} {_short(y)}"
            dots += f"M{_short(x)} {_short(y)}h0"
        level = point.mean
    return ChartLine(f"{line}H{WIDTH}" if level is not None else line, dots)


def _curve(points: Sequence[CommunityPoint], start: datetime, end: datetime) -> ChartLine:
    """Straight from week to week."""
    places = [
        (_across(point.end, start, end), _up(point.community.percent))
        for point in points
        if point.community.percent is not None
    ]
    pairs = [f"{_short(x)} {_short(y)}" for x, y in places]
    return ChartLine(
        f"M{'L'.join(pairs)}" if pairs else "", "".join(f"M{pair}h0" for pair in pairs)
    )


def _across(moment: datetime, start: datetime, end: datetime) -> float:
    return WIDTH * ((moment - start) / (end - start))


def _up(value: float) -> float:
    return HEIGHT * (1 - value / 100)


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _panel_row(point: PanelPoint) -> PanelRow:
    counts = f"{point.ship} ship / {point.skip} skip"
    label = VERDICTS[point.verdict]
    return PanelRow(
        instant(point.time), day(point.time), point.verdict, label, counts, mean(point.mean)
    )


def _week_row(point: CommunityPoint) -> WeekRow:
    it = point.community
    return WeekRow(
        week=week_title(point.week),
        path=digest_path(point.week),
        verdict=it.verdict,
        label=VERDICTS[it.verdict],
        counts=f"{it.ship:,} ship / {it.skip:,} skip",
        percent=percent(it.percent, "—"),
        bookmarks=f"{point.bookmarks:,}",
    )
