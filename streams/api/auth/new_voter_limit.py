"""The limit on new voters per network."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, ip_network

import structlog
from starlette.types import Scope

from projections.private.hourly_counts import HourlyLimit, LimitReached
from streams.api.auth.hourly_counters import HOUR, HourlyCounts
from streams.api.auth.trusted_proxies import TrustedProxies, network_prefix, parse_address
from streams.api.http.problems import Problem

WIDE_FACTOR = 20
"""How many times the limit of a prefix the wider prefix around it may create."""

log = structlog.get_logger(__name__)


class NewVoterRateLimit:
    """Limits how many new voters one address prefix creates in an hour.

    The second tier, a /16 or /48, has `WIDE_FACTOR` times the limit of a /24 or /56.

    Args:
        per_hour: The limit.
        counts: Counts new voters.
        proxies: Finds the client's address.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        per_hour: int,
        counts: HourlyCounts,
        proxies: TrustedProxies,
        clock: Callable[[], float],
    ) -> None:
        self._per_hour = per_hour
        self._counts = counts
        self._proxies = proxies
        self._clock = clock
        self._warn_from = float("-inf")

    async def admit(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        """Count a new voter that this request creates.

        Raises:
            Problem: 429 with `Retry-After` when the network has reached the limit.
        """
        address = self._proxies.client_address(scope, headers)
        try:
            await self._counts.count(new_voter_tiers(address, self._per_hour))
        except LimitReached as full:
            if is_unnamed_proxy(address, scope, headers):
                self._warn(address)
            raise Problem(
                429,
                "Too many new voters on your network; try again in an hour.",
                headers={"Retry-After": str(full.seconds)},
                code="too-many-new-voters",
            ) from None

    def _warn(self, address: str) -> None:
        """Log once an hour."""
        now = self._clock()
        if now >= self._warn_from:
            self._warn_from = now + HOUR
            log.warning(
                "all readers behind a proxy share one limit on new voters; name the proxy in "
                "VERDICTS_TRUSTED_PROXIES",
                proxy=address,
            )


@lru_cache(maxsize=4096)
def new_voter_tiers(address: str, per_hour: int) -> tuple[HourlyLimit, ...]:
    """The prefixes in which a new voter counts, the narrowest first, with their limits."""
    narrow = HourlyLimit("new-voter", network_prefix(address), per_hour)
    parsed = parse_address(address)
    if parsed is None:
        return (narrow,)
    bits = 16 if isinstance(parsed, IPv4Address) else 48
    wide = str(ip_network(f"{parsed}/{bits}", strict=False))
    return narrow, HourlyLimit("new-voter", wide, per_hour * WIDE_FACTOR)


def is_unnamed_proxy(address: str, scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
    """Whether `address` is a private peer that forwards for clients and is not trusted."""
    peer = (scope.get("client") or ("", 0))[0]
    parsed = parse_address(address)
    is_private = parsed is not None and parsed.is_private
    return address == peer and is_private and b"x-forwarded-for" in headers
