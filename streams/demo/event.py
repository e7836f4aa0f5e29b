"""One demo event, its id and its moment in time."""

from typing import TypedDict
from uuid import UUID, uuid5

from schemas.time import instants

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_IDS = UUID("6f0e2b52-54a1-4b0a-8a35-3c0a1d6a9d10")

Data = dict[str, str | int | list[str]]


class DemoEvent(TypedDict):
    """An event as the ingest API takes it; `time` is RFC 3339 in UTC."""

    id: str
    type: str
    time: str
    data: Data


def an_event(kind: str, moment: int, data: Data) -> DemoEvent:
    """An event whose id follows from what it says and when, so that it can be sent again."""
    name = f"{kind} {moment} {sorted(data.items())}"
    return DemoEvent(id=str(uuid5(_IDS, name)), type=kind, time=instants.rfc3339(moment), data=data)


def moment_of(event: DemoEvent) -> int:
    """When it happened, in microseconds since 1970 UTC."""
    return instants.parse(event["time"])
