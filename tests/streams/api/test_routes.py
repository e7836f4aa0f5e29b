"""The metrics of every request."""

import re

import pytest
from sqlalchemy.exc import OperationalError
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from infra.telemetry.metrics import REGISTRY
from projections.read.categories import list_categories
from streams.api.routes import application, routes
from tests.streams.api.conftest import HOST, FakeApi


def timed(method: str, route: str = "(page)", status: int = 200) -> float:
    labels = {"method": method, "route": route, "status": str(status)}
    return REGISTRY.get_sample_value("verdicts_http_request_seconds_count", labels) or 0


def test_unknown_methods_share_one_series() -> None:
    app = application(FakeApi().components, site=lambda _: PlainTextResponse("a page"))
    client = TestClient(app, base_url=HOST)
    get, other = timed("GET"), timed("OTHER")
    client.get("/about/")
    for number in range(3):
        assert client.request(f"BREW{number}", "/about/").status_code == 200
        assert timed(f"BREW{number}") == 0
    assert (timed("GET"), timed("OTHER")) == (get + 1, other + 3)


def test_a_request_without_database_is_counted_as_503() -> None:
    api = FakeApi()

    async def gone(*_: object) -> None:
        raise OperationalError("", None, Exception("gone"))

    api.fakes.read_model.answers[list_categories] = gone
    before = timed("GET", "/v1/categories", 503)
    client = TestClient(application(api.components), base_url=HOST)
    assert client.get("/v1/categories").status_code == 503
    assert timed("GET", "/v1/categories", 503) == before + 1


@pytest.mark.parametrize("route", routes(FakeApi().components), ids=lambda route: route.path)
def test_a_line_break_at_the_end_of_a_path_is_no_part_of_a_route(route: Route) -> None:
    client = TestClient(
        application(FakeApi().components), base_url=HOST, raise_server_exceptions=False
    )
    path = re.sub(r"{[^}]*}", "1", route.path)
    for method in sorted(route.methods or ()):
        status = client.request(method, f"{path}%0A").status_code
        # At the end of a parameter it belongs to that, which then names nothing.
        assert 400 <= status < 500 if route.path.endswith("}") else status == 404
