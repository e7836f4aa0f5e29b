"""One demo event, its id and its time."""

from typing import Any, TypedDict
from uuid import UUID, uuid5

from schemas.events import DEMO_ID_PREFIX
from schemas.time import instants

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_IDS = UUID("6f0e2b52-54a1-4b0a-8a35-3c0a1d6a9d10")

Data = dict[str, Any]


class DemoEvent(TypedDict):
    """An event in the shape of `POST /v1/events`; `time` is RFC 3339 in UTC."""

    id: str
    type: str
    time: str
    data: Data


def make_event(kind: str, time: int, data: Data) -> DemoEvent:
    """Make an event; its id is a hash of type, time and data, so sending it again is harmless."""
    name = f"{kind} {time} {sorted(data.items())}"
    return DemoEvent(
        id=f"{DEMO_ID_PREFIX}{uuid5(_IDS, name)}", type=kind, time=instants.rfc3339(time), data=data
    )


def time_of(event: DemoEvent) -> int:
    """Time of an event, in microseconds since 1970 UTC."""
    return instants.parse(event["time"])
