"""The limit on new voters per network."""

import pytest

from streams.api.auth.new_voter_limit import HOUR, NewVoterRateLimit
from streams.api.http.problems import Problem


def test_a_prefixs_hour_starts_with_its_first_new_voter() -> None:
    now = 0.0
    limit = NewVoterRateLimit(2, lambda: now)
    for address in ("198.51.100.1", "198.51.100.2", "203.0.113.1"):
        limit.admit(address)
    now = HOUR - 1
    with pytest.raises(Problem) as refused:
        limit.admit("198.51.100.3")
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "2")
    now = HOUR
    limit.admit("198.51.100.3")


def test_the_number_of_counted_prefixes_is_bounded() -> None:
    limit = NewVoterRateLimit(1, lambda: 0.0, max_prefixes=100)
    for number in range(1_000):
        limit.admit(f"10.{number >> 8}.{number & 255}.1")
    assert len(limit._counts) <= 100
