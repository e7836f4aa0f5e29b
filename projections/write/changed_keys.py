"""The keys of changed records, written for relay and publisher in the transaction of the change.

One statement fills both tables and wakes both readers, so neither misses a change and a batch
waits for no further round trip.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from infra.postgres.statement_pipeline import Statements
from projections.record_keys import RecordKey
from projections.write import dirty_records, outbox
from schemas.channels import Channel

_CHANGED = """
with changed as (
    select * from unnest(%(kinds)s::text[], %(keys)s::text[], %(tallies)s::boolean[])
        as changed(kind, key, tally)
)"""
_NOTIFY = "select pg_notify(%(channel)s, '')"
_ADD = f"""{_CHANGED}, queued as ({outbox.INSERT}), marked as ({dirty_records.INSERT})
{_NOTIFY}"""
_QUEUE = f"{_CHANGED}, queued as ({outbox.INSERT}) {_NOTIFY}"
_MARK = f"{_CHANGED}, marked as ({dirty_records.INSERT}) {_NOTIFY}"


class ChangedKeys(NamedTuple):
    """The records that a batch of events changed.

    Attributes:
        edited: Those of which more than votes and bookmarks changed.
        counted: The tools whose votes or bookmarks changed; some may be edited, too.
    """

    edited: set[RecordKey]
    counted: set[RecordKey]


def add(
    connection: Statements, edited: Iterable[RecordKey], counted: Collection[RecordKey] = ()
) -> None:
    """Queue records for the relay and mark their pages; both wake when this transaction commits.

    Args:
        connection: In the transaction of the change.
        edited: The records, as in `ChangedKeys`.
        counted: Likewise.
    """
    _write(connection, _ADD, {**dict.fromkeys(counted, True), **dict.fromkeys(edited, False)})


def queue(connection: Statements, keys: Iterable[RecordKey]) -> None:
    """Queue records that did not change; the relay wakes at commit."""
    _write(connection, _QUEUE, dict.fromkeys(keys, False))


def mark(connection: Statements, keys: Iterable[RecordKey]) -> None:
    """Mark pages of records that did not change; the publisher wakes at commit."""
    _write(connection, _MARK, dict.fromkeys(keys, False))


def _write(connection: Statements, statement: str, tallies: Mapping[RecordKey, bool]) -> None:
    """Write keys, each with whether its tally alone changed."""
    if rows := sorted(tallies):
        columns = {
            "kinds": [key.kind for key in rows],
            "keys": [key.key for key in rows],
            "tallies": [tallies[key] for key in rows],
        }
        connection.exec_driver_sql(statement, {"channel": Channel.CHANGED, **columns})
