"""One reviewer with all of their reviews."""

from typing import NamedTuple

from publishers.views.comparisons.scorecard import Opinion, opinion
from publishers.views.lists.paging import ListPage, Query, list_page
from publishers.views.paths import reviewer_path, tool_path
from publishers.views.text.formatting import mean
from schemas.records import Authored, Reviewer, mean_of


class ReviewedTool(NamedTuple):
    """A review with its tool."""

    tool: str
    path: str
    opinion: Opinion


class ReviewerPage(NamedTuple):
    """All that the page of one reviewer shows."""

    name: str
    motto: str
    ship: int
    skip: int
    mean: str
    page: ListPage[ReviewedTool]


def reviewer_page(
    reviewer: Reviewer, authored: list[Authored], query: Query | None = None
) -> ReviewerPage:
    """The page of a reviewer, newest review first."""
    page = list_page(newest_first(authored), reviewer_path(reviewer.reviewer), query)
    reviews = [each.review for each in authored]
    ship = sum(review.verdict == "ship" for review in reviews)
    return ReviewerPage(
        name=reviewer.name,
        motto=reviewer.motto,
        ship=ship,
        skip=len(reviews) - ship,
        mean=mean(mean_of([review.score for review in reviews])),
        page=page.map(_entry),
    )


def newest_first(authored: list[Authored]) -> list[Authored]:
    """Sort by time, newest first; equal times by tool and reviewer."""
    by_name = sorted(authored, key=lambda each: (each.tool, each.review.reviewer))
    return sorted(by_name, key=lambda each: each.review.time, reverse=True)


def _entry(authored: Authored) -> ReviewedTool:
    path = tool_path(authored.tool)
    return ReviewedTool(authored.tool_name, path, opinion(authored.review))
