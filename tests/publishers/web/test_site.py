import asyncio
import gzip
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
from sqlalchemy.exc import OperationalError
from starlette.requests import Request
from starlette.types import ASGIApp

from infra.settings import Settings
from projections.write.dirty_records import Mark
from publishers.build.site_files import SiteFiles
from publishers.content.in_memory_content import InMemoryContent
from publishers.pages import catalogue
from publishers.templating.assets import address
from publishers.web.responses import moved, to_http
from publishers.web.routes import READERS, SiteSource, site_app
from schemas.records import Community
from tests.harness.records import (
    DEVELOPER_TOOLS,
    PANEL,
    a_review,
    a_tool,
    claude,
    sample_content,
    smolvlm,
)

COMPARISON = "/compare/claude-4-api-vs-smolvlm-2-5/"
THREE = "/compare/claude-4-api-vs-plainly-vs-smolvlm-2-5/"
Headers = dict[str, str] | None
FOUR = "/compare/claude-4-api-vs-patchwork-vs-plainly-vs-smolvlm-2-5/"


class Client:
    """A browser without a network: it calls the app itself and follows no redirect."""

    def __init__(self, app: ASGIApp) -> None:
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    def request(self, method: str, path: str, headers: Headers = None) -> httpx.Response:
        return asyncio.run(self.ask(method, path, headers))

    async def ask(self, method: str, path: str, headers: Headers = None) -> httpx.Response:
        url = httpx.URL("http://site.example").copy_with(raw_path=path.encode())
        async with httpx.AsyncClient(transport=self._transport) as client:
            return await client.request(method, url, headers=headers)

    def get(self, path: str, headers: Headers = None) -> httpx.Response:
        return self.request("GET", path, headers)


class Site:
    """A site on sample records: its folder, its client, and how often its content was opened."""

    def __init__(self, data: Path) -> None:
        self.settings = Settings.from_environment({"VERDICTS_DATA": str(data)})
        self.files = SiteFiles(data / "site")
        self.content = sample_content()
        self.marks: list[Mark] = []
        self.opened = 0
        self.fault: Exception | None = None
        self.hangs: threading.Event | None = None
        source = SiteSource(self.open_content, self.read_marks)
        app = site_app(self.settings, source, self.bookmarks_of)
        self.client = Client(app)

    @contextmanager
    def open_content(self) -> Iterator[InMemoryContent]:
        self.opened += 1
        if self.fault:
            raise self.fault
        if self.hangs:
            self.hangs.wait()
        yield self.content

    def read_marks(self, limit: int) -> list[Mark]:
        if self.fault:
            raise self.fault
        if self.hangs:
            self.hangs.wait()
        return self.marks[:limit]

    async def bookmarks_of(self, request: Request) -> list[str]:
        return request.query_params.getlist("saved")

    def publish(self) -> None:
        for path in catalogue.page_paths(self.content):
            self.files.put(path, catalogue.render(self.content, path, self.settings.public_url))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_stored_page_is_served_without_the_database(site: Site) -> None:
    site.publish()
    for path in ("/", COMPARISON, "/sitemap.xml", "/robots.txt", "/feed.xml"):
        answer = site.client.get(path)
        assert (answer.status_code, answer.content) == (200, site.files.read(path))
    assert site.opened == 0


def test_stored_pages_are_served_while_the_database_hangs(site: Site) -> None:
    site.publish()
    hangs = site.hangs = threading.Event()

    async def ask() -> list[httpx.Response]:
        waiting = [asyncio.create_task(site.client.ask("GET", THREE)) for _ in range(40)]
        while site.opened < READERS:
            await asyncio.sleep(0)
        try:
            stored = await asyncio.wait_for(site.client.ask("GET", "/"), 3)
        finally:
            hangs.set()
        return [stored, *await asyncio.gather(*waiting)]

    assert {answer.status_code for answer in asyncio.run(ask())} == {200}


def test_a_page_whose_file_is_behind_is_made_on_request(site: Site) -> None:
    site.publish()
    stored = site.client.get(COMPARISON)
    tools = [msgspec.structs.replace(smolvlm(), community=Community.of(9, 0)), claude()]
    site.content = InMemoryContent(tools, reviewers=PANEL)
    site.marks = [Mark(1, "tool", "smolvlm-2-5", "developer-tools")]
    answer = site.client.get(COMPARISON)
    assert answer.content == catalogue.render(site.content, COMPARISON, site.settings.public_url)
    assert answer.headers["etag"] != stored.headers["etag"]
    assert site.client.get("/about/").content == site.files.read("/about/")


def test_a_page_without_its_file_is_made_on_request(site: Site) -> None:
    answer = site.client.get(COMPARISON)
    assert answer.status_code == 200
    assert answer.content == catalogue.render(site.content, COMPARISON, site.settings.public_url)
    assert site.client.get("/").status_code == 200
    assert site.client.get("/about/").status_code == 200


def test_every_file_has_its_media_type(site: Site) -> None:
    site.publish()
    types = {
        path: site.client.get(path).headers["content-type"]
        for path in (
            "/",
            "/sitemap.xml",
            "/robots.txt",
            "/feed.xml",
            "/tools/plainly/feed.xml",
            "/tools/plainly/index.json",
            "/tools/plainly/index.md",
            "/llms.txt",
            "/search.json",
            address("site.css"),
        )
    }
    assert types == {
        "/": "text/html; charset=utf-8",
        "/sitemap.xml": "application/xml; charset=utf-8",
        "/robots.txt": "text/plain; charset=utf-8",
        "/feed.xml": "application/atom+xml; charset=utf-8",
        "/tools/plainly/feed.xml": "application/atom+xml; charset=utf-8",
        "/tools/plainly/index.json": "application/json",
        "/tools/plainly/index.md": "text/markdown; charset=utf-8",
        "/llms.txt": "text/plain; charset=utf-8",
        "/search.json": "application/json",
        address("site.css"): "text/css; charset=utf-8",
    }
    script = site.client.get(address("site.js"))
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_an_unchanged_page_is_not_sent_again(site: Site) -> None:
    first = site.client.get(COMPARISON)
    tag = first.headers["etag"]
    assert tag.startswith('"')
    assert first.headers["cache-control"] == "public, no-cache"
    for known in (tag, f'"other", W/{tag}', "*"):
        again = site.client.get(COMPARISON, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert site.client.get(COMPARISON, headers={"If-None-Match": '"x"'}).status_code == 200
    assert site.client.get("/", headers={"If-None-Match": tag}).status_code == 200


STORED = ("/", COMPARISON, "/feed.xml", f"{COMPARISON}index.json", f"{COMPARISON}index.md",
          "/sitemap.xml")  # fmt: skip
WRITTEN, DATE = 1_732_107_000.25, "Wed, 20 Nov 2024 12:50:01 GMT"


def dated(site: Site, path: str, time: float) -> None:
    """Publish the site, and date one file."""
    site.publish()
    file = site.settings.data / "site" / path.strip("/") / ("index.html" if path[-1] == "/" else "")
    os.utime(file, (time, time))


@pytest.mark.parametrize("path", STORED)
def test_a_stored_file_has_the_time_of_its_write(site: Site, path: str) -> None:
    dated(site, path, WRITTEN)
    assert site.client.get(path).headers["last-modified"] == DATE
    for since, status in ((DATE, 304), ("Wed, 20 Nov 2024 12:50:00 GMT", 200), ("soon", 200)):
        answer = site.client.get(path, {"If-Modified-Since": since})
        assert (answer.status_code, answer.headers["last-modified"]) == (status, DATE)


def test_an_entity_tag_decides_over_a_date(site: Site) -> None:
    dated(site, "/", WRITTEN)
    tag = site.client.get("/").headers["etag"]
    early = "Mon, 20 Nov 2023 12:00:00 GMT"
    assert (
        site.client.get("/", {"If-None-Match": tag, "If-Modified-Since": early}).status_code == 304
    )
    other = {"If-None-Match": '"other"', "If-Modified-Since": DATE}
    assert site.client.get("/", other).status_code == 200


def test_a_file_has_no_date_while_it_may_change_within_its_second(site: Site) -> None:
    dated(site, "/", time.time() + 5)
    assert "last-modified" not in site.client.get("/").headers
    assert "last-modified" not in site.client.get(THREE).headers  # rendered on request


@pytest.mark.parametrize(
    "path",
    [
        "/feed.xml",
        "/tools/plainly/feed.xml",
        "/digests/feed.xml",
        "/tools/plainly/index.json",
        f"{COMPARISON}index.md",
    ],
)
def test_pages_of_other_origins_may_read_feeds_and_alternates(site: Site, path: str) -> None:
    site.publish()
    origin = {"Origin": "https://reader.example"}
    answer = site.client.get(path, origin)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    again = site.client.get(path, {**origin, "If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.headers["access-control-allow-origin"]) == (304, "*")
    asked = {**origin, "Access-Control-Request-Method": "GET",
             "Access-Control-Request-Headers": "if-none-match"}  # fmt: skip
    assert site.client.request("OPTIONS", path, asked).status_code == 204


@pytest.mark.parametrize("path", ["/", COMPARISON, "/bookmarks/", "/search/"])
def test_pages_for_people_are_read_from_this_site_alone(site: Site, path: str) -> None:
    answer = site.client.get(path, {"Origin": "https://reader.example"})
    assert "access-control-allow-origin" not in answer.headers


def test_an_unknown_path_shows_the_stored_page_where_there_is_one(site: Site) -> None:
    site.files.put(catalogue.NOT_FOUND, b"Nothing here, and this is a demo.")
    answer = site.client.get("/nothing/")
    assert (answer.status_code, answer.text) == (404, "Nothing here, and this is a demo.")


def test_head_has_the_headers_of_get(site: Site) -> None:
    get, head = site.client.get(COMPARISON), site.client.request("HEAD", COMPARISON)
    assert head.content == b""
    for name in ("content-length", "etag", "content-type"):
        assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/tools/smolvlm-2-5", "/tools/smolvlm-2-5/"),
        ("/about?x=1", "/about/?x=1"),
        ("/bookmarks", "/bookmarks/"),
        ("/compare?a=plainly", "/compare/?a=plainly"),
        ("/tools/longgone", "/tools/longgone/"),
        ("/tools/smolvlm-2-5/index.html", "/tools/smolvlm-2-5/"),
        ("/index.html", "/"),
        ("/index.html" * 500, "/"),
        ("/about" + "/index.html" * 500, "/about/"),
        (COMPARISON.rstrip("/"), COMPARISON),
        ("/compare/smolvlm-2-5-vs-claude-4-api/", COMPARISON),
        ("/compare/smolvlm-2-5-vs-claude-4-api", COMPARISON),
        ("/compare/smolvlm-2-5-vs-plainly/", "/compare/plainly-vs-smolvlm-2-5/"),
        ("/compare/smolvlm-2-5-vs-plainly-vs-claude-4-api/", THREE),
        (THREE.rstrip("/"), THREE),
        ("/search?q=plain", "/search/?q=plain"),
    ],
)
def test_a_page_has_one_address(site: Site, path: str, location: str) -> None:
    answer = site.client.get(path)
    assert (answer.status_code, answer.headers["location"]) == (308, location)


def test_a_pair_across_categories_is_made_on_request_and_not_stored(site: Site) -> None:
    answer = site.client.get("/compare/plainly-vs-smolvlm-2-5/")
    assert answer.status_code == 200
    assert "Plainly vs SmolVLM 2.5" in answer.text
    assert site.files.paths() == []


@pytest.mark.parametrize("path", [THREE, FOUR])
def test_three_or_four_tools_of_any_category_stand_side_by_side_on_request(
    site: Site, path: str
) -> None:
    answer = site.client.get(path)
    assert answer.status_code == 200
    for slug in path.removeprefix("/compare/").rstrip("/").split("-vs-"):
        assert f'<article class="card" data-tool="{slug}"' in answer.text.replace(" leads", "")
    assert f'<link rel="canonical" href="{site.settings.public_url}{path}">' in answer.text
    assert "index.json" not in answer.text
    assert ("Add a fourth tool" in answer.text) == (path == THREE)
    assert site.files.paths() == []


def test_search_finds_tools_and_comparisons_without_a_script(site: Site) -> None:
    answer = site.client.get("/search/?q=smol+or+patch")
    assert answer.status_code == 200
    assert 'href="/tools/smolvlm-2-5/"' in answer.text
    assert 'href="/compare/patchwork-vs-smolvlm-2-5/"' in answer.text
    assert 'name="robots" content="noindex"' in answer.text
    assert "No tools match “zebra”." in site.client.get("/search/?q=zebra").text
    assert "<h1>Search tools and comparisons</h1>" in site.client.get("/search/").text


def test_a_query_is_shown_as_text(site: Site) -> None:
    answer = site.client.get("/search/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E%00")
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text


def test_search_finds_candidates_for_selected_tools(site: Site) -> None:
    answer = site.client.get("/search/?q=plain&with=claude-4-api-vs-smolvlm-2-5")
    assert f'href="{THREE}"' in answer.text
    near = site.client.get("/search/?with=claude-4-api-vs-smolvlm-2-5")
    assert 'href="/compare/claude-4-api-vs-patchwork-vs-smolvlm-2-5/"' in near.text
    for unknown in ("zebra", "longgone", "a-vs-b", "", "//"):
        assert site.client.get(f"/search/?with={unknown}").status_code == 200


def plain(site: Site, path: str, accepted: str = "identity") -> httpx.Response:
    return site.client.get(path, headers={"Accept-Encoding": accepted})


def test_a_response_is_compressed_for_clients_that_accept_it(site: Site) -> None:
    whole, packed = plain(site, COMPARISON), plain(site, COMPARISON, "br, gzip;q=0.5")
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(whole.content) / 3
    assert packed.content == whole.content
    assert "content-encoding" not in whole.headers
    assert whole.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"


def test_each_encoding_has_its_own_strong_etag(site: Site) -> None:
    whole, packed = plain(site, COMPARISON), plain(site, COMPARISON, "gzip")
    tags = {whole.headers["etag"], packed.headers["etag"]}
    assert len(tags) == 2
    assert all(tag.startswith('"') for tag in tags)
    known = {"Accept-Encoding": "gzip", "If-None-Match": packed.headers["etag"]}
    again = site.client.get(COMPARISON, headers=known)
    assert (again.status_code, again.headers["etag"]) == (304, packed.headers["etag"])
    assert again.headers["vary"] == "Accept-Encoding"
    other = {"Accept-Encoding": "gzip", "If-None-Match": whole.headers["etag"]}
    assert site.client.get(COMPARISON, headers=other).status_code == 200


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "*;q=0", "gzip;q=x"])
def test_no_encoding_is_sent_that_the_client_refuses(site: Site, accepted: str) -> None:
    assert "content-encoding" not in plain(site, COMPARISON, accepted).headers


def test_a_comparison_weighs_less_than_sixty_thousand_bytes_in_all(site: Site) -> None:
    words = random.Random(7).choices([f"{number:x}" for number in range(99_999)], k=4000)
    reviews = [
        a_review(reviewer, body=" ".join(words[500 * at : 500 * at + 500]))
        for at, reviewer in enumerate(PANEL)
    ]
    tools = [a_tool(slug, slug, *reviews) for slug in ("ada", "bob")]
    site.content = InMemoryContent(tools, [DEVELOPER_TOOLS], PANEL)
    sent = [
        int(plain(site, path, "gzip").headers["content-length"])
        for path in ("/compare/ada-vs-bob/", address("site.css"), address("site.js"))
    ]
    assert sum(sent) < 60_000, sent


def test_stylesheet_and_script_are_stored_compressed_too(site: Site) -> None:
    site.publish()
    for name in ("site.css", "site.js"):
        asset = site.files.read(address(name))
        assert gzip.decompress(site.files.read(f"{address(name)}.gz") or b"") == asset


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere/",
        "/nowhere",
        "/favicon.ico",
        "/404.html",
        "/tool/",
        "/tools/unheard-of/",
        "/tools/unheard-of",
        "/compare/claude-4-api-vs-unheard-of/",
        "/compare/claude-4-api-vs-claude-4-api/",
        "/compare/a-vs-b-vs-c/",
        "/compare/claude-4-api-vs-plainly-vs-plainly/",
        "/compare/claude-4-api-vs-patchwork-vs-plainly-vs-quillfeather-vs-smolvlm-2-5/",
        "/compare/claude-4-api-vs-vs-smolvlm-2-5/",
        "/compare/unheard-of-vs-longgone/",
        "/compare/plainly-vs-smolvlm-2-5/index.json",
        "/tools/plainly/index.xml",
        "/static/site.000000000000.css",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//example.com/%2e%2e/",
        "//example.com",
        "/%00/",
    ],
)
def test_an_unknown_path_is_a_404_page(site: Site, path: str) -> None:
    answer = site.client.get(path)
    assert answer.status_code == 404
    assert "Page not found" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/tools/longgone/",
        "/compare/claude-4-api-vs-longgone/",
        "/compare/longgone-vs-claude-4-api/",
        "/compare/longgone-vs-claude-4-api-vs-plainly/",
        "/tools/longgone/index.json",
        "/tools/longgone/index.md",
        "/tools/longgone/feed.xml",
        "/compare/claude-4-api-vs-longgone/index.md",
    ],
)
def test_a_retired_tool_is_gone(site: Site, path: str) -> None:
    answer = site.client.get(path)
    assert answer.status_code == 410
    assert "Its maker closed it." in answer.text


@pytest.mark.parametrize(
    ("chosen", "status", "location"),
    [
        ("a=smolvlm-2-5&b=claude-4-api", 303, COMPARISON),
        ("a=plainly&b=smolvlm-2-5", 303, "/compare/plainly-vs-smolvlm-2-5/"),
        ("a=plainly&b=plainly", 303, "/tools/plainly/"),
        ("a=plainly", 303, "/#choose"),
        ("", 303, "/#choose"),
        ("a=plainly&b=//example.com", 404, None),
        ("a=%00&b=plainly", 404, None),
        ("a=smolvlm-2-5&b=plainly&c=claude-4-api&d=", 303, THREE),
        ("a=smolvlm-2-5&b=plainly&c=claude-4-api&d=patchwork", 303, FOUR),
    ],
)
def test_choosing_tools_leads_to_their_comparison(
    site: Site, chosen: str, status: int, location: str | None
) -> None:
    answer = site.client.get(f"/compare/?{chosen}")
    assert (answer.status_code, answer.headers.get("location")) == (status, location)


def test_an_impossible_slug_is_not_looked_up(site: Site) -> None:
    """The database rejects such values, and that must not look like an outage."""
    site.client.get("/compare/?a=%00&b=plainly")
    assert site.opened == 0


def test_bookmarks_are_private_and_never_cached(site: Site) -> None:
    answer = site.client.get("/bookmarks/?saved=smolvlm-2-5&saved=longgone&saved=unheard-of")
    assert answer.headers["cache-control"] == "private, no-store"
    assert "SmolVLM 2.5" in answer.text
    assert "Longgone" not in answer.text
    assert "No bookmarks yet</p>\n<p class=" in site.client.get("/bookmarks/").text


@pytest.mark.parametrize("path", ["/", "/nowhere/", "/tools/longgone/", "/about", "/bookmarks/"])
def test_every_response_has_the_security_headers(site: Site, path: str) -> None:
    headers = site.client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"


def test_the_site_changes_nothing(site: Site) -> None:
    for path in ("/tools/smolvlm-2-5/", "/compare/", "/nowhere/"):
        answer = site.client.request("POST", path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "This page can only be read" in answer.text


@pytest.mark.parametrize(
    "path", ["/tools/%0a/", "/tools/smolvlm-2-5/%0a", "/%0a", "/%0a/", "/a%0ab"]
)
def test_a_path_with_a_line_break_is_no_page(site: Site, path: str) -> None:
    site.publish()
    answer = site.client.get(path, {"Host": "evil.example"})
    assert (answer.status_code, answer.headers.get("location")) == (404, None)
    assert "Page not found" in answer.text


@pytest.mark.parametrize("path", ["/search", "/compare", "/bookmarks", "/tools/smolvlm-2-5"])
def test_a_redirect_never_names_a_host(site: Site, path: str) -> None:
    answer = site.client.get(path, {"Host": "evil.example"})
    assert (answer.status_code, answer.headers["location"]) == (308, path + "/")


@pytest.mark.parametrize(
    ("query", "sent_back"),
    [
        ("x=日本".encode(), "x=%E6%97%A5%E6%9C%AC"),
        (b"x=\xff", "x=%FF"),
        (b"x=%E6%97%A5&y=a+b", "x=%E6%97%A5&y=a+b"),
        (b'x="<>\r\nX: y', "x=%22%3C%3E%0D%0AX:%20y"),
    ],
)
def test_a_redirect_keeps_any_query(query: bytes, sent_back: str) -> None:
    scope = {"type": "http", "method": "GET", "query_string": query, "headers": []}
    response = to_http(Request(scope), moved("/tools/alpha/"))
    assert response.headers["location"] == f"/tools/alpha/?{sent_back}"


def test_without_a_database_stored_pages_are_served_and_others_are_503(site: Site) -> None:
    site.publish()
    site.fault = OperationalError("select", {}, Exception("secret details"))
    assert site.client.get(COMPARISON).status_code == 200
    answer = site.client.get("/compare/plainly-vs-smolvlm-2-5/")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_crash_shows_a_page_and_no_trace(site: Site) -> None:
    site.fault = RuntimeError("secret details")
    answer = site.client.get("/")
    assert answer.status_code == 500
    assert "our fault; no votes are lost" in answer.text
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
