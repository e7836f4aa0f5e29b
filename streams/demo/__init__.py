"""The demo content: an invented panel, its tools and reviews, and a seeded crowd of voters.

The content files and the end of the story decide every event, so the same end gives the same events
with the same ids. `load` sends them.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain, groupby

from streams.demo.content import read_content
from streams.demo.crowd import crowd_events
from streams.demo.editors import editorial_events
from streams.demo.event import SECOND, DemoEvent, time_of

__all__ = ["events", "weeks"]


def events(end: int) -> list[DemoEvent]:
    """Generate all demo events of the five weeks before `end`, oldest first.

    Args:
        end: Microseconds since 1970 UTC; no event is later.

    Returns:
        Plain values in the shape that `POST /v1/events` takes: `id`, `type`, `time`, `data`.
    """
    content = read_content()
    unsorted = chain(editorial_events(content, end), crowd_events(content.tools, end))
    return sorted(unsorted, key=lambda event: (time_of(event), event["id"]))


def weeks(end: int) -> Iterator[tuple[str, list[DemoEvent]]]:
    """Group the events by ISO week (UTC), oldest first: pairs of `2026-W47` and its events."""
    for week, members in groupby(events(end), key=_week):
        yield week, list(members)


def _week(event: DemoEvent) -> str:
    year, week, _ = datetime.fromtimestamp(time_of(event) // SECOND, UTC).isocalendar()
    return f"{year}-W{week:02}"
