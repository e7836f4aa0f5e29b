"""What one voter chose and saved."""

# ruff: noqa: S608 - statements are put together from constants

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Subquery,
    Table,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import distinct_on

from infra.postgres.statement_pipeline import Statements
from projections import tables
from projections.aliases.group_tallies import bookmark_rank
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
# Keys compare as bytes; an array's texts do not by themselves. The newest choice under any of the
# tool's names is the voter's.
_OWN_STATES = f"""
select asked.voter, asked.tool,
    (select choice from ballots
     where ballots.voter = asked.voter and ballots.tool = any(asked.names)
     order by stamp desc limit 1) as choice,
    (select kept from bookmarks
     where bookmarks.voter = asked.voter and bookmarks.tool = any(asked.names)
     order by {bookmark_rank("bookmarks")} desc limit 1) as kept,
    greatest(
        (select max(stamp) from ballots where ballots.voter = asked.voter),
        (select max(stamp) from bookmarks where bookmarks.voter = asked.voter)
    ) as stamp
from (
    select voter collate "C" as voter, tool,
        array(select names.alias from aliases join aliases as names using (tool)
              where aliases.alias = pairs.tool union select pairs.tool collate "C") as names
    from unnest(%(voters)s::text[], %(tools)s::text[]) as pairs(voter, tool)
) as asked
"""


def read_own_states(
    connection: Statements, pairs: Collection[tuple[str, str]]
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
        for row in rows.all()
    }


def read_choices(connection: Connection, voter: str) -> dict[str, Choice]:
    """Read a voter's choices by tool."""
    newest = _newest_ballots(voter)
    query = select(newest.c.tool, newest.c.choice).order_by(newest.c.tool)
    rows = connection.execute(query)
    return {row.tool: NAMES[row.choice] for row in rows if row.choice in NAMES}


def list_own_votes(connection: Connection, voter: str) -> list[OwnVote]:
    """Read a voter's choices for listed tools, newest first."""
    newest, tools = _newest_ballots(voter), tables.tools.c
    query = (
        select(newest.c.tool, newest.c.choice, newest.c.stamp, tools.name)
        .join(tables.tools, tools.tool == newest.c.tool)
        .where(newest.c.choice.in_(NAMES))
        .order_by(newest.c.stamp.desc(), newest.c.tool)
    )
    return [
        OwnVote(row.tool, row.name, NAMES[row.choice], to_datetime(time_of(row.stamp)))
        for row in connection.execute(query)
    ]


def list_saved_tools(connection: Connection, voter: str) -> list[SavedTool]:
    """Read the listed tools that a reader bookmarked, newest bookmark first."""
    newest, tools = _newest_bookmarks(tables.bookmarks.c.voter == voter), tables.tools.c
    query = (
        select(newest.c.tool, newest.c.time, tools.name, tools.tagline)
        .join(tables.tools, tools.tool == newest.c.tool)
        .where(newest.c.kept)
        .order_by(newest.c.time.desc(), newest.c.tool)
    )
    return [
        SavedTool(row.tool, row.name, row.tagline, to_datetime(row.time))
        for row in connection.execute(query)
    ]


def list_saved_slugs(connection: Connection, voters: Collection[str]) -> dict[str, list[str]]:
    """Read the slugs of the listed tools that each of some readers bookmarked, by slug."""
    newest = _newest_bookmarks(tables.bookmarks.c.voter == func.any(list(voters)))
    query = (
        select(newest.c.voter, newest.c.tool)
        .join(tables.tools, tables.tools.c.tool == newest.c.tool)
        .where(newest.c.kept)
        .order_by(newest.c.voter, newest.c.tool)
    )
    saved: dict[str, list[str]] = {}
    for row in connection.execute(query):
        saved.setdefault(row.voter, []).append(row.tool)
    return saved


def _newest_ballots(voter: str) -> Subquery:
    """Select a voter's newest ballot of each tool, whichever of its names it was cast for."""
    ballots = tables.ballots.c
    return _newest_of_names(tables.ballots, ballots.stamp, ballots.voter == voter)


def _newest_bookmarks(condition: ColumnElement[bool]) -> Subquery:
    rank: ColumnElement[bytes] = literal_column(bookmark_rank("bookmarks"))
    return _newest_of_names(tables.bookmarks, rank, condition)


def _newest_of_names(
    table: Table, rank: ColumnElement[Any], condition: ColumnElement[bool]
) -> Subquery:
    """Select a voter's newest row of each tool from a table, ordered by a rank."""
    tool = func.coalesce(tables.aliases.c.tool, table.c.tool)
    return (
        select(tool.label("tool"), *(column for column in table.c if column is not table.c.tool))
        .outerjoin_from(table, tables.aliases, tables.aliases.c.alias == table.c.tool)
        .where(condition)
        .ext(distinct_on(table.c.voter, tool))
        .order_by(table.c.voter, tool, rank.desc())
        .subquery()
    )


def list_bookmarks(connection: Connection, voter: str) -> list[str]:
    """Read the slugs of the listed tools that a reader bookmarked, newest bookmark first."""
    return [saved.tool for saved in list_saved_tools(connection, voter)]
