"""The inputs of a week's digest: the tools, their tallies, and the panel before and after."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from schemas.digests import PanelVerdict
from schemas.records import CategoryName, Choice, Entry


class TallyCounts(NamedTuple):
    """A tool's counts, or the differences between two such counts."""

    ship: int = 0
    skip: int = 0
    bookmarks: int = 0

    def since(self, previous: "TallyCounts") -> "TallyCounts":
        """Subtract earlier counts."""
        return TallyCounts(
            self.ship - previous.ship,
            self.skip - previous.skip,
            self.bookmarks - previous.bookmarks,
        )


class ListedTool(NamedTuple):
    """A tool on the site.

    `listed` is the time of the first listing under any of its names, in microseconds: a tool that
    was renamed is not new.
    """

    tool: str
    name: str
    category: CategoryName
    tagline: str
    entry: Entry
    listed: int
    tally: TallyCounts


class Revision(NamedTuple):
    """One revision of a reviewer's review; a retraction has neither score nor verdict.

    Reviews count no more from `left` on, the time at which a former reviewer left.
    """

    tool: str
    reviewer: str
    reviewer_name: str
    time: int
    score: int | None
    verdict: Choice | None
    body: str
    left: int | None = None

    @property
    def counts(self) -> bool:
        """Whether the reviewer was on the panel when writing this."""
        return self.left is None or self.time < self.left


class PreviousTallies(NamedTuple):
    """The previous digest's week, and every tool's tally at its end."""

    week: str | None = None
    tallies: Mapping[str, TallyCounts] = {}

    def of(self, tool: str) -> TallyCounts:
        """Return a tool's tally; zeros if it was not listed yet."""
        return self.tallies.get(tool, TallyCounts())


def tool_fields(tool: ListedTool) -> dict[str, Any]:
    """Return the fields by which every item of a digest names its tool."""
    return {"tool": tool.tool, "name": tool.name, "category": tool.category}


class PanelBeforeAfter:
    """The current reviews of every tool before a week and after it.

    Attributes:
        of_week: The revisions of the week, oldest first.
        before: Reviews at its start, by tool and reviewer.
        after: Reviews at its end, by tool and reviewer.
        first: The first revision of each tool.
        submissions: Number of reviews submitted in the week.
        retractions: Number of reviews retracted in the week.
        departures: Whether a reviewer of one of the tools left in the week.
    """

    def __init__(
        self, start: int, end: int, tools: set[str], revisions: Iterable[Revision]
    ) -> None:
        known = [
            revision
            for revision in revisions
            if revision.tool in tools and revision.time < end and revision.counts
        ]
        self.of_week = [revision for revision in known if revision.time >= start]
        self.before = _current((revision for revision in known if revision.time < start), start)
        self.after = _current(known, end)
        self.first: dict[str, Revision] = {}
        for revision in known:
            self.first.setdefault(revision.tool, revision)
        self.submissions = sum(revision.verdict is not None for revision in self.of_week)
        self.retractions = len(self.of_week) - self.submissions
        self.departures = any(
            revision.left is not None and start <= revision.left < end for revision in known
        )


_CurrentReviews = dict[str, dict[str, Revision]]


def _current(revisions: Iterable[Revision], moment: int) -> _CurrentReviews:
    """Replay revisions, oldest first, into the reviews just before a moment, by tool, reviewer."""
    current: _CurrentReviews = {}
    for revision in revisions:
        reviews = current.setdefault(revision.tool, {})
        if revision.verdict is None or (revision.left is not None and revision.left < moment):
            reviews.pop(revision.reviewer, None)
        else:
            reviews[revision.reviewer] = revision
    return current


def panel_verdict(reviews: Mapping[str, Revision]) -> PanelVerdict:
    """Count the current reviews of one tool, by reviewer."""
    return PanelVerdict.of(
        [
            (review.score, review.verdict)
            for review in reviews.values()
            if review.score is not None and review.verdict is not None
        ]
    )
