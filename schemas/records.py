"""Whole records of tools, categories and reviewers; `schemas.digests` has those of digests.

The same structs are the JSON of the reading API, the values of `verdicts.changes.v1` and the
input of the pages, so a field has one name everywhere. Caches hold weak references to some.
"""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

import msgspec

from schemas.facts.values import Fact, FactDefinition

Verdict = Literal["ship", "skip", "split", "none"]
Choice = Literal["ship", "skip"]
Entry = Literal["free", "freemium", "paid"]


def verdict_of(ship: int, skip: int) -> Verdict:
    """More ships than skips is `ship`, fewer is `skip`, an equal number above zero is `split`."""
    if ship == skip:
        return "split" if ship else "none"
    return "ship" if ship > skip else "skip"


def percent_of(ship: int, skip: int) -> int | None:
    """Share of ships in whole per cent, rounded half up; None without votes."""
    total = ship + skip
    return (200 * ship + total) // (2 * total) if total else None


def mean_of(scores: list[int]) -> float | None:
    """Mean of the scores to two decimals, rounded half up; None without scores."""
    if not scores:
        return None
    exact = Decimal(sum(scores)) / Decimal(len(scores))
    return float(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))


class CategoryName(msgspec.Struct, frozen=True):
    """A tool's category; the name of an undefined category is its slug."""

    slug: str
    name: str


class Review(msgspec.Struct, frozen=True, weakref=True):
    """A reviewer's current opinion of a tool; that of a former reviewer does not count."""

    reviewer: str
    name: str
    score: int
    verdict: Choice
    body: str
    pros: list[str]
    cons: list[str]
    disclosure: str | None
    time: datetime
    former: bool = False


class Panel(msgspec.Struct, frozen=True):
    """The panel's verdict on a tool, its counts and its reviews in the order of the reviewers."""

    verdict: Verdict
    ship: int
    skip: int
    percent: int | None
    mean: float | None
    reviews: list[Review]

    @classmethod
    def of(cls, reviews: list[Review]) -> "Panel":
        """Count the current reviews of one tool, without those of former reviewers."""
        counted = [review for review in reviews if not review.former]
        ship = sum(review.verdict == "ship" for review in counted)
        skip = len(counted) - ship
        mean = mean_of([review.score for review in counted])
        return cls(verdict_of(ship, skip), ship, skip, percent_of(ship, skip), mean, reviews)


class Community(msgspec.Struct, frozen=True):
    """The community's verdict on a tool, and its counts."""

    verdict: Verdict
    ship: int
    skip: int
    votes: int
    percent: int | None

    @classmethod
    def of(cls, ship: int, skip: int) -> "Community":
        """Derive verdict, sum and share from the two counts."""
        return cls(verdict_of(ship, skip), ship, skip, ship + skip, percent_of(ship, skip))


class Tool(msgspec.Struct, frozen=True, weakref=True):
    """One tool with its reviews, votes and bookmarks."""

    tool: str
    name: str
    category: CategoryName
    tagline: str
    description: str
    pricing: str
    entry: Entry
    best_for: str
    url: str | None
    listed: datetime
    retired: datetime | None
    retired_reason: str | None
    panel: Panel
    community: Community
    bookmarks: int
    version: int
    facts: dict[str, Fact] = {}


class Category(msgspec.Struct, frozen=True):
    """A defined category, and the facts that its tools are compared by."""

    category: str
    name: str
    description: str
    version: int
    facts: list[FactDefinition] = []


class Reviewer(msgspec.Struct, frozen=True):
    """A member of the panel; `position` orders the scorecard, `left` is set for a former one."""

    reviewer: str
    name: str
    motto: str
    position: int
    version: int
    left: datetime | None = None
    left_reason: str | None = None


class Authored(msgspec.Struct, frozen=True):
    """A review with its tool, for the reviewer's page."""

    tool: str
    tool_name: str
    review: Review
