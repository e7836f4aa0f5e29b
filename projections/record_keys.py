"""The names of records, by which a change tells relay and publisher what it touched."""

from typing import NamedTuple


class RecordKey(NamedTuple):
    """The name of a record: its kind (`tool`, `category`, `reviewer`, `digest`) and its key.

    Two kinds stand for many records: `tools-of-category` and `tools-of-reviewer`. The relay
    replaces them by the tools that it finds.
    """

    kind: str
    key: str
