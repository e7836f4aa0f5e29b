"""The outbox: keys of the records that a transaction changed, for the relay to publish.

Keys, not records: two concurrent transactions would each write a record without the other's half.
Every change adds a row of its own. A shared row would let the relay delete the mark of a change
that it did not see yet.
"""

from collections.abc import Collection, Iterable

from sqlalchemy import Connection

from projections.record_keys import RecordKey

INSERT = "insert into verdicts.outbox (kind, key) select kind, key from changed"
"""For `projections.write.changed_keys`, which names the rows `changed`."""
_PENDING = "select id, kind, key from verdicts.outbox order by id limit %(limit)s"
_TAKE = "delete from verdicts.outbox where kind = any(%(kinds)s) returning kind, key"
_DELETE = """
with deleted as (delete from verdicts.outbox where id = any(%(ids)s))
select set_config('synchronous_commit', 'off', true)
"""


def pending(connection: Connection, limit: int) -> dict[int, RecordKey]:
    """Read the oldest keys by their ids, at most `limit`."""
    rows = connection.exec_driver_sql(_PENDING, {"limit": limit})
    return {row.id: RecordKey(row.kind, row.key) for row in rows}


def take(connection: Connection, kinds: Collection[str]) -> list[RecordKey]:
    """Delete all keys of some kinds, and return them."""
    rows = connection.exec_driver_sql(_TAKE, {"kinds": list(kinds)})
    return [RecordKey(row.kind, row.key) for row in rows]


def delete(connection: Connection, ids: Iterable[int]) -> None:
    """Delete published keys, in a transaction that does nothing else.

    The commit does not wait for the disk. After a crash of the server the relay publishes the
    records of lost deletions again.
    """
    connection.exec_driver_sql(_DELETE, {"ids": list(ids)})
