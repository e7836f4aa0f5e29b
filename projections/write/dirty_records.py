"""The dirty set: which records changed since their pages were written.

Marks are rows, one per change. The publisher reads them in the snapshot that it renders from and
deletes those alone, so a change that came later keeps its own mark.
"""

from collections.abc import Collection, Iterable

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


def delete(connection: Connection, ids: Iterable[int]) -> None:
    """Delete marks whose pages were written."""
    connection.exec_driver_sql(_DELETE, {"ids": list(ids)})


def merge(connection: Connection) -> int:
    """Replace all marks by one of the whole site, and give its id."""
    merged = connection.exec_driver_sql(_MERGE, SITE._asdict())
    return int(merged.scalar_one())
