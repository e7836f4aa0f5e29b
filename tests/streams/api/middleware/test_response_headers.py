"""Header fields that every response has."""

from collections.abc import Callable

import pytest
from starlette.responses import RedirectResponse
from starlette.testclient import TestClient

from projections.read.categories import list_categories
from streams.api.routes import application
from tests.streams.api.conftest import HOST, FakeApi

MakeApi = Callable[..., FakeApi]
HSTS = "strict-transport-security"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/tools"),
        ("GET", "/v1/nothing"),
        ("GET", "/v1/categories"),
        ("DELETE", "/v1/tools"),
        ("OPTIONS", "/v1/tools"),
        ("HEAD", "/v1/changes?tool=alpha"),
        ("PUT", "/v1/tools/alpha/vote"),
        ("POST", "/v1/events"),
        ("POST", "/vote"),
        ("GET", "/healthz"),
        ("GET", "/status"),
        ("GET", "/metrics"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/a-page"),
    ],
)
def test_no_answer_may_be_sniffed_or_asked_for_without_tls(
    make_api: MakeApi, method: str, path: str
) -> None:
    api = make_api(VERDICTS_PUBLIC_URL="https://verdicts.example")
    api.fakes.read_model.answers[list_categories] = _fail
    preflight = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
    answer = api.client.request(method, path, headers=preflight, follow_redirects=False)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers[HSTS] == "max-age=31536000"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def _fail() -> None:
    raise ValueError("a fault of ours")


def test_a_vote_has_the_fields_too(make_api: MakeApi) -> None:
    api = make_api(VERDICTS_PUBLIC_URL="https://verdicts.example")
    headers = {"Sec-Fetch-Site": "same-origin"}
    answer = api.client.put("/v1/tools/alpha/vote", json={"choice": "ship"}, headers=headers)
    assert answer.status_code == 200
    assert (answer.headers["x-content-type-options"], HSTS in answer.headers) == ("nosniff", True)


def test_refusals_before_any_route_have_the_fields(make_api: MakeApi) -> None:
    api = make_api(VERDICTS_PUBLIC_URL="https://verdicts.example")
    answer = api.client.get("/v1/tools", headers={"Host": "evil.example"})
    assert answer.status_code == 421
    assert (answer.headers["x-content-type-options"], HSTS in answer.headers) == ("nosniff", True)


def test_without_https_nobody_is_told_to_use_it(api: FakeApi) -> None:
    answer = api.client.get("/v1/tools")
    assert HSTS not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_redirects_of_the_site_have_the_fields_and_a_field_is_never_doubled() -> None:
    headers = {"X-Content-Type-Options": "nosniff"}
    for site in (RedirectResponse("/there/", 308), RedirectResponse("/there/", 308, headers)):
        app = application(FakeApi().components, site=lambda _, site=site: site)  # type: ignore[misc]
        answer = TestClient(app, base_url=HOST).get("/here", follow_redirects=False)
        assert answer.status_code == 308
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
