"""What the contract says of a history, in plain dictionaries: sort everything, then replay.

Slow, obvious and on its own: nothing of the projections is used here.
"""

import json
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from schemas import events
from schemas.events import Event
from schemas.time.instants import rfc3339


def law(event: Event) -> tuple[Any, ...]:
    """Time, then id, then the bytes of the data; equal data of two types, by the type's name."""
    data = msgspec.to_builtins(event.data)
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return event.time, event.id.encode(), canonical.encode(), event.type


class Reference:
    """What stands after all events, each register being what was said last."""

    def __init__(self, history: Iterable[Event]) -> None:
        self.tools: dict[str, events.ToolListed] = {}
        self.listed: dict[str, int] = {}
        self.retired: dict[str, tuple[int, str]] = {}
        self.categories: dict[str, events.CategoryDefined] = {}
        self.reviewers: dict[str, events.ReviewerJoined] = {}
        self.reviews: dict[tuple[str, str], tuple[int, events.ReviewSubmitted]] = {}
        self.choices: dict[tuple[str, str], str] = {}
        self.bookmarks: dict[tuple[str, str], int] = {}
        self.digests: dict[str, str] = {}
        for event in sorted(history, key=law):
            self._replay(event.time, event.data)

    def _replay(self, time: int, data: Any) -> None:
        match data:
            case events.CategoryDefined():
                self.categories[data.category] = data
            case events.ToolListed():
                self.tools[data.tool] = data
                self.listed.setdefault(data.tool, time)
                self.retired.pop(data.tool, None)
            case events.ToolRetired():
                self.retired[data.tool] = (time, data.reason)
            case events.ReviewerJoined():
                self.reviewers[data.reviewer] = data
            case events.ReviewSubmitted():
                self.reviews[data.tool, data.reviewer] = (time, data)
            case events.ReviewRetracted():
                self.reviews.pop((data.tool, data.reviewer), None)
            case events.VoteCast():
                self.choices[data.voter, data.tool] = data.choice
            case events.VoteRetracted():
                self.choices.pop((data.voter, data.tool), None)
            case events.BookmarkAdded():
                self.bookmarks[data.voter, data.tool] = time
            case events.BookmarkRemoved():
                self.bookmarks.pop((data.voter, data.tool), None)
            case events.DigestFrozen():
                self.digests.setdefault(data.week, data.digest)

    def tool(self, slug: str) -> dict[str, Any] | None:
        """The whole record of a tool, without its version."""
        data = self.tools.get(slug)
        if data is None:
            return None
        retired, reason = self.retired.get(slug, (None, None))
        reviews = [self._review(data, time) for time, data in self._reviews_of(slug)]
        scores = [review["score"] for review in reviews]
        return {
            "tool": slug,
            "name": data.name,
            "category": {"slug": data.category, "name": self._category_name(data.category)},
            "tagline": data.tagline,
            "description": data.description,
            "pricing": data.pricing,
            "entry": data.entry,
            "best_for": data.tagline if data.best_for is None else data.best_for,
            "url": data.url,
            "listed": rfc3339(self.listed[slug]),
            "retired": None if retired is None else rfc3339(retired),
            "retired_reason": reason,
            "panel": {
                **_counts([review["verdict"] for review in reviews]),
                "mean": _rounded(sum(scores), len(scores), "0.01"),
                "reviews": reviews,
            },
            "community": self.community(slug),
            "bookmarks": sum(tool == slug for _, tool in self.bookmarks),
        }

    def community(self, slug: str) -> dict[str, Any]:
        """The votes of a tool, added up."""
        choices = [choice for (_, tool), choice in self.choices.items() if tool == slug]
        return {**_counts(choices), "votes": len(choices)}

    def choices_of(self, voter: str) -> dict[str, str]:
        """A voter's choices."""
        return {tool: choice for (by, tool), choice in self.choices.items() if by == voter}

    def bookmarks_of(self, voter: str) -> list[str]:
        """The listed tools that a reader keeps, the last kept first."""
        times = {tool: time for (by, tool), time in self.bookmarks.items() if by == voter}
        return sorted(times.keys() & self.tools.keys(), key=lambda tool: (-times[tool], tool))

    def reviews_by(self, reviewer: str) -> list[str]:
        """The tools on the site that someone has reviewed, the newest review first."""
        newest_first = [
            (-time, tool)
            for (tool, by), (time, _) in self.reviews.items()
            if by == reviewer and by in self.reviewers
            if tool in self.tools and tool not in self.retired
        ]
        return [tool for _, tool in sorted(newest_first)]

    def category_names(self) -> dict[str, str]:
        """Every category that is defined or named by a tool."""
        slugs = {*self.categories, *(tool.category for tool in self.tools.values())}
        return {slug: self._category_name(slug) for slug in sorted(slugs)}

    def panel(self) -> list[str]:
        """The reviewers in their order."""
        return sorted(self.reviewers, key=lambda slug: (self.reviewers[slug].position, slug))

    def _category_name(self, slug: str) -> str:
        return self.categories[slug].name if slug in self.categories else slug

    def _reviews_of(self, slug: str) -> list[tuple[int, events.ReviewSubmitted]]:
        return [
            self.reviews[slug, reviewer]
            for reviewer in self.panel()
            if (slug, reviewer) in self.reviews
        ]

    def _review(self, data: events.ReviewSubmitted, time: int) -> dict[str, Any]:
        return {
            "reviewer": data.reviewer,
            "name": self.reviewers[data.reviewer].name,
            "score": data.score,
            "verdict": data.verdict,
            "body": data.body,
            "pros": list(data.pros),
            "cons": list(data.cons),
            "disclosure": data.disclosure,
            "time": rfc3339(time),
        }


def _counts(words: list[str]) -> dict[str, Any]:
    ship, skip = words.count("ship"), words.count("skip")
    verdict = "none" if not words else "split" if ship == skip else max(words, key=words.count)
    percent = _rounded(100 * ship, ship + skip, "1")
    return {"verdict": verdict, "ship": ship, "skip": skip, "percent": percent}


def _rounded(part: int, whole: int, to: str) -> float | None:
    if not whole:
        return None
    return float((Decimal(part) / Decimal(whole)).quantize(Decimal(to), ROUND_HALF_UP))
