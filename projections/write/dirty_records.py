"""The dirty set: which records changed since their pages were written.

Marks are rows, one per change. The publisher reads them in the snapshot that it renders from and
deletes those alone, so a change that came later keeps its own mark.
"""

from collections.abc import Collection, Iterable

from sqlalchemy import Connection

from infra.postgres.pipeline import Statements
from projections.write.outbox import RecordKey
from schemas.channels import Channel

_MARK = """
with marked as (
    insert into verdicts.dirty (kind, key)
    select kind, key from unnest(%(kinds)s::text[], %(keys)s::text[]) as changed(kind, key)
)
select pg_notify(%(channel)s, '')
"""
_MARKED = """
select id, kind, key from verdicts.dirty
where id <> all(%(besides)s) order by id limit %(limit)s
"""
_CLEAN = "delete from verdicts.dirty where id = any(%(ids)s)"


def mark(connection: Statements, keys: Iterable[RecordKey]) -> None:
    """Mark records as changed, and wake the publisher when this transaction commits."""
    marks = sorted(set(keys))
    if marks:
        rows = {"kinds": [key.kind for key in marks], "keys": [key.key for key in marks]}
        connection.exec_driver_sql(_MARK, {**rows, "channel": Channel.DIRTY})


def pending(
    connection: Statements, limit: int, besides: Collection[int] = ()
) -> dict[int, RecordKey]:
    """Look up the oldest marks, by their ids.

    Args:
        connection: In a transaction.
        limit: So many at most.
        besides: Ids of marks that are known already.
    """
    rows = connection.exec_driver_sql(_MARKED, {"limit": limit, "besides": list(besides)})
    return {row.id: RecordKey(row.kind, row.key) for row in rows.all()}


def delete(connection: Connection, ids: Iterable[int]) -> None:
    """Delete marks whose pages were written."""
    connection.exec_driver_sql(_CLEAN, {"ids": list(ids)})
