"""The outbox: keys of the records that a transaction changed, for the relay to publish.

Keys, not records: two concurrent transactions would each write a record without the other's half.
Every change adds a row of its own. A shared row would let the relay delete the mark of a change
that it did not see yet.
"""

from typing import NamedTuple

INSERT = "insert into verdicts.outbox (kind, key) select kind, key from changed"
"""For `projections.write.changed_keys`, which names the rows `changed`."""


class RecordKey(NamedTuple):
    """The name of a record: its kind (`tool`, `category`, `reviewer`, `digest`) and its key.

    Two kinds stand for many records: `tools-of-category` and `tools-of-reviewer`. The relay
    replaces them by the tools that it finds.
    """

    kind: str
    key: str
