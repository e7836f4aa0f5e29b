"""What holds for every request before any route sees it."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from streams.api.routes import application
from tests.streams.api.conftest import FakeApi

HOST = (b"host", b"127.0.0.1:8080")
ORIGIN = (b"origin", b"http://127.0.0.1:8080")
ETAG = b'"0"'

Headers = Sequence[tuple[bytes, bytes]]


class Received(msgspec.Struct):
    status: int
    headers: dict[bytes, bytes]
    body: bytes


def ask(
    api: FakeApi,
    path: str,
    headers: Headers,
    *,
    method: str = "GET",
    body: bytes = b"",
    query: bytes = b"",
    version: str = "1.1",
    client: str = "127.0.0.1",
    site: Any = None,
) -> Received:
    """Send a request with exactly these header fields, as a server hands them to the app."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": path, "query_string": query, "headers": headers,
        "http_version": version, "scheme": "http", "client": (client, 1), "root_path": "",
    }  # fmt: skip
    app = application(api.components, site and (lambda _: site))
    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]
    start = sent[0]
    return Received(
        start["status"], dict(start["headers"]), b"".join(m.get("body", b"") for m in sent[1:])
    )


def test_lines_of_one_field_are_one_list_for_every_reader(api: FakeApi) -> None:
    seen: list[dict[bytes, bytes]] = []

    async def site(scope: Any, _: Any, send: Any) -> None:
        seen.append(dict(scope["headers"]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    lines = [
        (b"accept-encoding", b"br"), (b"cookie", b"a=1"), HOST, (b"accept-encoding", b"gzip"),
        (b"cookie", b"b=2"),
    ]  # fmt: skip
    ask(api, "/about/", lines, site=site)
    joined = {b"accept-encoding": b"br, gzip", b"cookie": b"a=1; b=2", b"host": HOST[1]}
    assert seen == [joined]


def test_an_entity_tag_in_any_line_is_found(api: FakeApi) -> None:
    etag = ask(api, "/openapi.json", [HOST]).headers[b"etag"]
    for lines in ([ETAG, etag], [etag, ETAG]):
        headers = [HOST, *((b"if-none-match", line) for line in lines)]
        assert ask(api, "/openapi.json", headers).status == 304


def test_a_voter_is_known_from_the_first_of_two_cookie_lines(api: FakeApi) -> None:
    vote = {"method": "PUT", "body": b'{"choice": "ship"}'}
    first = ask(api, "/v1/tools/alpha/vote", [HOST, ORIGIN], **vote)  # type: ignore[arg-type]
    cookie = first.headers[b"set-cookie"].partition(b";")[0]
    lines = [HOST, ORIGIN, (b"cookie", cookie), (b"cookie", b"theme=dark")]
    assert ask(api, "/v1/tools/alpha/vote", lines, **vote).status == 200  # type: ignore[arg-type]
    ours, again = api.events()
    assert ours.data.voter == again.data.voter


def test_visitors_behind_two_proxies_do_not_share_a_limit(make_api: Any) -> None:
    api = make_api(
        VERDICTS_TRUSTED_PROXIES="127.0.0.0/8,192.0.2.0/24", VERDICTS_NEW_VOTERS_PER_HOUR="1"
    )
    for visitor in (b"198.51.100.9", b"198.51.101.9", b"198.51.102.9:5678"):
        lines = [(b"x-forwarded-for", visitor), (b"x-forwarded-for", b"192.0.2.1")]
        body = b'{"choice": "ship"}'
        headers = [HOST, ORIGIN, *lines]
        assert ask(api, "/v1/tools/alpha/vote", headers, method="PUT", body=body).status == 200


@pytest.mark.parametrize(
    "field",
    ["authorization", "content-type", "host", "origin", "referer", "last-event-id", "ce-id"],
)
def test_a_field_that_is_no_list_may_occur_once(api: FakeApi, field: str) -> None:
    name = field.encode()
    headers = [*([] if field == "host" else [HOST]), (name, HOST[1]), (name, HOST[1])]
    refused = ask(api, "/v1/tools", headers)
    assert refused.status == 400
    assert (
        msgspec.json.decode(refused.body)["detail"] == f"The header {field} occurs more than once."
    )


@pytest.mark.parametrize(
    "host",
    [b"127.0.0.1", b"127.0.0.1:1", b"LOCALHOST:8080", b"[::1]:8080", b"news.example", b"127.9.9.9"],
)
def test_the_public_host_and_loopback_are_known(make_api: Any, host: bytes) -> None:
    api = make_api(VERDICTS_PUBLIC_URL="https://News.example")
    assert ask(api, "/v1/tools", [(b"host", host)]).status == 200


def test_a_server_on_all_addresses_is_known_by_any_address(make_api: Any) -> None:
    api = make_api(VERDICTS_HOST="0.0.0.0")
    assert ask(api, "/v1/tools", [(b"host", b"192.0.2.7:8080")]).status == 200
    assert ask(make_api(), "/v1/tools", [(b"host", b"192.0.2.7:8080")]).status == 421


@pytest.mark.parametrize("path", ["/v1/tools", "/v1/nothing", "/docs"])
def test_another_host_is_misdirected(api: FakeApi, path: str) -> None:
    assert ask(api, path, [(b"host", b"evil.example")]).status == 421


def test_a_page_that_rebinds_its_name_changes_nothing(api: FakeApi) -> None:
    headers = [(b"host", b"evil.example"), (b"origin", b"http://evil.example")]
    body = b'{"choice": "ship"}'
    assert ask(api, "/v1/tools/alpha/vote", headers, method="PUT", body=body).status == 421
    assert api.sent == []


@pytest.mark.parametrize("path", ["/healthz", "/status"])
def test_probes_may_use_a_name_of_the_cluster(api: FakeApi, path: str) -> None:
    assert ask(api, path, [(b"host", b"verdicts-api:8080")]).status == 200


@pytest.mark.parametrize(
    "headers", [[], [(b"host", b"")], [(b"host", b"a b")], [(b"host", b"[::")]]
)
def test_a_request_needs_a_host(api: FakeApi, headers: Headers) -> None:
    assert ask(api, "/healthz", headers).status == 400


@pytest.mark.parametrize("version", ["1", "1.0"])
def test_a_client_of_http_1_0_needs_no_host(api: FakeApi, version: str) -> None:
    assert ask(api, "/healthz", [], version=version).status == 200


def test_an_unreadable_query_is_no_fault_of_ours(api: FakeApi) -> None:
    assert ask(api, "/v1/nothing", [HOST], query=b"x=\xff").status == 404
