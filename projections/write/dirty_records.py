"""The dirty set: which records changed since their pages were written.

Marks are rows, one per change. The publisher reads them in the snapshot that it renders from and
deletes those alone, so a change that came later keeps its own mark.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from sqlalchemy import Connection

from infra.postgres.pipeline import Statements
from projections.write.outbox import RecordKey

SITE = RecordKey("site", "")
"""Marks every page."""
# A mark of a category or a reviewer covers its tools: the publisher then reads everything anew.
INSERT = """
insert into verdicts.dirty (kind, key)
select kind, key from changed where kind not like 'tools-of-%%'
"""
"""For `projections.write.changed_keys`, which names the rows `changed`."""

_PENDING = """
select id, kind, key from verdicts.dirty
where id <> all(%(besides)s) order by id limit %(limit)s
"""
_NEWEST = """
select newest.id, newest.kind, newest.key, tools.category
from (select id, kind, key from verdicts.dirty order by id desc limit %(limit)s) as newest
left join tools on newest.kind = 'tool' and tools.tool = newest.key
"""
_DELETE = "delete from verdicts.dirty where id = any(%(ids)s)"
# The new mark is as old as the oldest one, since the lag is told by its age.
_MERGE = """
with merged as (delete from verdicts.dirty returning at)
insert into verdicts.dirty (kind, key, at)
select %(kind)s, %(key)s, coalesce(min(at), clock_timestamp()) from merged returning id
"""


def pending(
    connection: Statements, limit: int, besides: Collection[int] = ()
) -> dict[int, RecordKey]:
    """Look up the oldest marks, by their ids.

    Args:
        connection: In a transaction.
        limit: The most marks to read.
        besides: Ids of marks that the caller has already.
    """
    rows = connection.exec_driver_sql(_PENDING, {"limit": limit, "besides": list(besides)})
    return {row.id: RecordKey(row.kind, row.key) for row in rows.all()}


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


def delete(connection: Connection, ids: Iterable[int]) -> None:
    """Delete marks whose pages were written."""
    connection.exec_driver_sql(_DELETE, {"ids": list(ids)})


def merge(connection: Connection) -> int:
    """Replace all marks by one of the whole site, and give its id."""
    merged = connection.exec_driver_sql(_MERGE, SITE._asdict())
    return int(merged.scalar_one())
