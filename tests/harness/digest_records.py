"""Examples of a digest and of a history, and the small site with both."""

from datetime import timedelta

from publishers.content.in_memory_content import InMemoryContent
from schemas.digests import (
    BookmarkMove,
    CloseCall,
    Counts,
    Flip,
    MergedTool,
    NewTool,
    PanelChange,
    PanelVerdict,
    Pick,
    VoteMove,
    WeeklyDigest,
)
from schemas.history import CommunityPoint, History, PanelPoint
from schemas.records import CategoryName, Community, Verdict
from schemas.time import weeks
from schemas.time.instants import to_datetime
from tests.harness.records import DEVELOPER_TOOLS, NOON, PANEL, sample_content

_TOOL, _NAME = "patchwork", "Patchwork"
_CATEGORY = CategoryName(DEVELOPER_TOOLS.category, DEVELOPER_TOOLS.name)
_SPLIT, _SKIPPED = PanelVerdict("split", 1, 1, 50, 47.5), PanelVerdict("skip", 0, 2, 0, 31.0)
_LIKED, _DISLIKED = Community.of(90, 80), Community.of(40, 122)


def a_digest(week: str = "2026-W47", *, frozen: bool = True) -> WeeklyDigest:
    """A digest with something of every kind, about one tool of the sample site."""
    start, end = map(to_datetime, weeks.span(week))
    tool = (_TOOL, _NAME, _CATEGORY)
    review = "It edits what it did *not* read. " * 12
    return WeeklyDigest(
        week=week,
        start=start,
        end=end,
        frozen=frozen,
        since="2026-W45",
        counts=Counts(5, 1, 1, 1, 1, 3, 0, 2_110, -4),
        new_tools=[NewTool(*tool, "Works while you sleep.", "freemium", NOON, _SPLIT, _DISLIKED)],
        panel_changes=[PanelChange(*tool, _SPLIT, _SKIPPED)],
        flips=[Flip(*tool, _LIKED, _DISLIKED)],
        close_calls=[CloseCall(*tool, _LIKED, 10)],
        votes=[VoteMove(*tool, -50, 42, -8, _DISLIKED)],
        bookmarks=[BookmarkMove(*tool, -4, 12)],
        reviews=[
            Pick(*tool, "changed", "skeptic", "Skeptic", 34, "skip", review, NOON, before="ship")
        ],
        merges=[MergedTool(*tool, "quilt", "Quilt", "Its maker renamed it.", NOON)],
    )


def a_history() -> History:
    """A panel that ships, splits and skips, and a community that turns."""
    verdicts: list[tuple[Verdict, int, int, float]] = [
        ("ship", 1, 0, 61.0),
        ("split", 1, 1, 47.5),
        ("skip", 0, 2, 31.0),
    ]
    return History(
        panel=[
            PanelPoint(NOON + timedelta(days=5 * at), verdict, ship, skip, None, mean)
            for at, (verdict, ship, skip, mean) in enumerate(verdicts)
        ],
        community=[
            CommunityPoint("2026-W47", NOON + timedelta(days=2.5), _LIKED, 16),
            CommunityPoint("2026-W48", NOON + timedelta(days=9.5), _DISLIKED, 12),
        ],
    )


def content_with_digests() -> InMemoryContent:
    """The sample site after three weeks, of which the last is still open."""
    site = sample_content()
    return InMemoryContent(
        [*site.tools(), *site.retired()],
        site.categories(),
        PANEL,
        [a_digest("2026-W46"), a_digest("2026-W47"), a_digest("2026-W48", frozen=False)],
        {_TOOL: a_history()},
    )
