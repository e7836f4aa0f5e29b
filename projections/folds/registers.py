"""Registers: the rows that events write, each ordered by its own stamp."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from schemas.events import Data, Event


class RegisterWrite(msgspec.Struct, frozen=True, gc=False):
    """One event's claim on one register: a row of `table` named by `key`.

    A struct, since every vote makes one and a named tuple takes longer to make.
    """

    table: str
    key: tuple[Any, ...]
    stamp: bytes
    values: Mapping[str, Any]


DataT = TypeVar("DataT", bound=Data)
Handler = Callable[[Event[Any]], Iterable[RegisterWrite]]


def on(
    data_type: type[DataT], handler: Callable[[Event[DataT]], Iterable[RegisterWrite]]
) -> tuple[type[Data], Handler]:
    """Pair a data type with its fold; the type checker compares the two."""
    return data_type, handler


def fold(
    events: Iterable[Event], handlers: Mapping[type[Data], Handler]
) -> dict[str, list[RegisterWrite]]:
    """Reduce events to the newest write of each register, by table, in the order of their keys.

    Neither order nor repetition of the events matters: the greatest stamp wins here as it does
    against the stored row.
    """
    tables: dict[str, dict[tuple[Any, ...], RegisterWrite]] = defaultdict(dict)
    for event in events:
        for write in handlers[type(event.data)](event):
            newest = tables[write.table]
            current = newest.get(write.key)
            if current is None or current.stamp < write.stamp:
                newest[write.key] = write
    return {table: [newest[key] for key in sorted(newest)] for table, newest in tables.items()}
