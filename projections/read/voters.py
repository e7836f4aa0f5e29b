"""What one voter chose and saved."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection, func, select

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


def read_own_state(connection: Connection, voter: str, tool: str) -> OwnToolState:
    """Read a voter's state of one tool, and how far the voter's changes are applied."""
    ballots, bookmarks = tables.ballots.c, tables.bookmarks.c
    votes = select(
        func.max(ballots.choice).filter(ballots.tool == tool).label("choice"),
        func.max(ballots.stamp).label("stamp"),
    ).where(ballots.voter == voter)
    saves = select(
        func.bool_or(bookmarks.kept).filter(bookmarks.tool == tool).label("kept"),
        func.max(bookmarks.stamp).label("stamp"),
    ).where(bookmarks.voter == voter)
    vote, saved = connection.execute(votes).one(), connection.execute(saves).one()
    stamps = [row.stamp for row in (vote, saved) if row.stamp is not None]
    newest = max(map(time_of, stamps), default=0)
    return OwnToolState(NAMES.get(vote.choice), bool(saved.kept), newest)


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
