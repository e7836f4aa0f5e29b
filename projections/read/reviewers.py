"""Reviewers, and what each of them wrote."""

from typing import Any

from sqlalchemy import Connection, Row, func, select

from projections import tables
from projections.read.reviews import select_current_reviews, to_review
from projections.read.tools import LISTED_TOOLS
from schemas.records import Authored, Reviewer
from schemas.time.instants import from_datetime


def list_reviewers(connection: Connection) -> list[Reviewer]:
    """Read the panel in its order."""
    query = select(tables.reviewers).order_by(
        tables.reviewers.c.position, tables.reviewers.c.reviewer
    )
    return [_to_reviewer(row) for row in connection.execute(query)]


def find_reviewer(connection: Connection, slug: str) -> Reviewer | None:
    """Read one member of the panel."""
    query = select(tables.reviewers).where(tables.reviewers.c.reviewer == slug)
    row = connection.execute(query).first()
    return _to_reviewer(row) if row else None


def list_reviews_by(connection: Connection, reviewer: str) -> list[Authored]:
    """Read a reviewer's current reviews of the tools on the site, newest first."""
    query = select_current_reviews(tables.revisions.c.reviewer == reviewer)
    reviews = {row.tool: to_review(row) for row in connection.execute(query)}
    tools = LISTED_TOOLS.where(tables.tools.c.tool == func.any(list(reviews)))
    authored = [
        Authored(row.tool, row.name, reviews[row.tool])
        for row in connection.execute(tools)
        if not row.is_retired
    ]
    return sorted(authored, key=lambda item: (-from_datetime(item.review.time), item.tool))


def _to_reviewer(row: Row[Any]) -> Reviewer:
    return Reviewer(row.reviewer, row.name, row.motto, row.position, row.version)
