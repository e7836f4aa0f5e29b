"""When editors wrote what pages show, decoded from the stamps of the registers.

A stamp also stays where the register's content is hidden, so these times never go back.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    Table,
    bindparam,
    func,
    literal_column,
    select,
)

from infra.postgres.statement_pipeline import Statements
from projections import tables
from projections.folds.ordering import TIME_BYTES, id_prefix_in_earliest, time_of
from projections.read.tools import IS_RETIRED
from schemas.events import DEMO_ID_PREFIX
from schemas.history import DemoTools, EditTimes
from schemas.time.instants import to_datetime


def _slice(table: Table, first: int, length: int) -> ColumnElement[bytes]:
    """Select a part of a stamp; a stamp holds the whole event, so only the part is sent."""
    bounds = (literal_column(str(number), Integer) for number in (first, length))
    return func.substring(table.c.stamp, *bounds, type_=LargeBinary)


_LISTINGS = select(tables.tools.c.tool, _slice(tables.tools, 1, TIME_BYTES).label("time"))
_LISTINGS_OF_TOOLS = _LISTINGS.where(tables.tools.c.tool == func.any(bindparam("tools")))
_DEMO_ID = id_prefix_in_earliest(DEMO_ID_PREFIX)
_DEMO_TOOLS = (
    select(tables.tools.c.tool, IS_RETIRED.label("is_retired"))
    .join(tables.first_listings, tables.first_listings.c.tool == tables.tools.c.tool)
    .outerjoin(tables.retirements, tables.retirements.c.tool == tables.tools.c.tool)
    .where(_slice(tables.first_listings, TIME_BYTES + 1, len(_DEMO_ID)) == _DEMO_ID)
)
_DEMO_OF_TOOLS = _DEMO_TOOLS.where(tables.tools.c.tool == func.any(bindparam("tools")))


def query_listing_times(
    connection: Statements, tools: Iterable[str] | None = None
) -> Callable[[], dict[str, datetime]]:
    """Send the query for the time of the newest listing of these tools, or of all, by slug.

    Returns:
        A function that waits for the answer.
    """
    if tools is None:
        rows = connection.execute(_LISTINGS)
    else:
        rows = connection.execute(_LISTINGS_OF_TOOLS, {"tools": sorted(tools)})
    return lambda: {row.tool: _decode(row.time) for row in rows.all()}


def read_edit_times(connection: Connection) -> EditTimes:
    """Read when each category and reviewer was last defined, and each digest frozen."""
    digests = connection.execute(select(tables.digests.c.week, tables.digests.c.time))
    return EditTimes(
        categories=_read_times(connection, tables.categories),
        reviewers=_read_times(connection, tables.reviewers),
        digests={week: to_datetime(time) for week, time in digests},
    )


def read_demo_tools(connection: Statements, tools: Iterable[str] | None = None) -> DemoTools:
    """Read which of these tools, or of all, were listed first by an event of the demo."""
    if tools is None:
        rows = connection.execute(_DEMO_TOOLS)
    else:
        rows = connection.execute(_DEMO_OF_TOOLS, {"tools": sorted(tools)})
    retired = {row.tool: row.is_retired for row in rows.all()}
    return DemoTools(
        frozenset(tool for tool, is_retired in retired.items() if not is_retired),
        frozenset(tool for tool, is_retired in retired.items() if is_retired),
    )


def _read_times(connection: Connection, table: Table) -> dict[str, datetime]:
    (key,) = table.primary_key.columns
    rows = connection.execute(select(key, _slice(table, 1, TIME_BYTES)))
    return {slug: _decode(time) for slug, time in rows}


def _decode(time: Any) -> datetime:
    return to_datetime(time_of(bytes(time)))
