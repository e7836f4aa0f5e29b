"""The outbox: keys of the records that a transaction changed, for the relay to publish.

Keys, not records: two concurrent transactions would each write a record without the other's half.
Every change adds a row of its own. A shared row would let the relay delete the mark of a change
that it did not see yet.

The notification that wakes the relay names the keys too. It is word of mouth: whoever misses it
misses nothing, since what was published on the topic says the same.
"""

from collections.abc import Iterable
from typing import NamedTuple

from infra.postgres.pipeline import Statements
from schemas.channels import Channel

_ADD = """
with added as (
    insert into verdicts.outbox (kind, key)
    select kind, key from unnest(%(kinds)s::text[], %(keys)s::text[]) as changed(kind, key)
)
select pg_notify(%(channel)s, %(named)s)
"""
# PostgreSQL takes payloads of less than 8,000 bytes, and keys are ASCII.
_MOST_NAMED = 7_900


class RecordKey(NamedTuple):
    """The name of a record: its kind (`tool`, `category`, `reviewer`, `digest`) and its key.

    Two kinds stand for many records: `tools-of-category` and `tools-of-reviewer`.
    """

    kind: str
    key: str


def add(connection: Statements, changed: Iterable[RecordKey]) -> None:
    """Add keys in this transaction, and when it commits wake the relay and name them."""
    keys = sorted(changed)
    if keys:
        added = {"kinds": [key.kind for key in keys], "keys": [key.key for key in keys]}
        named = "\n".join(f"{key.kind}:{key.key}" for key in keys)
        if len(named) > _MOST_NAMED:
            named = ""
        connection.exec_driver_sql(_ADD, {"channel": Channel.OUTBOX, "named": named, **added})


def keys_in(payload: str) -> list[RecordKey]:
    """The keys that a notification names; none where they were too many."""
    return [RecordKey(*line.split(":", 1)) for line in payload.splitlines()]
