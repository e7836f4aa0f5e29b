"""The demo content: an invented panel, its tools and reviews, and a seeded crowd of voters.

Everything is a function of the content files and of the moment at which the story ends, so the same
end gives the same events with the same ids. Nothing here knows how events are sent; see `load`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain, groupby

from streams.demo.content import read_content
from streams.demo.crowd import crowd_events
from streams.demo.editors import editorial_events
from streams.demo.event import SECOND, DemoEvent, moment_of

__all__ = ["events", "weeks"]


def events(end: int) -> list[DemoEvent]:
    """All demo events of the five weeks before a moment, oldest first.

    Args:
        end: microseconds since 1970 UTC; no event is later.

    Returns:
        Plain values in the shape that `POST /v1/events` takes: `id`, `type`, `time`, `data`.
    """
    content = read_content()
    everything = chain(editorial_events(content, end), crowd_events(content.tools, end))
    return sorted(everything, key=lambda event: (moment_of(event), event["id"]))


def weeks(end: int) -> Iterator[tuple[str, list[DemoEvent]]]:
    """The same events by ISO week (UTC), oldest week first: pairs of `2026-W47` and its events."""
    for week, members in groupby(events(end), key=_week):
        yield week, list(members)


def _week(event: DemoEvent) -> str:
    year, week, _ = datetime.fromtimestamp(moment_of(event) // SECOND, UTC).isocalendar()
    return f"{year}-W{week:02}"
