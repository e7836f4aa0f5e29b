"""What a site shows, as the data of content files; and whether two are the same content."""

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import UNSET

from schemas.events import CategoryDefined, Data, ReviewerJoined, ReviewSubmitted, ToolListed
from schemas.records import Category, Review, Reviewer, Tool
from streams.content_files.model import path_of


class SiteRecords(msgspec.Struct, frozen=True):
    """The records of a site's categories, reviewers and tools, as `/v1` gives them.

    A reviewer who left has no file, nor have the reviews that count no more.
    """

    categories: list[Category] = []
    reviewers: list[Reviewer] = []
    tools: list[Tool] = []

    def files(self) -> dict[str, Data]:
        """The data of the file that each record has, by path."""
        return {path_of(data): data for data in self._data()}

    def _data(self) -> Iterable[Data]:
        for category in self.categories:
            if category.description:  # without one, it is only the name that a tool gives
                yield _category(category)
        yield from (_reviewer(each) for each in self.reviewers if each.left is None)
        for tool in self.tools:
            yield _tool(tool)
            for review in tool.panel.reviews:
                if not review.former:
                    yield _review(tool.tool, review)


def canonical(data: Data) -> dict[str, Any]:
    """The content of an event: fields without a value left out, and defaults filled in."""
    fields: dict[str, Any] = msgspec.to_builtins(data)
    if isinstance(data, ToolListed) and data.best_for is None:
        fields["best_for"] = data.tagline
    return {name: value for name, value in fields.items() if value not in (None, [], {}, ())}


def digest_of(data: Data) -> str:
    """A hash of the content, the same for equal content."""
    text = msgspec.json.encode(canonical(data), order="deterministic")
    return hashlib.sha256(text).hexdigest()[:32]


def _category(record: Category) -> Data:
    facts = tuple(record.facts)
    return CategoryDefined(record.category, record.name, record.description, facts or UNSET)


def _reviewer(record: Reviewer) -> Data:
    return ReviewerJoined(record.reviewer, record.name, record.motto, record.position)


def _tool(record: Tool) -> Data:
    return ToolListed(
        tool=record.tool,
        name=record.name,
        category=record.category.slug,
        tagline=record.tagline,
        description=record.description,
        pricing=record.pricing,
        entry=record.entry,
        best_for=None if record.best_for == record.tagline else record.best_for,
        url=record.url,
        facts=record.facts or UNSET,
    )


def _review(tool: str, review: Review) -> Data:
    return ReviewSubmitted(
        tool=tool,
        reviewer=review.reviewer,
        score=review.score,
        verdict=review.verdict,
        body=review.body,
        pros=tuple(review.pros),
        cons=tuple(review.cons),
        disclosure=review.disclosure,
    )
