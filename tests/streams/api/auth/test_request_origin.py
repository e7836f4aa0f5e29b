"""Whose request this is: network prefixes, proxies, limits."""

from typing import Any

import pytest

from streams.api.auth.request_origin import HOUR, NewVoterRateLimit, TrustedProxies, prefix_of
from streams.api.http.problems import Problem
from streams.api.ingest.event_clock import FakeClock, MonotonicClock, new_id

PROXIES = ("10.0.0.0/8", "fd00::/8")


def client(peer: str, forwarded: str, trusted: tuple[str, ...] = PROXIES) -> str:
    scope: dict[str, Any] = {"client": (peer, 1)}
    return TrustedProxies(trusted).client(scope, {b"x-forwarded-for": forwarded.encode()})


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, forwarded: str, found: str) -> None:
    assert client(peer, forwarded) == found


def test_by_default_nobody_is_believed() -> None:
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
def test_neighbours_share_a_prefix(address: str, prefix: str) -> None:
    assert prefix_of(address) == prefix


def test_an_hour_runs_from_the_first_newcomer_of_a_prefix() -> None:
    now = 0.0
    newcomers = NewVoterRateLimit(2, lambda: now)
    for address in ("198.51.100.1", "198.51.100.2", "203.0.113.1"):
        newcomers.admit(address)
    now = HOUR - 1
    with pytest.raises(Problem) as refused:
        newcomers.admit("198.51.100.3")
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "2")
    now = HOUR
    newcomers.admit("198.51.100.3")


def test_very_many_prefixes_do_not_fill_the_memory() -> None:
    newcomers = NewVoterRateLimit(1, lambda: 0.0, most=100)
    for number in range(1_000):
        newcomers.admit(f"10.{number >> 8}.{number & 255}.1")
    assert len(newcomers._seen) <= 100


def test_stamps_increase_though_the_clock_stands_still_or_goes_back() -> None:
    clock = FakeClock()
    stamps = MonotonicClock(clock)
    first, second = stamps.next(), stamps.next()
    clock.move(-60)
    assert first < second < stamps.next()


def test_a_stamp_from_a_clock_ahead_moves_only_its_own_voter() -> None:
    stamps = MonotonicClock(FakeClock(micros=1000))
    assert stamps.after(9_000_000) == 9_000_001
    assert stamps.next() == 1001


def test_ids_of_later_times_are_greater_as_text() -> None:
    ids = [new_id(micros) for micros in range(1_763_632_800_000_000, 1_763_632_800_002_000)]
    assert ids == sorted(ids)
    assert {(len(name), name[14], name[19] in "89ab") for name in ids} == {(36, "7", True)}
