"""The JSON bodies of reads that are not whole records."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from schemas.digests import Counts, WeeklyDigest
from schemas.facts.values import FactDefinition
from schemas.records import Authored, Category, Choice, Reviewer, Tool, Verdict


class ComparisonBody(msgspec.Struct, frozen=True):
    """Two tools side by side, in the order of the request."""

    compare: str
    tools: tuple[Tool, Tool]


class ToolName(msgspec.Struct, frozen=True):
    """A tool in a list; `path` is its page."""

    tool: str
    name: str
    path: str

    @classmethod
    def of(cls, tool: str, name: str) -> "ToolName":
        """The list entry of the tool with this slug."""
        return cls(tool, name, f"/tools/{tool}/")


class BookmarkedTool(msgspec.Struct, frozen=True):
    """A bookmarked tool, its page and the panel's verdict."""

    tool: str
    name: str
    path: str
    panel_verdict: Verdict

    @classmethod
    def of(cls, tool: str, name: str, panel_verdict: Verdict) -> "BookmarkedTool":
        """The list entry of the tool with this slug."""
        return cls(tool, name, f"/tools/{tool}/", panel_verdict)


class CategoryBody(msgspec.Struct, frozen=True):
    """A category and its tools."""

    category: str
    name: str
    description: str
    version: int
    tools: list[ToolName]
    facts: list[FactDefinition] = []


class ReviewerBody(msgspec.Struct, frozen=True):
    """A reviewer and the current reviews, newest first."""

    reviewer: str
    name: str
    motto: str
    position: int
    version: int
    reviews: list[Authored]
    left: datetime | None = None
    left_reason: str | None = None


class DigestName(msgspec.Struct, frozen=True):
    """A digest in a list; `path` is its page."""

    week: str
    start: datetime
    end: datetime
    frozen: bool
    counts: Counts
    path: str

    @classmethod
    def of(cls, digest: WeeklyDigest) -> "DigestName":
        """The list entry of a digest."""
        path = f"/digests/{digest.week}/"
        return cls(digest.week, digest.start, digest.end, digest.frozen, digest.counts, path)


class Me(msgspec.Struct, frozen=True):
    """The visitor's own choices by tool, and bookmarked tools, newest first.

    `signed_in` is left out for a browser that has not signed in.
    """

    votes: Mapping[str, Choice]
    bookmarks: list[str]
    signed_in: bool | UnsetType = UNSET


class Items(msgspec.Struct, frozen=True):
    """One page of a list."""

    items: Sequence[Tool | Category | Reviewer | ToolName | BookmarkedTool | DigestName | str]
