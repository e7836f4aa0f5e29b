"""Public reads."""

from collections.abc import Callable
from typing import Any

import pytest

from projections.read.tools import find_tool
from schemas.digests import Counts, WeeklyDigest
from schemas.records import Reviewer, Tool
from schemas.time import instants, weeks
from streams.api.openapi.document import document
from tests.streams.api.conftest import FakeApi


def get(api: Any, path: str, **headers: str) -> Any:
    return api.client.get(path, headers=headers)


def test_a_tool_is_read_as_its_record(api: FakeApi, a_tool: Callable[..., Tool]) -> None:
    answer = get(api, "/v1/tools/alpha")
    assert answer.status_code == 200
    assert answer.json()["listed"] == "2025-11-01T00:00:00Z"
    assert set(answer.json()) == set(a_tool().__struct_fields__)


def test_a_retired_tool_stays_readable_with_its_retirement(api: FakeApi) -> None:
    assert get(api, "/v1/tools/gone").json()["retired"] == "2025-11-02T00:00:00Z"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/tools/nobody",
        "/v1/tools/UPPER",
        "/v1/tools/%00",
        "/v1/tools/a-vs-b",
        "/v1/categories/nothing",
        "/v1/reviewers/nobody",
        "/v1/compare/alpha-vs-nobody",
        "/v1/compare/alpha-vs-alpha",
        "/v1/compare/alpha",
        "/v1/compare/alpha-vs-beta-vs-gamma",
        "/v1/digests/2025-W47",
        "/v1/nothing",
        "/v1/",
        "/nothing",
    ],
)
def test_unknown_paths_are_404_problems(api: FakeApi, path: str) -> None:
    answer = get(api, path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 404


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(api: FakeApi) -> None:
    answer = api.client.delete("/v1/tools")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_two_tools_are_compared_in_the_order_asked_for(api: FakeApi) -> None:
    answer = get(api, "/v1/compare/beta-vs-alpha").json()
    assert [tool["tool"] for tool in answer["tools"]] == ["beta", "alpha"]


def test_a_list_is_read_page_by_page(api: FakeApi, a_tool: Callable[..., Tool]) -> None:
    for number in range(5):
        api.fakes.read_model.tools[f"t{number}"] = a_tool(f"t{number}")
    slugs, path = [], "/v1/tools?limit=3"
    while path:
        answer = get(api, path)
        slugs += [tool["tool"] for tool in answer.json()["items"]]
        path = answer.links.get("next", {}).get("url", "")
    assert slugs == ["alpha", "beta", "t0", "t1", "t2", "t3", "t4"]


def test_the_panel_is_read_page_by_page_in_its_own_order(api: FakeApi) -> None:
    for position, slug in enumerate(("zoe", "adam", "mia")):
        api.fakes.read_model.reviewers.append(Reviewer(slug, slug.title(), "Hm.", position, 1))
    first = get(api, "/v1/reviewers?limit=2")
    second = get(api, first.links["next"]["url"])
    both = first.json()["items"] + second.json()["items"]
    assert [member["reviewer"] for member in both] == ["zoe", "adam", "mia"]
    assert "next" not in second.links


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=many", "cursor=!!", "cursor=W7W"])
def test_a_wrong_limit_or_cursor_is_a_bad_request(api: FakeApi, query: str) -> None:
    assert get(api, f"/v1/tools?{query}").status_code == 400


def test_a_page_has_at_most_200_items(api: FakeApi, a_tool: Callable[..., Tool]) -> None:
    for number in range(250):
        api.fakes.read_model.tools[f"t{number}"] = a_tool(f"t{number}")
    assert len(get(api, "/v1/tools?limit=1000").json()["items"]) == 200
    assert len(get(api, "/v1/tools").json()["items"]) == 50


def test_a_category_names_its_tools(api: FakeApi) -> None:
    answer = get(api, "/v1/categories/editors").json()
    assert answer["name"] == "Editors"
    assert [tool["path"] for tool in answer["tools"]] == ["/tools/alpha/", "/tools/beta/"]


def test_without_digests_the_list_is_empty(api: FakeApi) -> None:
    assert get(api, "/v1/digests").json() == {"items": []}


def a_digest(week: str, *, frozen: bool = True) -> WeeklyDigest:
    start, end = (instants.to_datetime(moment) for moment in weeks.span(week))
    return WeeklyDigest(week=week, start=start, end=end, frozen=frozen, counts=Counts(votes=7))


def test_digests_are_listed_newest_first_a_page_at_a_time(api: FakeApi) -> None:
    api.fakes.read_model.digests = [
        a_digest("2026-W48", frozen=False),
        a_digest("2026-W47"),
        a_digest("2026-W46"),
    ]
    first = get(api, "/v1/digests?limit=2")
    assert [(item["week"], item["frozen"], item["path"]) for item in first.json()["items"]] == [
        ("2026-W48", False, "/digests/2026-W48/"),
        ("2026-W47", True, "/digests/2026-W47/"),
    ]
    second = get(api, first.links["next"]["url"])
    assert [item["week"] for item in second.json()["items"]] == ["2026-W46"]
    assert "next" not in second.links


def test_a_digest_is_read_by_its_week(api: FakeApi) -> None:
    api.fakes.read_model.digests = [a_digest("2026-W47")]
    digest = get(api, "/v1/digests/2026-W47").json()
    assert (digest["week"], digest["end"], digest["counts"]["votes"]) == (
        "2026-W47",
        "2026-11-23T00:00:00Z",
        7,
    )
    assert get(api, "/v1/digests/2026-w47").status_code == 404


@pytest.mark.parametrize(
    "path", ["/v1/tools", "/v1/tools/alpha", "/v1/me", "/v1/reviewers", "/openapi.json"]
)
def test_an_unchanged_body_is_304(api: FakeApi, path: str) -> None:
    etag = get(api, path).headers["etag"]
    assert etag.startswith('"')
    for condition in (etag, f'"other", W/{etag}', "*"):
        answer = get(api, path, **{"If-None-Match": condition})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert get(api, path, **{"If-None-Match": '"other"'}).status_code == 200


def test_an_internal_error_reveals_nothing(api: FakeApi) -> None:
    async def broken(slug: str) -> None:
        raise RuntimeError("the secret is 42")

    api.fakes.read_model.answers[find_tool] = broken
    answer = get(api, "/v1/tools/alpha")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "42" not in answer.text


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/v1/tools/old", "/v1/tools/alpha"),
        ("/v1/compare/old-vs-beta", "/v1/compare/alpha-vs-beta"),
        ("/v1/compare/beta-vs-old", "/v1/compare/beta-vs-alpha"),
        ("/v1/compare/alpha-vs-old", "/v1/tools/alpha"),
        ("/v1/compare/old-vs-older", "/v1/tools/alpha"),
        ("/v1/categories/apps", "/v1/categories/tools"),
    ],
)
def test_another_name_is_redirected_with_a_problem_that_says_why(
    api: FakeApi, path: str, location: str
) -> None:
    api.fakes.read_model.merged |= {"old": "alpha", "older": "alpha"}
    api.fakes.read_model.moved |= {"apps": "tools"}
    answer = api.client.get(path, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (308, location)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 308
    assert document()["paths"][_template(path)]["get"]["responses"]["308"]["headers"]["Location"]


def _template(path: str) -> str:
    resource, name = path.split("/")[2], {"tools": "tool", "compare": "pair"}
    return f"/v1/{resource}/{{{name.get(resource, 'category')}}}"
