"""The history of a tool's verdicts, and when editors wrote what pages show."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from schemas.records import Community, Verdict


class PanelPoint(msgspec.Struct, frozen=True):
    """The panel's verdict and counts from `time` on."""

    time: datetime
    verdict: Verdict
    ship: int
    skip: int
    percent: int | None
    mean: float | None


class CommunityPoint(msgspec.Struct, frozen=True):
    """The community's counts at the freeze of a week; `end` is the week's end."""

    week: str
    end: datetime
    community: Community
    bookmarks: int


class ReviewTimes(msgspec.Struct, frozen=True):
    """When a reviewer first reviewed a tool, and last reviewed it or retracted the review."""

    first: datetime
    last: datetime


class History(msgspec.Struct, frozen=True, weakref=True):
    """How a tool's verdicts came about.

    Attributes:
        panel: The panel's verdicts, oldest first.
        community: The community's verdicts, oldest first, without its current counts.
        listed: The time of the newest listing; None for a tool that was never listed.
        reviews: The times of every review, also of retracted ones, by reviewer.
    """

    panel: list[PanelPoint] = []
    community: list[CommunityPoint] = []
    listed: datetime | None = None
    reviews: Mapping[str, ReviewTimes] = {}


class EditTimes(msgspec.Struct, frozen=True):
    """When categories and reviewers were last defined, by slug, and digests frozen, by week."""

    categories: Mapping[str, datetime] = {}
    reviewers: Mapping[str, datetime] = {}
    digests: Mapping[str, datetime] = {}


class Merge(msgspec.Struct, frozen=True):
    """A listed tool that became another name of `tool`, which no later listing ended.

    Attributes:
        merged: The slug that is another name now.
        merged_name: The name in its newest listing.
        tool: What it leads to, after all merges of that tool.
        reason: What the editor wrote.
        time: Of the merge.
    """

    merged: str
    merged_name: str
    tool: str
    reason: str | None
    time: datetime


class DemoTools(NamedTuple):
    """The tools that the demo listed first, by slug: those on the site, and the retired ones."""

    on_site: frozenset[str] = frozenset()
    retired: frozenset[str] = frozenset()
