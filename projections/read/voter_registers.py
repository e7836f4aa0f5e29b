"""All that a voter has chosen and saved, with the stamps that the law of the log compares."""

import msgspec
from sqlalchemy import Connection, func, select

from projections import tables
from projections.folds.ordering import id_of, time_of
from projections.folds.votes import NAMES
from schemas.records import Choice


class VoterRegister(msgspec.Struct, frozen=True):
    """A vote or a bookmark that counts, and the time and id of the event that made it.

    Attributes:
        tool: The slug of the event.
        choice: The vote's choice; None for a bookmark.
        time: In microseconds since 1970.
        id: The event's.
    """

    tool: str
    choice: Choice | None
    time: int
    id: str


def read_voter_registers(connection: Connection, voter: str) -> list[VoterRegister]:
    """Read a voter's votes and bookmarks that count, also of tools that are not listed.

    Votes come first, each kind in the order of its tools.
    """
    ballots, bookmarks = tables.ballots.c, tables.bookmarks.c
    votes = connection.execute(
        select(ballots.tool, ballots.choice, ballots.stamp)
        .where(ballots.voter == voter, ballots.choice.in_(NAMES))
        .order_by(ballots.tool)
    )
    saved = connection.execute(
        select(bookmarks.tool, bookmarks.stamp)
        .where(bookmarks.voter == voter, bookmarks.kept)
        .order_by(bookmarks.tool)
    )
    return [
        *(_register(row.tool, NAMES[row.choice], row.stamp) for row in votes),
        *(_register(row.tool, None, row.stamp) for row in saved),
    ]


def read_newest_time(connection: Connection, voter: str) -> int:
    """Read the time of a voter's newest applied change, in microseconds; 0 without one."""
    stamps = (
        connection.scalar(select(func.max(table.c.stamp)).where(table.c.voter == voter))
        for table in (tables.ballots, tables.bookmarks)
    )
    return max((time_of(stamp) for stamp in stamps if stamp), default=0)


def _register(tool: str, choice: Choice | None, stamp: bytes) -> VoterRegister:
    return VoterRegister(tool, choice, time_of(stamp), id_of(stamp))
