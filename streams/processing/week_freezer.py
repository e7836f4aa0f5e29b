"""Decides a closed week's digest, once, from what every partition held when the week was closed.

A week of which nothing is known to have happened gets a decision too, that it has no digest: an
open week would be given the events that come after it.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, Protocol

import msgspec
from sqlalchemy import Engine

from infra.errors import VerdictsError
from infra.postgres.engine import server_time
from projections.history.digest_input_queries import read_tallies_of_week
from projections.history.digest_weeks import is_frozen, list_unfrozen_weeks
from projections.history.weekly_digests import compute_digest
from projections.read.checkpoints import Offsets, read_applied_offsets
from schemas import digests
from schemas.events import DigestFrozen, Event
from schemas.topics import DIGESTS, EVENT_PARTITIONS, TopicPartition
from streams.processing.wait_until_applied import RecordFinder, wait_until_applied

GRACE = 10 * 60 * 1_000_000
"""Microseconds from the end of a week until it is frozen."""
TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.05
MARKER_SECONDS = 2.0

FreezeOutcome = Literal["frozen", "quiet", "already"]


class NotFrozen(VerdictsError):  # noqa: N818 - an outcome, named for what it is
    """A week was not frozen, or its freeze is of unknown outcome; the message gives the reason."""


class LogEnds(RecordFinder, Protocol):
    """Knows where partitions end; `infra.kafka.offsets.LogOffsets` is the real one."""

    def ends(self, partitions: Iterable[TopicPartition], /) -> Mapping[TopicPartition, int]:
        """The offset that each partition's next record will get."""
        ...


Send = Callable[[Event], int]
"""Writes a freeze to its topic and gives its offset, once every replica in sync holds it."""


def earlier_clock(database: Engine) -> int:
    """The earlier one of this machine's and the database's time, in microseconds since 1970.

    A decision is final: a clock that is far ahead must not close weeks to come.
    """
    with database.connect() as connection:
        return min(time.time_ns() // 1000, int(server_time(connection) * 1_000_000))


class WeekFreezer:
    """Freezes one week at a time.

    Args:
        database: Sees the projections, which the workers keep up with the log.
        log_ends: Where the log ends.
        send: Writes a freeze.
        clock: The time, in microseconds since 1970.
        stopping: Ends every wait when it is set.
        marker_seconds: Time without movement after which the log is asked what is left.
    """

    def __init__(
        self,
        database: Engine,
        log_ends: LogEnds,
        send: Send,
        clock: Callable[[], int],
        stopping: threading.Event | None = None,
        marker_seconds: float = MARKER_SECONDS,
    ) -> None:
        self._snapshots = database.execution_options(isolation_level="REPEATABLE READ")
        self._log = log_ends
        self._send = send
        self._clock = clock
        self._stopping = stopping or threading.Event()
        self._marker_seconds = marker_seconds

    def due(self) -> list[str]:
        """The weeks that closed and have to be frozen, oldest first."""
        with self._snapshots.connect() as connection:
            return list_unfrozen_weeks(connection, self._clock() - GRACE)

    def freeze(self, week: str) -> FreezeOutcome:
        """Freeze a week as soon as everything on the log now is applied.

        Returns once the decision is applied too, so that the next week sees it.

        Raises:
            NotFrozen: the projections do not keep up, or the broker does not answer.
        """
        self._wait_until_applied(self._log.ends(EVENT_PARTITIONS))
        decision = self.decide(week)
        if decision is None:
            return "already"
        offset = self._send(Event(f"freeze-{week}", self._clock(), decision, "/freezer"))
        self._wait_until_applied({(DIGESTS.name, 0): offset + 1})
        return "quiet" if digests.is_quiet(decision.digest) else "frozen"

    def decide(self, week: str) -> DigestFrozen | None:
        """The decision on a week; None where it is frozen already."""
        with self._snapshots.connect() as connection:
            if is_frozen(connection, week):
                return None
            digest = compute_digest(connection, week)
            final = (
                msgspec.structs.replace(digest, frozen=True)
                if digest
                else digests.QuietWeek(week, quiet=True)
            )
            return DigestFrozen(week, digests.write(final), read_tallies_of_week(connection, week))

    def _wait_until_applied(self, ends: Offsets) -> None:
        deadline = time.monotonic() + TIMEOUT_SECONDS

        def pause(behind: Offsets) -> None:
            if time.monotonic() > deadline or self._stopping.wait(POLL_SECONDS):
                topic, partition = next(iter(behind))
                raise NotFrozen(f"The projections are behind on {topic}/{partition}.")

        def applied() -> Offsets:
            with self._snapshots.connect() as connection:
                return read_applied_offsets(connection, sorted({topic for topic, _ in ends}))

        wait_until_applied(ends, applied, self._log, pause, self._marker_seconds)
