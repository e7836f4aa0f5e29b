"""Since when a resource has its present representation."""

from collections.abc import Callable

from infra.http.conditional import parse_http_date
from schemas.records import Tool
from streams.api.http.modification_times import ModificationTimes
from streams.api.ingest.event_clock import FakeClock
from tests.streams.api.conftest import FakeApi

SECOND = 1_763_632_800


def times(clock: FakeClock, most: int = 10) -> ModificationTimes:
    return ModificationTimes(lambda: clock() / 1_000_000, most)


def test_a_representation_keeps_the_time_at_which_it_was_first_seen() -> None:
    clock = FakeClock()
    known = times(clock)
    assert known.observe("/a", "1") == SECOND
    clock.move(100)
    assert known.observe("/a", "1") == SECOND
    assert known.observe("/a", "2") == SECOND + 100


def test_two_representations_of_one_second_get_two_dates_and_none_lies_ahead() -> None:
    clock = FakeClock()
    known = times(clock)
    assert known.observe("/a", "1") == SECOND
    assert known.observe("/a", "2") is None
    clock.move(1)
    assert known.observe("/a", "2") == SECOND + 1


def test_a_representation_that_comes_back_is_a_new_one() -> None:
    clock = FakeClock()
    known = times(clock)
    known.observe("/a", "1")
    clock.move(10)
    known.observe("/a", "2")
    clock.move(10)
    assert known.observe("/a", "1") == SECOND + 20


def test_the_longest_unused_resource_is_forgotten_first() -> None:
    clock = FakeClock()
    known = times(clock, most=2)
    known.observe("/a", "1")
    known.observe("/b", "1")
    known.observe("/a", "1")
    known.observe("/c", "1")
    clock.move(5)
    assert known.observe("/a", "1") == SECOND
    assert known.observe("/b", "1") == SECOND + 5


def test_a_resource_with_an_endless_query_takes_no_memory() -> None:
    assert times(FakeClock()).observe("/v1/tools?" + "x" * 300, "1") is None


def test_a_tool_is_read_again_only_after_it_changed(
    api: FakeApi, a_tool: Callable[..., Tool]
) -> None:
    first = api.client.get("/v1/tools/alpha")
    modified = first.headers["last-modified"]
    assert parse_http_date(modified) is not None
    since = {"If-Modified-Since": modified}
    assert api.client.get("/v1/tools/alpha", headers=since).status_code == 304
    api.fakes.read_model.tools["alpha"] = a_tool("alpha", version=8)
    assert api.client.get("/v1/tools/alpha", headers=since).status_code == 200


def test_the_entity_tag_decides_where_both_are_sent(api: FakeApi) -> None:
    first = api.client.get("/v1/tools/beta").headers
    both = {"If-Modified-Since": first["last-modified"], "If-None-Match": '"another"'}
    assert api.client.get("/v1/tools/beta", headers=both).status_code == 200
    both = {"If-Modified-Since": "Sun, 06 Nov 1994 08:49:37 GMT", "If-None-Match": first["etag"]}
    assert api.client.get("/v1/tools/beta", headers=both).status_code == 304


def test_each_application_keeps_times_of_its_own(
    make_api: Callable[..., FakeApi], a_tool: Callable[..., Tool]
) -> None:
    for version in (7, 8):
        api = make_api()
        api.fakes.read_model.tools["alpha"] = a_tool("alpha", version=version)
        assert "last-modified" in api.client.get("/v1/tools/alpha").headers


def test_what_is_personal_has_no_date(api: FakeApi) -> None:
    assert "last-modified" not in api.client.get("/v1/me").headers
