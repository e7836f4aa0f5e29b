"""Registers: the rows that events write, each ordered by its own stamp."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from schemas.events import Event


class RegisterWrite(msgspec.Struct, frozen=True, gc=False):
    """One event's claim on one register: a row of `table` named by `key`.

    A struct of this library, since one is made for every vote, and a named tuple takes longer.
    """

    table: str
    key: tuple[Any, ...]
    stamp: bytes
    values: Mapping[str, Any]


Handler = Callable[[Any], Iterable[RegisterWrite]]


def fold(
    events: Iterable[Event], handlers: Mapping[type, Handler]
) -> dict[str, list[RegisterWrite]]:
    """Reduce events to the newest write of each register, by table, in the order of their keys.

    Neither order nor repetition of the events matters: the greatest stamp wins here as it does
    against the stored row.
    """
    tables: dict[str, dict[tuple[Any, ...], RegisterWrite]] = defaultdict(dict)
    for event in events:
        for write in handlers[type(event.data)](event):
            newest = tables[write.table]
            held = newest.get(write.key)
            if held is None or held.stamp < write.stamp:
                newest[write.key] = write
    return {table: [newest[key] for key in sorted(newest)] for table, newest in tables.items()}
