"""Registers: the rows that events write, each ordered by its own stamp."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from schemas.events import Event


class Write(NamedTuple):
    """One event's claim on one register: a row of `table` named by `key`."""

    table: str
    key: tuple[Any, ...]
    stamp: bytes
    values: Mapping[str, Any]


Handler = Callable[[Any], Iterable[Write]]


def fold(events: Iterable[Event], handlers: Mapping[type, Handler]) -> dict[str, list[Write]]:
    """Reduce events to the newest write of each register, by table, in the order of their keys.

    Neither order nor repetition of the events matters: the greatest stamp wins here as it does
    against the stored row.
    """
    tables: dict[str, dict[tuple[Any, ...], Write]] = {}
    for event in events:
        for write in handlers[type(event.data)](event):
            newest = tables.setdefault(write.table, {})
            held = newest.get(write.key)
            if held is None or held.stamp < write.stamp:
                newest[write.key] = write
    return {table: [newest[key] for key in sorted(newest)] for table, newest in tables.items()}
