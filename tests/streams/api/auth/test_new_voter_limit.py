"""The limit on new voters per network."""

import pytest

from streams.api.auth.new_voter_limit import HOUR, NewVoterRateLimit
from streams.api.http.problems import Problem


def test_an_hour_runs_from_the_first_new_voter_of_a_prefix() -> None:
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


def test_very_many_prefixes_do_not_fill_the_memory() -> None:
    limit = NewVoterRateLimit(1, lambda: 0.0, max_prefixes=100)
    for number in range(1_000):
        limit.admit(f"10.{number >> 8}.{number & 255}.1")
    assert len(limit._counts) <= 100
