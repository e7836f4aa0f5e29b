"""Weekly digests: frozen ones as they were decided, open ones computed from the projections."""

from collections.abc import Iterator

from sqlalchemy import Connection, select

from projections import tables
from projections.aliases.lookup import list_merges
from projections.history.digest_input_queries import (
    has_news,
    list_listed_tools,
    list_revisions,
    read_previous_tallies,
)
from projections.history.digest_rules import make_digest
from projections.history.digest_weeks import list_open_weeks
from schemas import digests
from schemas.digests import WeeklyDigest
from schemas.time import weeks


def compute_digest(connection: Connection, week: str) -> WeeklyDigest | None:
    """Make a week's digest from the projections; None for a quiet week.

    Args:
        connection: In a transaction that sees one snapshot.
        week: A week of the calendar, such as `2026-W47`.
    """
    start, end = weeks.span(week)
    return make_digest(
        week,
        list_listed_tools(connection),
        list_revisions(connection, start, end),
        read_previous_tallies(connection, week),
        list_merges(connection, start, end),
    )


def find_digest(connection: Connection, week: str) -> WeeklyDigest | None:
    """Read a week's digest as it was frozen, or compute it while the week is open."""
    if not weeks.exists(week):
        return None
    text = connection.scalar(select(tables.digests.c.digest).where(tables.digests.c.week == week))
    if text is not None:
        return digests.read(text)
    return compute_digest(connection, week) if week in list_open_weeks(connection) else None


def is_decided(connection: Connection, week: str) -> bool:
    """Whether a week is closed, with a digest or without."""
    query = select(tables.digests.c.week).where(tables.digests.c.week == week)
    return connection.scalar(query) is not None


def list_digests(connection: Connection) -> list[WeeklyDigest]:
    """Read every digest, newest first, and compute those of open weeks."""
    computed = (compute_digest(connection, week) for week in list_open_weeks(connection))
    return [*filter(None, computed), *_read_frozen(connection)]


def find_newest_digest_week(connection: Connection) -> str | None:
    """Name the first week of `list_digests` without computing a digest."""
    open_weeks = (week for week in list_open_weeks(connection) if has_news(connection, week))
    return next(open_weeks, None) or next(
        (digest.week for digest in _read_frozen(connection)), None
    )


def _read_frozen(connection: Connection) -> Iterator[WeeklyDigest]:
    """Read the frozen digests of weeks that were not quiet, newest first."""
    query = select(tables.digests.c.digest).order_by(tables.digests.c.week.desc())
    with connection.scalars(query) as texts:
        yield from filter(None, map(digests.read, texts))
