"""One reviewer: who they are, and all that they wrote."""

from typing import NamedTuple

from publishers.views.comparisons.scorecard import Opinion, opinion
from publishers.views.paths import tool_path
from publishers.views.text.formatting import mean
from schemas.records import Authored, Reviewer, mean_of


class ReviewedTool(NamedTuple):
    """A review with the tool that it is about."""

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
    entries: list[ReviewedTool]


def reviewer_page(reviewer: Reviewer, authored: list[Authored]) -> ReviewerPage:
    """The page of a reviewer, newest review first."""
    reviews = [one.review for one in authored]
    ship = sum(review.verdict == "ship" for review in reviews)
    return ReviewerPage(
        name=reviewer.name,
        motto=reviewer.motto,
        ship=ship,
        skip=len(reviews) - ship,
        mean=mean(mean_of([review.score for review in reviews])),
        entries=[_entry(one) for one in newest_first(authored)],
    )


def newest_first(authored: list[Authored]) -> list[Authored]:
    """By time, newest first; of one moment by tool and reviewer."""
    by_name = sorted(authored, key=lambda one: (one.tool, one.review.reviewer))
    return sorted(by_name, key=lambda one: one.review.time, reverse=True)


def _entry(one: Authored) -> ReviewedTool:
    return ReviewedTool(one.tool_name, tool_path(one.tool), opinion(one.review))
