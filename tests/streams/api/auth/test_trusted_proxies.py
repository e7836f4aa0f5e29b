"""A client's address behind proxies, and its network prefix."""

from typing import Any

import pytest

from streams.api.auth.trusted_proxies import TrustedProxies, network_prefix

PROXIES = ("10.0.0.0/8", "fd00::/8")


def client(peer: str, forwarded: str, trusted: tuple[str, ...] = PROXIES) -> str:
    scope: dict[str, Any] = {"client": (peer, 1)}
    return TrustedProxies(trusted).client_address(scope, {b"x-forwarded-for": forwarded.encode()})


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("10.0.0.1", "8.8.8.8:5678", "8.8.8.8"),
        ("10.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        ("10.0.0.1", "[2001:db8::1], 10.0.0.2:80", "2001:db8::1"),
        ("10.0.0.1", "198.51.100.1, , 10.0.0.2,", "198.51.100.1"),
        ("10.0.0.1", "8.8.8.8:http", "10.0.0.1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
    ],
)
def test_only_trusted_proxies_may_name_the_client(peer: str, forwarded: str, address: str) -> None:
    assert client(peer, forwarded) == address


def test_by_default_no_proxy_is_trusted() -> None:
    assert client("127.0.0.1", "198.51.100.1", ()) == "127.0.0.1"


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("198.51.100.77", "198.51.100.0/24"),
        ("2001:db8:0:12ff::7", "2001:db8:0:1200::/56"),
        ("::ffff:198.51.100.77", "198.51.100.0/24"),
        ("fe80::1%eth0", "fe80::/56"),
        ("", ""),
    ],
)
def test_addresses_of_one_network_share_a_prefix(address: str, prefix: str) -> None:
    assert network_prefix(address) == prefix
