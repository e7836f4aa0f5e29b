"""The limit on new voters per network."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from projections.private.hourly_counts import HourlyLimit, LimitReached
from streams.api.auth.hourly_counters import (
    AWAY_SECONDS,
    HOUR,
    ROOM_SECONDS,
    SPARE_SHARE,
    ProcessCounts,
    SharedCounts,
)
from streams.api.auth.new_voter_limit import NewVoterRateLimit, new_voter_tiers
from streams.api.auth.trusted_proxies import TrustedProxies
from streams.api.http.problems import Problem

Amounts = Mapping[HourlyLimit, int]


class Network:
    """Clients of one process, whose clock a test sets."""

    def __init__(self, per_hour: int, *trusted: str) -> None:
        self.now = 0.0
        counts = ProcessCounts(lambda: self.now)
        self._limit = NewVoterRateLimit(per_hour, counts, TrustedProxies(trusted), lambda: self.now)

    def admit(self, peer: str, forwarded_for: str = "") -> None:
        scope: dict[str, Any] = {"client": (peer, 1)}
        headers = {b"x-forwarded-for": forwarded_for.encode()} if forwarded_for else {}
        asyncio.run(self._limit.admit(scope, headers))


def test_a_prefixs_hour_starts_with_its_first_new_voter() -> None:
    network = Network(2)
    for address in ("198.51.100.1", "198.51.100.2", "203.0.113.1"):
        network.admit(address)
    network.now = HOUR - 1
    with pytest.raises(Problem) as refused:
        network.admit("198.51.100.3")
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "2")
    assert refused.value.members["code"] == "too-many-new-voters"
    network.now = HOUR
    network.admit("198.51.100.3")


@pytest.mark.parametrize(
    ("address", "prefixes"),
    [
        ("198.51.100.7", ["198.51.100.0/24", "198.51.0.0/16"]),
        ("::ffff:198.51.100.7", ["198.51.100.0/24", "198.51.0.0/16"]),
        ("2001:db8:1:2ff::7", ["2001:db8:1:200::/56", "2001:db8:1::/48"]),
        ("", [""]),
    ],
)
def test_a_new_voter_counts_in_a_narrow_and_in_a_wide_prefix(
    address: str, prefixes: list[str]
) -> None:
    tiers = new_voter_tiers(address, 60)
    assert [tier.key for tier in tiers] == prefixes
    assert [tier.limit for tier in tiers] == [60, 1200][: len(prefixes)]


def test_networks_of_one_owner_share_a_second_limit() -> None:
    network = Network(1)
    for number in range(20):
        network.admit(f"10.1.{number}.1")
    with pytest.raises(Problem):
        network.admit("10.1.20.1")
    network.admit("10.2.0.1")


def test_who_is_refused_counts_in_no_tier() -> None:
    network = Network(1)
    network.admit("10.1.0.1")
    for _ in range(50):
        with pytest.raises(Problem):
            network.admit("10.1.0.1")
    network.admit("10.1.1.1")


def test_the_number_of_counted_prefixes_is_bounded() -> None:
    counts = ProcessCounts(lambda: 0.0, max_keys=100)
    for number in range(1_000):
        asyncio.run(counts.count([HourlyLimit("new-voter", f"prefix {number}", 1)]))
    assert len(counts) <= 100


def warnings(network: Network, peer: str, forwarded_for: str = "") -> int:
    """The warnings logged for two refused voters."""
    with capture_logs() as logs:
        for _ in range(2):
            with pytest.raises(Problem):
                network.admit(peer, forwarded_for)
    return len(logs)


@pytest.mark.parametrize("proxy", ["172.18.0.2", "127.0.0.1", "fd00::2", "10.0.0.1"])
def test_a_private_proxy_that_no_setting_names_is_one_warning_an_hour(proxy: str) -> None:
    network = Network(0, "192.0.2.0/24")
    assert warnings(network, proxy, "8.8.8.8") == 1
    network.now = HOUR
    assert warnings(network, proxy, "8.8.8.8") == 1


def test_clients_themselves_are_no_warning() -> None:
    assert warnings(Network(0), "127.0.0.1") == 0
    assert warnings(Network(0), "8.8.8.8", "9.9.9.9") == 0
    assert warnings(Network(0, "172.16.0.0/12"), "172.18.0.2", "8.8.8.8") == 0


def test_while_the_database_is_away_the_process_counts_alone_and_asks_it_rarely() -> None:
    now, asked = 0.0, 0

    def refuse(_: Amounts, /, *, admitted: bool) -> Amounts:
        nonlocal asked
        asked += 1
        raise OperationalError("insert", {}, Exception("away"))

    counts = SharedCounts(refuse, clock=lambda: now)
    tiers = [HourlyLimit("new-voter", "network", 2)]
    for _ in range(2):
        asyncio.run(counts.count(tiers))
    with pytest.raises(LimitReached):
        asyncio.run(counts.count(tiers))
    assert asked == 1
    now = AWAY_SECONDS
    with pytest.raises(LimitReached):
        asyncio.run(counts.count(tiers))
    assert asked == 2


def test_a_database_that_hangs_delays_a_new_voter_little() -> None:
    def hang(_: Amounts, /, *, admitted: bool) -> Amounts:
        time.sleep(0.5)
        return {}

    counts = SharedCounts(hang, timeout=0.05)
    since = time.monotonic()
    for _ in range(5):
        asyncio.run(counts.count([HourlyLimit("new-voter", "network", 60)]))
    assert time.monotonic() - since < 0.5


class Database:
    """Keeps what it is asked to count.

    Attributes:
        room: What is left of every limit.
        admitted: What was counted after it happened, by call.
        asked: How often a caller waited for a count.
    """

    def __init__(self, room: int) -> None:
        self.room = room
        self.admitted: list[int] = []
        self.asked = 0

    def count(self, amounts: Amounts, /, *, admitted: bool) -> Amounts:
        if admitted:
            self.admitted += amounts.values()
        else:
            self.asked += 1
        return dict.fromkeys(amounts, self.room)


async def count_voters(counts: SharedCounts, voters: int) -> None:
    for _ in range(voters):
        await counts.count([HourlyLimit("new-voter", "network", 1_000)])
    await counts.close()


def test_far_from_the_limit_voters_are_counted_together_and_wait_once() -> None:
    database = Database(room=10 * SPARE_SHARE)
    asyncio.run(count_voters(SharedCounts(database.count), 9))
    assert (database.asked, database.admitted) == (1, [8])


def test_a_process_admits_few_before_it_counts_again() -> None:
    database = Database(room=3 * SPARE_SHARE)
    asyncio.run(count_voters(SharedCounts(database.count), 9))
    assert database.asked + sum(database.admitted) == 9
    assert max(database.admitted) <= 3


def test_close_to_the_limit_each_voter_is_counted_first() -> None:
    database = Database(room=SPARE_SHARE - 1)
    asyncio.run(count_voters(SharedCounts(database.count), 9))
    assert (database.asked, database.admitted) == (9, [])


def test_what_was_left_a_while_ago_admits_nobody() -> None:
    now = 0.0
    database = Database(room=10 * SPARE_SHARE)
    counts = SharedCounts(database.count, clock=lambda: now)
    asyncio.run(count_voters(counts, 1))
    now = ROOM_SECONDS + 1
    asyncio.run(count_voters(counts, 1))
    assert (database.asked, database.admitted) == (2, [])
