from datetime import timedelta

from publishers.views.tools.history import HistoryView, history_view
from schemas.history import CommunityPoint, History, PanelPoint
from schemas.records import Community, verdict_of
from tests.harness.digest_records import a_history
from tests.harness.records import NOON


def a_panel_point(day: float, mean: float | None, ship: int = 1, skip: int = 0) -> PanelPoint:
    time = NOON + timedelta(days=day)
    return PanelPoint(time, verdict_of(ship, skip), ship, skip, None, mean)


def a_week(week: str, day: float, ship: int, skip: int) -> CommunityPoint:
    return CommunityPoint(week, NOON + timedelta(days=day), Community.of(ship, skip), 3)


def view_of(panel: list[PanelPoint], community: list[CommunityPoint] | None = None) -> HistoryView:
    view = history_view(History(panel, community or []))
    assert view is not None
    return view


def test_an_empty_history_has_no_view() -> None:
    assert history_view(History()) is None


def test_a_single_point_in_time_has_numbers_and_no_chart() -> None:
    view = view_of([a_panel_point(0, 80)])
    assert (view.first, view.panel.line, len(view.panel_rows)) == ("", "", 1)
    assert view.summary == "1 panel review: Ship."


def test_the_panel_moves_in_steps_that_reach_the_edge() -> None:
    view = view_of([a_panel_point(0, 80), a_panel_point(5, 30), a_panel_point(10, 55.5)])
    assert view.panel.line == "M0 20H300V70H600V44.5H600"
    assert view.panel.dots == "M0 20h0M300 70h0M600 44.5h0"


def test_the_panels_line_has_a_gap_without_reviews() -> None:
    view = view_of(
        [
            a_panel_point(0, 80),
            a_panel_point(5, None, 0, 0),
            a_panel_point(8, 50),
            a_panel_point(10, None, 0, 0),
        ]
    )
    assert view.panel.line == "M0 20H300M480 50H600"
    assert view.panel_rows[1].mean == "—"


def test_the_community_moves_from_week_to_week() -> None:
    weeks = [a_week("2026-W47", 0, 3, 1), a_week("2026-W48", 5, 0, 0), a_week("2026-W49", 10, 1, 1)]
    view = view_of([], weeks)
    assert view.community.line == "M0 25L600 50"
    assert view.community.dots == "M0 25h0M600 50h0"
    assert view.week_rows[1].percent == "—"


def test_both_lines_are_drawn_on_one_scale_of_time() -> None:
    view = view_of(
        [a_panel_point(5, 100)], [a_week("2026-W47", 0, 1, 0), a_week("2026-W48", 10, 0, 1)]
    )
    assert (view.panel.line, view.community.line) == ("M300 0H600", "M0 0L600 100")
    assert (view.first, view.last) == ("20 November 2026", "30 November 2026")


def test_a_retraction_or_a_departure_is_no_review() -> None:
    counts = [(1, 0), (1, 1), (1, 0), (0, 0)]
    panel = [a_panel_point(day, 50, *each) for day, each in enumerate(counts)]
    assert view_of(panel).summary == (
        "2 panel reviews: Ship, then Split, then Ship, then No verdict yet."
    )


def test_the_summary_describes_the_chart() -> None:
    view = history_view(a_history())
    assert view is not None
    assert view.summary == (
        "3 panel reviews: Ship, then Split, then Skip. "
        "Community: 25% ship after week 48, 53% after week 47."
    )
    assert [(row.week, row.path, row.counts) for row in view.week_rows] == [
        ("Week 47, 2026", "/digests/2026-W47/", "90 ship / 80 skip"),
        ("Week 48, 2026", "/digests/2026-W48/", "40 ship / 122 skip"),
    ]
