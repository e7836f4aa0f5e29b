"""From the steps of a plan to events whose ids are a function of path and content."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID, uuid5

import msgspec

from schemas.events import EVENT_TYPES, Data, Event
from schemas.time.instants import rfc3339
from streams.content_files.model import Kind, kind_of, slugs_in
from streams.content_files.push_plan import PlanStep
from streams.content_files.site_content import digest_of

ID_PREFIX = "content:"
_IDS = UUID("1d0f5f64-6d0b-4c0e-9f0e-0f6d3f6f7a52")
_REMOVALS: Mapping[Kind, str] = {
    "categories": "category.removed",
    "reviewers": "reviewer.left",
    "tools": "tool.retired",
    "reviews": "review.retracted",
}


class PushEvent(msgspec.Struct, frozen=True):
    """An event to send, and the path of the file that it comes from."""

    path: str
    event: Event

    def to_json(self) -> dict[str, Any]:
        """The event as `POST /v1/events` takes it."""
        return {
            "id": self.event.id,
            "time": rfc3339(self.event.time),
            "type": self.event.type,
            "source": "/content",
            "data": msgspec.to_builtins(self.event.data),
        }


def can_be_removed(path: str) -> bool:
    """Whether an event takes back what a file of this kind said."""
    return _REMOVALS[kind_of(path)] in EVENT_TYPES


def push_events(
    steps: Iterable[PlanStep], reason: str, stamps: dict[str, int], now: int, renew_before: int
) -> list[PushEvent]:
    """Make the events of steps, in their order.

    An event that was made before gets its time again, so that a push after an interrupted one
    sends the same event, and a preview shows the time that the push will give.

    Args:
        steps: What is sent.
        reason: Of retirements and retractions.
        stamps: Times by event id, as they were given before; new ones are added.
        now: Microseconds since 1970.
        renew_before: Stamps that are older than this are given anew.
    """
    events = []
    following = max([now, *(time + 1 for time in stamps.values() if time >= now)])
    for step, data in _data_of(steps, reason):
        event_id = _id_of(step, data)
        if stamps.get(event_id, -1) < renew_before:
            stamps[event_id] = following
            following += 1
        events.append(PushEvent(step.path, Event(event_id, stamps[event_id], data)))
    return events


def _data_of(steps: Iterable[PlanStep], reason: str) -> Iterator[tuple[PlanStep, Data]]:
    for step in steps:
        if step.local is not None:
            yield step, step.local
        elif can_be_removed(step.path):
            fields = (slugs_in(step.path) or {}) | {"reason": reason}
            event = EVENT_TYPES[_REMOVALS[kind_of(step.path)]]
            known = {name: fields[name] for name in event.__struct_fields__ if name in fields}
            yield step, event(**known)


def _id_of(step: PlanStep, data: Data) -> str:
    """Of path, content and what it replaces: so content that comes back is an event of its own."""
    replaced = digest_of(step.site) if step.site else ""
    return f"{ID_PREFIX}{uuid5(_IDS, f'{step.path} {data.type} {digest_of(data)} {replaced}')}"
