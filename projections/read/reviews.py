"""Current reviews: the newest revision of each, unless it is a retraction.

A review counts once its tool is listed and its reviewer has joined.
"""

from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from projections import tables
from projections.tables import columns_without_stamp
from schemas.records import Review
from schemas.time.instants import to_datetime


def select_current_reviews(condition: ColumnElement[bool]) -> Any:
    """Select the current reviews whose revisions meet a condition, in the panel's order."""
    revisions = tables.revisions.c
    newest = (
        select(*columns_without_stamp(tables.revisions))
        .where(condition)
        .ext(distinct_on(revisions.tool, revisions.reviewer))
        .order_by(revisions.tool, revisions.reviewer, revisions.stamp.desc())
        .subquery()
    )
    return (
        select(newest, tables.reviewers.c.name.label("reviewer_name"))
        .join(tables.reviewers, tables.reviewers.c.reviewer == newest.c.reviewer)
        .where(~newest.c.retracted)
        .order_by(tables.reviewers.c.position, tables.reviewers.c.reviewer, newest.c.tool)
    )


# Built once: building it takes longer than running it for a tool or two.
REVIEWS_OF_TOOLS = select_current_reviews(tables.revisions.c.tool == func.any(bindparam("tools")))


def to_review(row: Row[Any]) -> Review:
    """Convert a row of `select_current_reviews`."""
    return Review(
        reviewer=row.reviewer,
        name=row.reviewer_name,
        score=row.score,
        verdict=row.verdict,
        body=row.body,
        pros=row.pros,
        cons=row.cons,
        disclosure=row.disclosure,
        time=to_datetime(row.time),
    )
