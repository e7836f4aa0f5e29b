"""The keys of changed records, written for relay and publisher in the transaction of the change.

One statement fills both tables and wakes both readers, so neither misses a change and a batch
waits for no further round trip.
"""

from collections.abc import Iterable

from infra.postgres.pipeline import Statements
from projections.record_keys import RecordKey
from projections.write import dirty_records, outbox
from schemas.channels import Channel

_CHANGED = """
with changed as (
    select * from unnest(%(kinds)s::text[], %(keys)s::text[]) as changed(kind, key)
)"""
_NOTIFY = "select pg_notify(%(channel)s, '')"
_ADD = f"""{_CHANGED}, queued as ({outbox.INSERT}), marked as ({dirty_records.INSERT})
{_NOTIFY}"""
_QUEUE = f"{_CHANGED}, queued as ({outbox.INSERT}) {_NOTIFY}"
_MARK = f"{_CHANGED}, marked as ({dirty_records.INSERT}) {_NOTIFY}"


def add(connection: Statements, keys: Iterable[RecordKey]) -> None:
    """Queue records for the relay and mark their pages; both wake when this transaction commits."""
    _write(connection, _ADD, keys)


def queue(connection: Statements, keys: Iterable[RecordKey]) -> None:
    """Queue records that did not change; the relay wakes at commit."""
    _write(connection, _QUEUE, keys)


def mark(connection: Statements, keys: Iterable[RecordKey]) -> None:
    """Mark pages of records that did not change; the publisher wakes at commit."""
    _write(connection, _MARK, keys)


def _write(connection: Statements, statement: str, keys: Iterable[RecordKey]) -> None:
    if rows := sorted(set(keys)):
        columns = {"kinds": [key.kind for key in rows], "keys": [key.key for key in rows]}
        connection.exec_driver_sql(statement, {"channel": Channel.CHANGED, **columns})
