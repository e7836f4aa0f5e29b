"""A subscriber of `verdicts.changes.v1`, and the guarantees it has."""

from collections import defaultdict
from typing import NamedTuple

from infra.kafka.codec import Codec
from projections.read import changed_records
from projections.record_keys import RecordKey
from schemas.digests import AnyRecord
from schemas.topics import CHANGES
from tests.faults.harness.checks import oracle
from tests.faults.harness.system import System

_PLACES = [(CHANGES.name, partition) for partition in range(CHANGES.partitions)]
_KEYS = """
select 'tool', tool from tools join first_listings using (tool)
union all select 'category', category from categories
union all select 'reviewer', reviewer from reviewers
"""


class Seen(NamedTuple):
    """What was read of one key, in order; None is a tombstone."""

    records: list[AnyRecord | None]

    @property
    def in_order(self) -> bool:
        versions = [record.version for record in self.records if record]
        return versions == sorted(versions)

    @property
    def repeated(self) -> int:
        versions = [record.version for record in self.records if record]
        return len(versions) - len(set(versions))


def read(system: System) -> dict[RecordKey, Seen]:
    """Everything that a subscriber reads from the beginning."""
    codec, seen = Codec(), defaultdict[RecordKey, Seen](lambda: Seen([]))
    for message in oracle.messages(system.settings, _PLACES):
        kind, _, key = (message.key() or b"").decode().partition(":")
        value = message.value()
        seen[RecordKey(kind, key)].records.append(
            None if value is None else codec.decode_record(value)
        )
    return dict(seen)


def require_faithful_changes(system: System) -> int:
    """Each key's changes came in order, and the last of each is how things stand.

    Gives the number of changes that came more than once, which is allowed.
    """
    seen = read(system)
    assert all(key.in_order for key in seen.values()), "a newer record was followed by an older one"
    with system.connection() as connection:
        keys = [RecordKey(*row) for row in connection.execute(_KEYS.encode())]
    with system.engine.connect() as connection:
        current = changed_records.look_up(connection, keys)
    missed = [key for key in keys if key not in seen or seen[key].records[-1] != current[key]]
    assert not missed, f"subscribers do not know how these stand: {missed}"
    return sum(key.repeated for key in seen.values())
