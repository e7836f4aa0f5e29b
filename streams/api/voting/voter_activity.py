"""What each voter changed lately: a bucket of tokens, and the newest change."""

import math
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from infra.kafka.delivery import Delivery
from streams.api.http.problems import Problem

BURST = 30
"""Changes at once of a voter who was idle."""
MAX_VOTERS = 50_000


class _Activity(msgspec.Struct):
    tokens: float
    counted_at: float
    last: int = 0
    delivery: Delivery | None = None


class VoterActivity:
    """Limits how often one voter changes votes and bookmarks, with a token bucket for each.

    Each process counts for itself. Voters beyond `max_voters` are forgotten, the longest idle
    first; a forgotten bucket is full again.

    Args:
        per_minute: Tokens that a bucket gains in a minute; 0 means no limit.
        clock: Monotonic seconds.
        max_voters: How many voters are remembered at once.
    """

    def __init__(
        self, per_minute: int, clock: Callable[[], float], max_voters: int = MAX_VOTERS
    ) -> None:
        self._per_second = per_minute / 60
        self._burst = min(BURST, per_minute)
        self._clock = clock
        self._max_voters = max_voters
        self._voters: OrderedDict[str, _Activity] = OrderedDict()

    def __len__(self) -> int:
        """How many voters are remembered."""
        return len(self._voters)

    def admit(self, voter: str) -> None:
        """Take a token of the voter.

        Raises:
            Problem: 429 with `Retry-After` when the bucket is empty.
        """
        if not self._per_second:
            return
        activity, now = self._activity(voter), self._clock()
        gained = max(0.0, now - activity.counted_at) * self._per_second
        activity.tokens = min(self._burst, activity.tokens + gained)
        activity.counted_at = now
        if activity.tokens < 1:
            raise _too_many_changes(math.ceil((1 - activity.tokens) / self._per_second))
        activity.tokens -= 1

    def last_change(self, voter: str) -> int:
        """The time of the newest change that this process wrote, in microseconds; 0 for none."""
        activity = self._voters.get(voter)
        return activity.last if activity else 0

    def record_change(self, voter: str, time: int) -> None:
        """Remember the time of a change that is about to be written."""
        self._activity(voter).last = time

    def newest_delivery(self, voter: str) -> Delivery | None:
        """Where the voter's newest change that this process wrote is on the log."""
        activity = self._voters.get(voter)
        return activity.delivery if activity else None

    def record_delivery(self, voter: str, delivery: Delivery) -> None:
        """Remember where a change of the voter is on the log."""
        self._activity(voter).delivery = delivery

    def _activity(self, voter: str) -> _Activity:
        activity = self._voters.get(voter)
        if activity is None:
            if len(self._voters) >= self._max_voters:
                self._voters.popitem(last=False)
            activity = self._voters[voter] = _Activity(self._burst, self._clock())
        self._voters.move_to_end(voter)
        return activity


def _too_many_changes(seconds: int) -> Problem:
    seconds = max(1, seconds)
    unit = "second" if seconds == 1 else "seconds"
    return Problem(
        429,
        f"You changed votes or bookmarks too often; try again in {seconds} {unit}.",
        headers={"Retry-After": str(seconds)},
        code="too-many-changes",
    )
