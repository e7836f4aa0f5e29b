"""The verdict history of one tool: a chart of two lines, and all of its numbers."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby, pairwise
from typing import NamedTuple

from publishers.render_cache import part_cache
from publishers.views.digests.week_titles import in_sentence
from publishers.views.digests.week_titles import title as week_title
from publishers.views.paths import digest_path
from publishers.views.text.formatting import VERDICTS, count, counts, day, instant, mean, percent
from schemas.history import CommunityPoint, History, PanelPoint
from schemas.records import Verdict

# Units of the chart; the page stretches it, but not its strokes.
WIDTH, HEIGHT = 600, 100


class ChartLine(NamedTuple):
    """One line of the chart as SVG paths: the line itself, and a dot for each number."""

    line: str
    dots: str


class PanelRow(NamedTuple):
    """The panel's verdict from a day on."""

    instant: str
    day: str
    verdict: Verdict
    label: str
    counts: str
    mean: str


class WeekRow(NamedTuple):
    """The community's verdict at the end of a week."""

    week: str
    path: str
    verdict: Verdict
    label: str
    counts: str
    percent: str
    bookmarks: str


class HistoryView(NamedTuple):
    """The verdict history on a tool's page.

    Attributes:
        summary: The chart in a sentence or two.
        panel: The mean score as steps, 0 to 100 from the bottom.
        community: The ship share by week, on the same scale.
        first: The day at the chart's left edge; empty if there is nothing to draw.
        last: The day at the chart's right edge.
        panel_rows: The panel's numbers, oldest first.
        week_rows: The community's numbers, oldest first.
    """

    summary: str
    panel: ChartLine
    community: ChartLine
    first: str
    last: str
    panel_rows: tuple[PanelRow, ...]
    week_rows: tuple[WeekRow, ...]


@part_cache.by_record
def history_view(history: History) -> HistoryView | None:
    """The view of a history; None for an empty one."""
    times = [point.time for point in history.panel]
    times += [point.end for point in history.community]
    if not times:
        return None
    start, end = min(times), max(times)
    drawn = start < end
    return HistoryView(
        summary=" ".join(
            filter(None, (_panel_summary(history.panel), _community_summary(history.community)))
        ),
        panel=_steps(history.panel, start, end) if drawn else ChartLine("", ""),
        community=_curve(history.community, start, end) if drawn else ChartLine("", ""),
        first=day(start) if drawn else "",
        last=day(end) if drawn else "",
        panel_rows=tuple(map(_panel_row, history.panel)),
        week_rows=tuple(map(_week_row, history.community)),
    )


def _panel_summary(points: Sequence[PanelPoint]) -> str:
    """The number of reviews, and the verdicts in their order."""
    if not points:
        return ""
    verdicts = [VERDICTS[verdict] for verdict, _ in groupby(point.verdict for point in points)]
    totals = [0, *(point.ship + point.skip for point in points)]
    # A retraction and a departure leave fewer reviews than before.
    number = sum(after >= before for before, after in pairwise(totals))
    reviews = count(number, "panel review")
    if len(points) == 1:
        return f"{reviews}: {verdicts[0]}."
    if len(verdicts) == 1:
        return f"{reviews}, {verdicts[0]} throughout."
    return f"{reviews}: {', then '.join(verdicts)}."


def _community_summary(points: Sequence[CommunityPoint]) -> str:
    """The first and the last ship share."""
    voted = [point for point in points if point.community.percent is not None]
    if not voted:
        return ""
    first, last = voted[0], voted[-1]
    summary = f"Community: {percent(last.community.percent)} ship after {in_sentence(last.week)}"
    if len(voted) > 1:
        summary += (
            f", {percent(first.community.percent)} after {in_sentence(first.week, last.week)}"
        )
    return f"{summary}."


def _steps(points: Sequence[PanelPoint], start: datetime, end: datetime) -> ChartLine:
    """Each mean lasts until the next; without reviews the line has a gap."""
    line, dots, mean_before = "", "", None
    for point in points:
        x = _across(point.time, start, end)
        if mean_before is not None:
            line += f"H{_short(x)}"
        if point.mean is not None:
            y = _up(point.mean)
            line += f"V{_short(y)}" if mean_before is not None else f"M{_short(x)} {_short(y)}"
            dots += f"M{_short(x)} {_short(y)}h0"
        mean_before = point.mean
    return ChartLine(f"{line}H{WIDTH}" if mean_before is not None else line, dots)


def _curve(points: Sequence[CommunityPoint], start: datetime, end: datetime) -> ChartLine:
    """Straight from week to week."""
    coordinates = [
        (_across(point.end, start, end), _up(point.community.percent))
        for point in points
        if point.community.percent is not None
    ]
    pairs = [f"{_short(x)} {_short(y)}" for x, y in coordinates]
    return ChartLine(
        f"M{'L'.join(pairs)}" if pairs else "", "".join(f"M{pair}h0" for pair in pairs)
    )


def _across(time: datetime, start: datetime, end: datetime) -> float:
    return WIDTH * ((time - start) / (end - start))


def _up(value: float) -> float:
    return HEIGHT * (1 - value / 100)


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _panel_row(point: PanelPoint) -> PanelRow:
    return PanelRow(
        instant=instant(point.time),
        day=day(point.time),
        verdict=point.verdict,
        label=VERDICTS[point.verdict],
        counts=counts(point.ship, point.skip),
        mean=mean(point.mean),
    )


def _week_row(point: CommunityPoint) -> WeekRow:
    community = point.community
    return WeekRow(
        week=week_title(point.week),
        path=digest_path(point.week),
        verdict=community.verdict,
        label=VERDICTS[community.verdict],
        counts=counts(community.ship, community.skip),
        percent=percent(community.percent, "—"),
        bookmarks=f"{point.bookmarks:,}",
    )
