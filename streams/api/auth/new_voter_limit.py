"""The limit on new voters per network."""

from collections.abc import Callable

from streams.api.auth.trusted_proxies import network_prefix
from streams.api.http.problems import Problem

HOUR = 3600.0
MAX_PREFIXES = 100_000


class NewVoterRateLimit:
    """Limits how many new voters one address prefix creates in an hour.

    Each process counts for itself. A prefix's hour starts with its first new voter.

    Args:
        per_hour: The limit.
        clock: Monotonic seconds.
        max_prefixes: How many prefixes are counted at once.
    """

    def __init__(
        self, per_hour: int, clock: Callable[[], float], max_prefixes: int = MAX_PREFIXES
    ) -> None:
        self._per_hour = per_hour
        self._max_prefixes = max_prefixes
        self._clock = clock
        self._counts: dict[str, tuple[float, int]] = {}

    def admit(self, address: str) -> None:
        """Count a new voter from `address`.

        Raises:
            Problem: 429 with `Retry-After` when the prefix has reached the limit.
        """
        prefix, now = network_prefix(address), self._clock()
        since, count = self._counts.get(prefix, (now, 0))
        if now - since >= HOUR:
            since, count = now, 0
        if count >= self._per_hour:
            raise Problem(
                429,
                "Too many new voters on your network; try again in an hour.",
                headers={"Retry-After": str(int(since + HOUR - now) + 1)},
            )
        if prefix not in self._counts and len(self._counts) >= self._max_prefixes:
            self._drop_old_prefixes(now)
        self._counts[prefix] = (since, count + 1)

    def _drop_old_prefixes(self, now: float) -> None:
        """Drop prefixes whose hour is over; under attack from very many, also the oldest half."""
        fresh = {p: count for p, count in self._counts.items() if now - count[0] < HOUR}
        newest = sorted(fresh.items(), key=lambda item: item[1][0])[-self._max_prefixes // 2 :]
        self._counts = dict(newest)
