"""What one voter chose and saved."""

from collections.abc import Collection
from datetime import datetime

import msgspec
from sqlalchemy import Connection, select

from projections import tables
from projections.folds.ordering import time_of
from projections.folds.votes import NAMES
from schemas.records import Choice
from schemas.time.instants import to_datetime


class SavedTool(msgspec.Struct, frozen=True):
    """A bookmarked tool; `time` is the newest bookmark's."""

    tool: str
    name: str
    tagline: str
    time: datetime


class OwnVote(msgspec.Struct, frozen=True):
    """A voter's choice for a tool; `time` is the vote's."""

    tool: str
    name: str
    choice: Choice
    time: datetime


class OwnToolState(msgspec.Struct, frozen=True):
    """A voter's choice and bookmark of one tool.

    `newest` is the time of the voter's newest applied change of any tool, in microseconds; 0
    without one.
    """

    choice: Choice | None
    saved: bool
    newest: int


NOTHING_APPLIED = OwnToolState(None, False, 0)
# Keys compare as bytes; an array's texts do not by themselves.
_OWN_STATES = """
select asked.voter, asked.tool,
    (select choice from ballots
     where ballots.voter = asked.voter and ballots.tool = asked.tool) as choice,
    (select kept from bookmarks
     where bookmarks.voter = asked.voter and bookmarks.tool = asked.tool) as kept,
    greatest(
        (select max(stamp) from ballots where ballots.voter = asked.voter),
        (select max(stamp) from bookmarks where bookmarks.voter = asked.voter)
    ) as stamp
from (
    select voter collate "C" as voter, tool collate "C" as tool
    from unnest(%(voters)s::text[], %(tools)s::text[]) as pairs(voter, tool)
) as asked
"""


def read_own_states(
    connection: Connection, pairs: Collection[tuple[str, str]]
) -> dict[tuple[str, str], OwnToolState]:
    """Read voters' states of tools, and how far the changes of each voter are applied.

    Args:
        connection: On a generation's tables.
        pairs: Of a voter and a tool.
    """
    columns = {"voters": [voter for voter, _ in pairs], "tools": [tool for _, tool in pairs]}
    rows = connection.exec_driver_sql(_OWN_STATES, columns)
    return {
        (row.voter, row.tool): OwnToolState(
            NAMES.get(row.choice), bool(row.kept), time_of(row.stamp) if row.stamp else 0
        )
        for row in rows
    }


def read_choices(connection: Connection, voter: str) -> dict[str, Choice]:
    """Read a voter's choices by tool."""
    ballots = tables.ballots.c
    query = select(ballots.tool, ballots.choice).where(ballots.voter == voter)
    rows = connection.execute(query.order_by(ballots.tool))
    return {row.tool: NAMES[row.choice] for row in rows if row.choice in NAMES}


def list_own_votes(connection: Connection, voter: str) -> list[OwnVote]:
    """Read a voter's choices for listed tools, newest first."""
    ballots, tools = tables.ballots.c, tables.tools.c
    query = (
        select(ballots.tool, ballots.choice, ballots.stamp, tools.name)
        .join(tables.tools, tools.tool == ballots.tool)
        .where(ballots.voter == voter, ballots.choice.in_(NAMES))
        .order_by(ballots.stamp.desc(), ballots.tool)
    )
    return [
        OwnVote(row.tool, row.name, NAMES[row.choice], to_datetime(time_of(row.stamp)))
        for row in connection.execute(query)
    ]


def list_saved_tools(connection: Connection, voter: str) -> list[SavedTool]:
    """Read the listed tools that a reader bookmarked, newest bookmark first."""
    bookmarks, tools = tables.bookmarks.c, tables.tools.c
    query = (
        select(bookmarks.tool, bookmarks.time, tools.name, tools.tagline)
        .join(tables.tools, tools.tool == bookmarks.tool)
        .where(bookmarks.voter == voter, bookmarks.kept)
        .order_by(bookmarks.time.desc(), bookmarks.tool)
    )
    return [
        SavedTool(row.tool, row.name, row.tagline, to_datetime(row.time))
        for row in connection.execute(query)
    ]


def list_bookmarks(connection: Connection, voter: str) -> list[str]:
    """Read the slugs of the listed tools that a reader bookmarked, newest bookmark first."""
    return [saved.tool for saved in list_saved_tools(connection, voter)]
