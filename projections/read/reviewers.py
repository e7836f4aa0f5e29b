"""Reviewers, and what each of them wrote."""

from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from projections import tables
from projections.read.reviews import IS_FORMER, select_current_reviews, to_review
from projections.read.tools import LISTED_TOOLS
from projections.tables import columns_without_stamp
from schemas.records import Authored, Reviewer
from schemas.time.instants import from_datetime, to_datetime

_REVIEWERS: Select[Any] = select(
    *columns_without_stamp(tables.reviewers),
    IS_FORMER.label("is_former"),
    tables.departures.c.time.label("departed"),
    tables.departures.c.reason.label("left_reason"),
).outerjoin(tables.departures, tables.departures.c.reviewer == tables.reviewers.c.reviewer)


def list_reviewers(connection: Connection) -> list[Reviewer]:
    """Read the panel with its former members, in its order."""
    query = _REVIEWERS.order_by(tables.reviewers.c.position, tables.reviewers.c.reviewer)
    return [_to_reviewer(row) for row in connection.execute(query)]


def find_reviewer(connection: Connection, slug: str) -> Reviewer | None:
    """Read one member of the panel, also a former one."""
    query = _REVIEWERS.where(tables.reviewers.c.reviewer == slug)
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
    return Reviewer(
        reviewer=row.reviewer,
        name=row.name,
        motto=row.motto,
        position=row.position,
        version=row.version,
        left=to_datetime(row.departed) if row.is_former else None,
        left_reason=row.left_reason if row.is_former else None,
    )
