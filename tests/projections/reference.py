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
        self.merges: dict[str, tuple[Any, str]] = {}
        self.removals: dict[str, tuple[Any, str | None]] = {}
        self.departures: dict[str, tuple[int, str | None]] = {}
        self.categories: dict[str, events.CategoryDefined] = {}
        self.reviewers: dict[str, events.ReviewerJoined] = {}
        self.reviews: dict[tuple[str, str], tuple[Any, events.ReviewSubmitted | None]] = {}
        self.choices: dict[tuple[str, str], tuple[Any, str | None]] = {}
        self.bookmarks: dict[tuple[str, str], tuple[Any, bool]] = {}
        self.revisions: list[tuple[Any, events.ReviewSubmitted | events.ReviewRetracted]] = []
        self.digests: dict[str, str] = {}
        for event in sorted(history, key=law):
            self._replay(law(event), event.time, event.data)
        self.names = _follow(self.merges)
        moved = {slug: (rank, into) for slug, (rank, into) in self.removals.items() if into}
        self.moved = _follow(moved)

    def _replay(self, rank: Any, time: int, data: Any) -> None:
        match data:
            case events.CategoryDefined():
                self.categories[data.category] = data
                self.removals.pop(data.category, None)
            case events.CategoryRemoved():
                self.categories.pop(data.category, None)
                self.removals[data.category] = (rank, data.into)
            case events.ToolListed():
                self.tools[data.tool] = data
                self.listed.setdefault(data.tool, time)
                self.retired.pop(data.tool, None)
                self.merges.pop(data.tool, None)
            case events.ToolMerged():
                self.merges[data.tool] = (rank, data.into)
            case events.ToolRetired():
                self.retired[data.tool] = (time, data.reason)
            case events.ReviewerJoined():
                self.reviewers[data.reviewer] = data
                self.departures.pop(data.reviewer, None)
            case events.ReviewerLeft():
                self.departures[data.reviewer] = (time, data.reason)
            case events.ReviewSubmitted():
                self.reviews[data.tool, data.reviewer] = (rank, data)
                self.revisions.append((rank, data))
            case events.ReviewRetracted():
                self.reviews[data.tool, data.reviewer] = (rank, None)
                self.revisions.append((rank, data))
            case events.VoteCast():
                self.choices[data.voter, data.tool] = (rank, data.choice)
            case events.VoteRetracted():
                self.choices[data.voter, data.tool] = (rank, None)
            case events.BookmarkAdded():
                self.bookmarks[data.voter, data.tool] = (rank, True)
            case events.BookmarkRemoved():
                self.bookmarks[data.voter, data.tool] = (rank, False)
            case events.DigestFrozen():
                self.digests.setdefault(data.week, data.digest)

    def tool(self, slug: str) -> dict[str, Any] | None:
        """The whole record of a tool, without its version."""
        data = self.tools.get(slug)
        if data is None or slug in self.names:
            return None
        retired, reason = self.retired.get(slug, (None, None))
        reviews = [self._review(data, rank[0]) for rank, data in self._reviews_of(slug)]
        counted = [review for review in reviews if not review["former"]]
        scores = [review["score"] for review in counted]
        category = self.category_of(slug)
        return {
            "tool": slug,
            "name": data.name,
            "category": {"slug": category, "name": self._category_name(category)},
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
                **_counts([review["verdict"] for review in counted]),
                "mean": _rounded(sum(scores), len(scores), "0.01"),
                "reviews": reviews,
            },
            "community": self.community(slug),
            "bookmarks": sum(
                saved
                for (_, tool), (_, saved) in self._newest_of_tools(self.bookmarks).items()
                if tool == slug
            ),
            "facts": {} if data.facts is msgspec.UNSET else msgspec.to_builtins(data.facts),
        }

    def community(self, slug: str) -> dict[str, Any]:
        """The votes of a tool, added up."""
        newest = self._newest_of_tools(self.choices)
        choices = [choice for (_, tool), (_, choice) in newest.items() if tool == slug and choice]
        return {**_counts(choices), "votes": len(choices)}

    def panel_points(self, slug: str) -> list[tuple[int, str, int, int, float | None]]:
        """The panel's verdict on a tool, ships, skips and mean, from each time of a change on."""
        left = {reviewer: time for reviewer, (time, _) in self.departures.items()}
        words = [
            (rank[0], data)
            for rank, data in self.revisions
            if self.names.get(data.tool, data.tool) == slug and data.reviewer in self.reviewers
            if data.reviewer not in left or rank[0] < left[data.reviewer]
        ]
        last = {data.reviewer: data for _, data in words}
        standing = {by for by, data in last.items() if isinstance(data, events.ReviewSubmitted)}
        times = {time for time, _ in words} | {left[by] for by in standing & left.keys()}
        return [(time, *self._panel_at(time, words, left)) for time in sorted(times)]

    def _panel_at(
        self, time: int, words: list[tuple[int, Any]], left: dict[str, int]
    ) -> tuple[str, int, int, float | None]:
        newest = {data.reviewer: data for moment, data in words if moment <= time}
        reviews = [
            data
            for by, data in newest.items()
            if isinstance(data, events.ReviewSubmitted) and not (by in left and left[by] <= time)
        ]
        counts = _counts([review.verdict for review in reviews])
        mean = _rounded(sum(review.score for review in reviews), len(reviews), "0.01")
        return counts["verdict"], counts["ship"], counts["skip"], mean

    def merged_tools(self) -> list[tuple[str, str]]:
        """The tools that became other names, with what they lead to on the site; oldest first."""
        on_site = self.on_site()
        merges = [
            (self.merges[slug][0][0], slug, into)
            for slug, into in self.names.items()
            if slug in self.tools and into in on_site
        ]
        return [(slug, into) for _, slug, into in sorted(merges)]

    def choices_of(self, voter: str) -> dict[str, str]:
        """A voter's choices."""
        newest = self._newest_of_tools(self.choices)
        return {
            tool: choice for (by, tool), (_, choice) in newest.items() if by == voter and choice
        }

    def bookmarks_of(self, voter: str) -> list[str]:
        """The listed tools that a reader keeps, the last kept first."""
        newest = self._newest_of_tools(self.bookmarks)
        times = {
            tool: rank[0] for (by, tool), (rank, saved) in newest.items() if by == voter and saved
        }
        return sorted(times.keys() & self.tools.keys(), key=lambda tool: (-times[tool], tool))

    def reviews_by(self, reviewer: str) -> list[str]:
        """The tools on the site that someone has reviewed, the newest review first."""
        newest_first = [
            (-rank[0], tool)
            for (by, tool), (rank, data) in self._newest_reviews().items()
            if by == reviewer and by in self.reviewers and data
            if tool in self.tools and tool not in self.retired
        ]
        return [tool for _, tool in sorted(newest_first)]

    def category_names(self) -> dict[str, str]:
        """Every category that is defined or named by a tool."""
        own = self.tools.keys() - self.names.keys()
        slugs = {*self.categories, *map(self.category_of, own)}
        return {slug: self._category_name(slug) for slug in sorted(slugs)}

    def panel(self) -> list[str]:
        """The reviewers in their order."""
        return sorted(self.reviewers, key=lambda slug: (self.reviewers[slug].position, slug))

    def _category_name(self, slug: str) -> str:
        return self.categories[slug].name if slug in self.categories else slug

    def on_site(self) -> list[str]:
        """The tools that can be read, by slug."""
        return sorted(self.tools.keys() - self.retired.keys() - self.names.keys())

    def category_of(self, slug: str) -> str:
        """The category of a listed tool."""
        category = self.tools[slug].category
        return self.moved.get(category, category)

    def _newest_of_tools(self, registers: dict[tuple[str, str], Any]) -> dict[tuple[str, str], Any]:
        """Each voter's newest row of each tool under any of its names."""
        newest: dict[tuple[str, str], Any] = {}
        for (voter, name), row in registers.items():
            key = voter, self.names.get(name, name)
            newest[key] = max(newest.get(key, row), row, key=lambda candidate: candidate[0])
        return newest

    def _newest_reviews(self) -> dict[tuple[str, str], Any]:
        """Each reviewer's newest revision of each tool, by reviewer and tool."""
        return self._newest_of_tools(
            {(reviewer, tool): row for (tool, reviewer), row in self.reviews.items()}
        )

    def _reviews_of(self, slug: str) -> list[tuple[Any, events.ReviewSubmitted]]:
        newest = self._newest_reviews()
        rows = [newest.get((reviewer, slug), (None, None)) for reviewer in self.panel()]
        return [(rank, data) for rank, data in rows if data]

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
            "former": data.reviewer in self.departures,
        }


def _follow(links: dict[str, tuple[Any, str]]) -> dict[str, str]:
    """Where each slug leads: oldest link first, so that the newest of a circle is left out."""
    ends: dict[str, str] = {}
    for slug, (_, into) in sorted(links.items(), key=lambda link: link[1][0]):
        end = ends.get(into, into)
        if end != slug:
            ends = {name: end if now == slug else now for name, now in ends.items()} | {slug: end}
    return ends


def _counts(words: list[str]) -> dict[str, Any]:
    ship, skip = words.count("ship"), words.count("skip")
    verdict = "none" if not words else "split" if ship == skip else max(words, key=words.count)
    percent = _rounded(100 * ship, ship + skip, "1")
    return {"verdict": verdict, "ship": ship, "skip": skip, "percent": percent}


def _rounded(part: int, whole: int, to: str) -> float | None:
    if not whole:
        return None
    return float((Decimal(part) / Decimal(whole)).quantize(Decimal(to), ROUND_HALF_UP))
