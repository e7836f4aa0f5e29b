"""The dirty set: which records changed since their pages were written.

Marks are rows, one per change. The publisher reads them in the snapshot that it renders from and
deletes those alone, so a change that came later keeps its own mark.

A mark says whether votes and bookmarks alone changed: most marks do, and a tally is read in a
fraction of the time that a whole tool takes.

A mark whose remaining pages are backfill stays, set apart: new pages, a category's new name, or the
check of all files. Nobody waits for these, so they do not count as the publisher's delay.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from sqlalchemy import Connection

from infra.postgres.statement_pipeline import Statements
from projections.record_keys import RecordKey

SITE = RecordKey("site", "")
"""Marks every page."""
# A mark of a category or a reviewer covers its tools: the publisher then reads everything anew.
INSERT = """
insert into verdicts.dirty (kind, key, tally)
select kind, key, tally from changed where kind not like 'tools-of-%%'
"""
"""For `projections.write.changed_keys`, which names the rows `changed`."""

_PENDING = """
select id, kind, key, tally from verdicts.dirty
where id <> all(%(besides)s) order by id limit %(limit)s
"""
_NEWEST = """
select newest.id, newest.kind, newest.key, coalesce(category_aliases.category, tools.category)
from (select id, kind, key from verdicts.dirty order by id desc limit %(limit)s) as newest
left join tools on newest.kind = 'tool' and tools.tool = newest.key
left join category_aliases on category_aliases.alias = tools.category
"""
_DELETE = "delete from verdicts.dirty where id = any(%(ids)s)"
_DEFER = "update verdicts.dirty set backfill = true where id = any(%(ids)s)"
# The oldest time stays, since the publisher's delay is told by it.
_MERGE = """
with merged as (delete from verdicts.dirty returning kind, key, backfill, at)
insert into verdicts.dirty (kind, key, backfill, at)
select kind, key, false, min(at) from merged
where not backfill and kind <> %(kind)s group by kind, key
union all select %(kind)s, %(key)s, true, coalesce(min(at), clock_timestamp()) from merged
"""


class PendingMarks(NamedTuple):
    """Marks that were looked up.

    Attributes:
        keys: The keys of the marked records, by the ids of their marks.
        edited: The keys of which a mark stands for more than votes and bookmarks.
    """

    keys: dict[int, RecordKey]
    edited: set[RecordKey]


def pending(connection: Statements, limit: int, besides: Collection[int] = ()) -> PendingMarks:
    """Look up the oldest marks.

    Args:
        connection: In a transaction.
        limit: The most marks to read.
        besides: Ids of marks that the caller has already.
    """
    rows = connection.exec_driver_sql(_PENDING, {"limit": limit, "besides": list(besides)})
    marks = PendingMarks({}, set())
    for mark, kind, key, tally in rows.all():
        marks.keys[mark] = RecordKey(kind, key)
        if not tally:
            marks.edited.add(marks.keys[mark])
    return marks


class Mark(NamedTuple):
    """A record whose pages were not all written since it changed.

    Attributes:
        id: Grows with each mark, though not in the order of the commits.
        kind: The kind of the record's key.
        key: The record's key.
        category: The slug of a tool's category; None for other records and unlisted tools.
    """

    id: int
    kind: str
    key: str
    category: str | None


def newest(connection: Connection, limit: int) -> list[Mark]:
    """Look up the newest marks, at most `limit`."""
    rows = connection.exec_driver_sql(_NEWEST, {"limit": limit})
    return [Mark(*row) for row in rows]


def delete(connection: Statements, ids: Iterable[int]) -> None:
    """Delete marks whose pages were written."""
    connection.exec_driver_sql(_DELETE, {"ids": list(ids)})


def defer(connection: Statements, ids: Iterable[int]) -> None:
    """Set marks apart of which only backfill is left."""
    connection.exec_driver_sql(_DEFER, {"ids": list(ids)})


def merge(connection: Connection) -> None:
    """Keep one mark of each record, and a mark of the whole site that stands for all backfill."""
    connection.exec_driver_sql(_MERGE, SITE._asdict())
