"""What a week's digest is made of: the tools, their tallies, and the panel before and after."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from schemas.digests import PanelStanding
from schemas.records import CategoryName, Choice, Entry


class TallyNow(NamedTuple):
    """Counts of one tool; the differences between two tallies are one too."""

    ship: int = 0
    skip: int = 0
    bookmarks: int = 0

    def since(self, past: "TallyNow") -> "TallyNow":
        """What changed."""
        return TallyNow(
            self.ship - past.ship, self.skip - past.skip, self.bookmarks - past.bookmarks
        )


class Listed(NamedTuple):
    """A tool on the site; `listed` is when it was so first, in microseconds."""

    tool: str
    name: str
    category: CategoryName
    tagline: str
    entry: Entry
    listed: int
    tally: TallyNow


class Revision(NamedTuple):
    """One revision of a review by somebody of the panel; a retraction has no score or verdict."""

    tool: str
    reviewer: str
    reviewer_name: str
    time: int
    score: int | None
    verdict: Choice | None
    body: str


class PreviousTallies(NamedTuple):
    """The digest before: its week, and every tool's tally then."""

    week: str | None = None
    tallies: Mapping[str, TallyNow] = {}

    def of(self, tool: str) -> TallyNow:
        """A tool's tally then; nothing where it was not listed yet."""
        return self.tallies.get(tool, TallyNow())


def named(tool: Listed) -> dict[str, Any]:
    """Give the fields by which every item names its tool."""
    return {"tool": tool.tool, "name": tool.name, "category": tool.category}


class PanelBeforeAfter:
    """The panel on every reviewed tool: before the week, and after it."""

    def __init__(
        self, start: int, end: int, tools: set[str], revisions: Iterable[Revision]
    ) -> None:
        known = [one for one in revisions if one.tool in tools and one.time < end]
        self.of_week = [one for one in known if one.time >= start]
        self.before = _current(one for one in known if one.time < start)
        self.after = _current(known)
        self.first: dict[str, Revision] = {}
        for one in known:
            self.first.setdefault(one.tool, one)
        self.submissions = sum(one.verdict is not None for one in self.of_week)
        self.retractions = len(self.of_week) - self.submissions


_Opinions = dict[str, dict[str, Revision]]


def _current(revisions: Iterable[Revision]) -> _Opinions:
    """The standing opinions by tool and reviewer; the last revision of each counts."""
    found: _Opinions = {}
    for one in revisions:
        opinions = found.setdefault(one.tool, {})
        if one.verdict is None:
            opinions.pop(one.reviewer, None)
        else:
            opinions[one.reviewer] = one
    return found


def panel_standing(opinions: Mapping[str, Revision]) -> PanelStanding:
    """Count the opinions that reviewers hold of one tool."""
    return PanelStanding.of(
        [(one.score, one.verdict) for one in opinions.values() if one.score is not None
         and one.verdict is not None]
    )  # fmt: skip
