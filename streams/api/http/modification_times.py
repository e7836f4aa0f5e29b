"""Since when each public resource has its present representation, for `Last-Modified`."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

MAX_RESOURCES = 4096
MAX_NAME = 300
"""Characters of a path with its query; resources with longer ones are not remembered."""


class ModificationTimes:
    """Remembers when this process first answered with a representation.

    The times of events do not say when a representation changed: an event may be sent long after
    its time, and a vote's time is not kept with the tally. So a time here is never too early,
    though it may be too late: after a restart each resource counts as modified.

    Args:
        clock: Seconds since 1970.
        max_resources: How many are remembered; the longest unused is forgotten first.
    """

    def __init__(
        self, clock: Callable[[], float] = time.time, max_resources: int = MAX_RESOURCES
    ) -> None:
        self._clock = clock
        self._max_resources = max_resources
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    def observe(self, resource: str, etag: str) -> int | None:
        """The second in which the representation was first seen.

        A second representation within one second gets the next one, so that no two share a date.
        Until then it has none, since a date must not lie ahead.

        Args:
            resource: Path and query.
            etag: Of the present representation.
        """
        if len(resource) > MAX_NAME:
            return None
        now, seen = int(self._clock()), self._seen.get(resource)
        if seen is None:
            seen = _Seen(etag, now)
        elif seen.etag != etag:
            seen = _Seen(etag, max(now, seen.modified + 1))
        self._seen[resource] = seen
        self._seen.move_to_end(resource)
        if len(self._seen) > self._max_resources:
            self._seen.popitem(last=False)
        return seen.modified if seen.modified <= now else None


class _Seen(NamedTuple):
    etag: str
    modified: int
