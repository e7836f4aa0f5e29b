"""Which paths pages of other origins may read."""

import pytest

from tests.streams.api.conftest import FakeApi

OTHER = {"Origin": "https://reader.example"}
ALLOWED = "access-control-allow-origin"
PUBLIC = [
    "/v1/tools", "/v1/tools/alpha", "/v1/tools/nobody", "/v1/compare/alpha-vs-beta",
    "/v1/categories", "/v1/categories/editors", "/v1/reviewers", "/v1/reviewers/nobody",
    "/v1/digests", "/v1/digests/2026-W47", "/openapi.json", "/schemas/ids/1", "/subjects",
    "/subjects/verdicts.votes.v1-value/versions", "/subjects/none/versions/1",
]  # fmt: skip
PERSONAL = ["/v1/me", "/v1/me/votes.json", "/v1/me/bookmarks.csv", "/v1/bookmarks"]


def preflight(method: str, *headers: str) -> dict[str, str]:
    asked = {"Access-Control-Request-Headers": ", ".join(headers)} if headers else {}
    return {**OTHER, "Access-Control-Request-Method": method, **asked}


@pytest.mark.parametrize("path", PUBLIC)
def test_any_origin_may_read_what_is_public_and_also_why_it_failed(api: FakeApi, path: str) -> None:
    answer = api.client.get(path, headers=OTHER)
    assert answer.headers[ALLOWED] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert {"ETag", "Last-Modified", "Link"} <= set(exposed)


def test_any_origin_may_follow_changes(api: FakeApi) -> None:
    assert api.client.head("/v1/changes?tool=alpha", headers=OTHER).headers[ALLOWED] == "*"


def test_an_unchanged_answer_may_be_read_too(api: FakeApi) -> None:
    etag = api.client.get("/v1/tools").headers["etag"]
    unchanged = api.client.get("/v1/tools", headers={**OTHER, "If-None-Match": etag})
    assert (unchanged.status_code, unchanged.headers[ALLOWED]) == (304, "*")


@pytest.mark.parametrize("path", [*PUBLIC, "/v1/changes?tool=alpha"])
def test_a_browser_may_send_the_conditions_of_a_read(api: FakeApi, path: str) -> None:
    headers = preflight("GET", "if-none-match", "last-event-id")
    answer = api.client.options(path, headers=headers)
    assert answer.status_code == 204
    assert answer.headers[ALLOWED] == "*"
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD"
    allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert {"if-none-match", "if-modified-since", "last-event-id"} <= set(allowed)


@pytest.mark.parametrize("path", [*PERSONAL, "/metrics", "/status", "/v1/nothing"])
def test_what_is_personal_or_for_operators_may_not_be_read(api: FakeApi, path: str) -> None:
    for answer in (
        api.client.get(path, headers=OTHER),
        api.client.options(path, headers=preflight("GET")),
    ):
        assert ALLOWED not in answer.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/tools/alpha/vote"),
        ("DELETE", "/v1/tools/alpha/vote"),
        ("PUT", "/v1/bookmarks/alpha"),
        ("POST", "/v1/events"),
        ("POST", "/vote"),
        ("POST", "/v1/tools"),
        ("PUT", "/v1/tools/alpha"),
    ],
)
def test_nothing_may_be_changed(api: FakeApi, method: str, path: str) -> None:
    for answer in (
        api.client.options(path, headers=preflight(method)),
        api.client.request(method, path, headers=OTHER),
    ):
        assert answer.status_code >= 400
        assert ALLOWED not in answer.headers
