"""A client's address behind the proxies in front of this server, and its network prefix."""

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.types import Scope

Address = IPv4Address | IPv6Address

_WITH_PORT = re.compile(r"(?:\[([^\]]*)\](?::\d{1,5})?|([0-9.]+):\d{1,5})")


class TrustedProxies:
    """Finds the address of the client behind trusted proxies.

    Args:
        networks: The proxies' networks in CIDR notation.
    """

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = [ip_network(network) for network in networks]

    def client_address(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        """The last address of `X-Forwarded-For` that a trusted proxy vouches for, else the peer."""
        client: str = (scope.get("client") or ("", 0))[0]
        if not self._networks or not self.is_trusted(client):
            return client
        hops = headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")
        for hop in reversed([hop for hop in map(str.strip, hops) if hop]):
            address = parse_address(_without_port(hop))
            if address is None:
                break
            client = str(address)
            if not self.is_trusted(client):
                break
        return client

    def is_trusted(self, text: str) -> bool:
        """Whether an address is that of a proxy."""
        address = parse_address(text)
        return address is not None and any(address in network for network in self._networks)


def _without_port(hop: str) -> str:
    """The address of a hop, which may have brackets and a port."""
    match = _WITH_PORT.fullmatch(hop)
    return match[1] or match[2] if match else hop


def network_prefix(text: str) -> str:
    """The /24 of an IPv4 address, the /56 of an IPv6 one; any other text unchanged."""
    address = parse_address(text)
    if address is None:
        return text
    bits = 24 if isinstance(address, IPv4Address) else 56
    return str(ip_network(f"{address}/{bits}", strict=False))


def parse_address(text: str) -> Address | None:
    """The address without its zone, IPv4-mapped ones as IPv4; None for any other text."""
    try:
        address = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
