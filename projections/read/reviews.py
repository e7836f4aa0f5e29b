"""Current reviews: the newest revision of each, unless it is a retraction.

A review shows once its tool is listed and its reviewer has joined. It counts until its reviewer
leaves.
"""

from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, case, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from projections import tables
from projections.tables import columns_without_stamp
from schemas.records import Review
from schemas.time.instants import to_datetime

NAMED_TOOL = func.coalesce(tables.aliases.c.tool, tables.revisions.c.tool)
"""The tool that a revision is about: the one that its tool is another name of."""
IS_FORMER = and_(
    tables.departures.c.stamp.is_not(None),
    tables.departures.c.stamp > tables.reviewers.c.stamp,
)
DEPARTED = case((IS_FORMER, tables.departures.c.time), else_=None)
"""When a former reviewer left, in microseconds; null for the present panel."""


def select_current_reviews(condition: ColumnElement[bool]) -> Any:
    """Select the current reviews whose revisions meet a condition, in the panel's order.

    Those of a tool with other names are the newest of each reviewer under any of them.
    """
    revisions = tables.revisions.c
    newest = (
        select(
            NAMED_TOOL.label("tool"),
            *(
                column
                for column in columns_without_stamp(tables.revisions)
                if column is not revisions.tool
            ),
        )
        .outerjoin_from(tables.revisions, tables.aliases, tables.aliases.c.alias == revisions.tool)
        .where(condition)
        .ext(distinct_on(NAMED_TOOL, revisions.reviewer))
        .order_by(NAMED_TOOL, revisions.reviewer, revisions.stamp.desc())
        .subquery()
    )
    return (
        select(newest, tables.reviewers.c.name.label("reviewer_name"), IS_FORMER.label("is_former"))
        .join(tables.reviewers, tables.reviewers.c.reviewer == newest.c.reviewer)
        .outerjoin(tables.departures, tables.departures.c.reviewer == newest.c.reviewer)
        .where(~newest.c.retracted)
        .order_by(tables.reviewers.c.position, tables.reviewers.c.reviewer, newest.c.tool)
    )


def of_any_name(column: ColumnElement[str], tools: Any) -> ColumnElement[bool]:
    """Whether a column holds a name of one of these tools."""
    names = select(tables.aliases.c.alias).where(tables.aliases.c.tool == func.any(tools))
    return or_(column == func.any(tools), column.in_(names))


# Built once: building it takes longer than running it for a tool or two.
REVIEWS_OF_TOOLS = select_current_reviews(of_any_name(tables.revisions.c.tool, bindparam("tools")))


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
        former=row.is_former,
    )
