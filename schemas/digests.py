"""A week's digest: the JSON of `/v1/digests/{week}`, of `digest.frozen`, and of every view of it.

A digest keeps the texts and names of the moment of its making. Its data alone order every list,
best first. A list holds at most `MOST_ITEMS`; `counts` has the full numbers.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Literal

import msgspec

from schemas.records import (
    Category,
    CategoryName,
    Choice,
    Community,
    Entry,
    Reviewer,
    Tool,
    Verdict,
    mean_of,
    percent_of,
    verdict_of,
)

MOST_ITEMS = 100
MOST_MOVERS = 5
MOST_CLOSE_CALLS = 5
MOST_PICKS_A_REASON = 2

# A close call has at least so many votes, and at most this share of them between ship and skip.
CLOSE_CALL_VOTES = 20
CLOSE_CALL_PERCENT = 6
# A review stands apart when it is this far from the mean of at least so many others.
APART_POINTS = 15
APART_OTHERS = 2

Reason = Literal["changed", "apart", "first"]
"""Why to read a review: its reviewer changed sides, differs from all others, or was the first."""


class NamedTool(msgspec.Struct, frozen=True):
    """The tool of a digest's item."""

    tool: str
    name: str
    category: CategoryName


class PanelVerdict(msgspec.Struct, frozen=True):
    """The panel's verdict on a tool and its counts at one moment."""

    verdict: Verdict
    ship: int
    skip: int
    percent: int | None
    mean: float | None

    @classmethod
    def of(cls, opinions: Sequence[tuple[int, Choice]]) -> "PanelVerdict":
        """Count opinions: pairs of score and verdict."""
        ship = sum(verdict == "ship" for _, verdict in opinions)
        skip = len(opinions) - ship
        mean = mean_of([score for score, _ in opinions])
        return cls(verdict_of(ship, skip), ship, skip, percent_of(ship, skip), mean)


class NewTool(NamedTool, frozen=True):
    """A tool that was first listed this week, with the verdicts at the week's end."""

    tagline: str
    entry: Entry
    listed: datetime
    panel: PanelVerdict
    community: Community


class PanelChange(NamedTool, frozen=True):
    """A new or changed verdict of the panel: `before` the week, and `after` it."""

    before: PanelVerdict
    after: PanelVerdict


class Flip(NamedTool, frozen=True):
    """A change of the community's verdict since the digest before."""

    before: Community
    after: Community


class CloseCall(NamedTool, frozen=True):
    """A tool with nearly as many ships as skips."""

    community: Community
    margin: int


class VoteMove(NamedTool, frozen=True):
    """The change of a tool's votes, and their current counts."""

    ship: int
    skip: int
    votes: int
    community: Community


class BookmarkMove(NamedTool, frozen=True):
    """The change of a tool's bookmarks, and their current number."""

    change: int
    bookmarks: int


class Pick(NamedTool, frozen=True):
    """A review of the week, and why to read it.

    `before` is the reviewer's own former opinion where they changed sides; `others` is the mean
    of the other reviews where this one stands apart.
    """

    reason: Reason
    reviewer: str
    reviewer_name: str
    score: int
    verdict: Choice
    body: str
    time: datetime
    before: Choice | None = None
    others: float | None = None


class MergedTool(NamedTool, frozen=True):
    """A tool of which `merged` became another name this week."""

    merged: str
    merged_name: str
    reason: str | None
    time: datetime


class Counts(msgspec.Struct, frozen=True):
    """The week in numbers; `votes` and `bookmarks` are changes of their totals."""

    tools: int = 0
    new_tools: int = 0
    panel_changes: int = 0
    flips: int = 0
    close_calls: int = 0
    reviews: int = 0
    retractions: int = 0
    votes: int = 0
    bookmarks: int = 0


class WeeklyDigest(msgspec.Struct, frozen=True, kw_only=True):
    """One week's digest; the community's counts are compared with the frozen week `since`."""

    week: str
    start: datetime
    end: datetime
    frozen: bool
    since: str | None = None
    counts: Counts = Counts()
    new_tools: list[NewTool] = []
    panel_changes: list[PanelChange] = []
    flips: list[Flip] = []
    close_calls: list[CloseCall] = []
    votes: list[VoteMove] = []
    bookmarks: list[BookmarkMove] = []
    reviews: list[Pick] = []
    merges: list[MergedTool] = []

    def named_tools(self) -> set[str]:
        """The slugs of all tools in any of the lists."""
        lists: Iterable[Iterable[NamedTool]] = (
            self.new_tools,
            self.panel_changes,
            self.flips,
            self.close_calls,
            self.votes,
            self.bookmarks,
            self.reviews,
            self.merges,
        )
        return {item.tool for items in lists for item in items}


class Digest(WeeklyDigest, frozen=True, kw_only=True):
    """A closed week's digest as a record of the changes topic."""

    version: int

    @classmethod
    def of(cls, digest: WeeklyDigest, version: int) -> "Digest":
        """The record of a digest."""
        return cls(version=version, **msgspec.structs.asdict(digest))


AnyRecord = Tool | Category | Reviewer | Digest
"""What the changes topic holds."""


class QuietWeek(msgspec.Struct, frozen=True):
    """The text of a closed week without news, in place of a digest."""

    week: str
    quiet: Literal[True]


def write(decided: WeeklyDigest | QuietWeek) -> str:
    """Encode a digest, or a quiet week, as JSON text."""
    return msgspec.json.encode(decided).decode()


@lru_cache(maxsize=512)
def read(text: str) -> WeeklyDigest | None:
    """Decode a digest from JSON text; None for a quiet week, or for a text that is no digest."""
    try:
        return msgspec.json.decode(text, type=WeeklyDigest)
    except msgspec.DecodeError:
        return None


def is_quiet(text: str) -> bool:
    """Whether a JSON text is that of a quiet week."""
    try:
        msgspec.json.decode(text, type=QuietWeek)
    except msgspec.DecodeError:
        return False
    return True
