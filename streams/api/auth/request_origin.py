"""Where a request comes from: our own pages or elsewhere, and which network."""

from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal
from urllib.parse import urlsplit

from starlette.types import Scope

from streams.api.http.problems import Problem

HOUR = 3600.0
MOST_PREFIXES = 100_000

Source = Literal["same", "other", "unknown"]
Address = IPv4Address | IPv6Address
Headers = Mapping[bytes, bytes]


class OriginPolicy:
    """Tells requests of our own pages from those of other sites.

    Args:
        public_url: The site's address; over HTTPS, pages of plain HTTP count as another site.
    """

    def __init__(self, public_url: str) -> None:
        parts = urlsplit(public_url)
        self._public = f"{parts.scheme}://{parts.netloc}".lower().encode()
        self._schemes = (b"https",) if parts.scheme == "https" else (b"http", b"https")

    def source(self, headers: Headers) -> Source:
        """`unknown` where the browser says nothing of it."""
        site = headers.get(b"sec-fetch-site")
        if site == b"same-origin":
            return "same"
        origin = headers.get(b"origin", b"null").lower()
        if origin != b"null":
            return "same" if self._is_ours(origin, headers) else "other"
        return "other" if site in (b"cross-site", b"same-site") else "unknown"

    def require_same(self, headers: Headers) -> None:
        """Refuse what no page of ours has sent.

        Raises:
            Problem: 403.
        """
        if self.source(headers) != "same":
            raise Problem(403, "Only this site's own pages may do this: send its Origin header.")

    def _is_ours(self, origin: bytes, headers: Headers) -> bool:
        scheme, _, host = origin.partition(b"://")
        same_host = host == headers.get(b"host", b"").lower() and scheme in self._schemes
        return origin == self._public or same_host


class TrustedProxies:
    """Finds the address of the client behind the proxies that we trust.

    Args:
        trusted: Networks in CIDR notation.
    """

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusted = [ip_network(network) for network in trusted]

    def client(self, scope: Scope, headers: Headers) -> str:
        """The client's address: of `X-Forwarded-For`, the last that a trusted proxy vouches for."""
        peer: str = (scope.get("client") or ("", 0))[0]
        if not self._trusted or not self._is_trusted(peer):
            return peer
        client = peer
        for hop in reversed(headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")):
            if _address(hop) is None:
                break
            client = hop.strip()
            if not self._is_trusted(client):
                break
        return client

    def _is_trusted(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._trusted)


def prefix_of(text: str) -> str:
    """The /24 of an IPv4 address, the /56 of an IPv6 one; other text stands for itself."""
    address = _address(text)
    if address is None:
        return text
    bits = 24 if isinstance(address, IPv4Address) else 56
    return str(ip_network(f"{address}/{bits}", strict=False))


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


class NewVoterRateLimit:
    """Limits how many new voters one address prefix may make in an hour.

    The count is this process's own. Hours run from a prefix's first newcomer on.

    Args:
        per_hour: The limit.
        clock: Seconds that only go forward.
        most: How many prefixes are remembered at once.
    """

    def __init__(
        self, per_hour: int, clock: Callable[[], float], most: int = MOST_PREFIXES
    ) -> None:
        self._per_hour = per_hour
        self._most = most
        self._clock = clock
        self._seen: dict[str, tuple[float, int]] = {}

    def admit(self, address: str) -> None:
        """Count a new voter from `address`.

        Raises:
            Problem: 429 with `Retry-After` when its prefix has made enough.
        """
        prefix, now = prefix_of(address), self._clock()
        since, count = self._seen.get(prefix, (now, 0))
        if now - since >= HOUR:
            since, count = now, 0
        if count >= self._per_hour:
            raise Problem(
                429,
                "Too many new voters come from this network; try again later.",
                headers={"Retry-After": str(int(since + HOUR - now) + 1)},
            )
        if prefix not in self._seen and len(self._seen) >= self._most:
            self._forget_old(now)
        self._seen[prefix] = (since, count + 1)

    def _forget_old(self, now: float) -> None:
        """Drop prefixes whose hour is over; under attack from very many, the oldest half."""
        fresh = {p: seen for p, seen in self._seen.items() if now - seen[0] < HOUR}
        keep = sorted(fresh.items(), key=lambda item: item[1][0])[-self._most // 2 :]
        self._seen = dict(keep)
