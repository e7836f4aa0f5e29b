"""Entity tags, dates, encodings, and what other origins may read."""

import gzip
import os
import random
import time

import httpx
import pytest

from publishers.content.in_memory_content import InMemoryContent
from publishers.templating.assets import address
from tests.harness.records import (
    DEVELOPER_TOOLS,
    PANEL,
    a_review,
    a_tool,
)
from tests.publishers.web.site_fixture import COMPARISON, THREE, SiteFixture


def test_an_unchanged_page_is_not_sent_again(site: SiteFixture) -> None:
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


def dated(site: SiteFixture, path: str, time: float) -> None:
    """Publish the site, and date one file."""
    site.publish()
    file = site.settings.data / "site" / path.strip("/") / ("index.html" if path[-1] == "/" else "")
    os.utime(file, (time, time))


@pytest.mark.parametrize("path", STORED)
def test_a_stored_file_has_the_time_of_its_write(site: SiteFixture, path: str) -> None:
    dated(site, path, WRITTEN)
    assert site.client.get(path).headers["last-modified"] == DATE
    for since, status in ((DATE, 304), ("Wed, 20 Nov 2024 12:50:00 GMT", 200), ("soon", 200)):
        answer = site.client.get(path, {"If-Modified-Since": since})
        assert (answer.status_code, answer.headers["last-modified"]) == (status, DATE)


def test_an_entity_tag_decides_over_a_date(site: SiteFixture) -> None:
    dated(site, "/", WRITTEN)
    tag = site.client.get("/").headers["etag"]
    early = "Mon, 20 Nov 2023 12:00:00 GMT"
    assert (
        site.client.get("/", {"If-None-Match": tag, "If-Modified-Since": early}).status_code == 304
    )
    other = {"If-None-Match": '"other"', "If-Modified-Since": DATE}
    assert site.client.get("/", other).status_code == 200


def test_a_file_has_no_date_while_it_may_change_within_its_second(site: SiteFixture) -> None:
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
def test_pages_of_other_origins_may_read_feeds_and_alternates(site: SiteFixture, path: str) -> None:
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
def test_pages_for_people_are_read_from_this_site_alone(site: SiteFixture, path: str) -> None:
    answer = site.client.get(path, {"Origin": "https://reader.example"})
    assert "access-control-allow-origin" not in answer.headers


def test_head_has_the_headers_of_get(site: SiteFixture) -> None:
    get, head = site.client.get(COMPARISON), site.client.request("HEAD", COMPARISON)
    assert head.content == b""
    for name in ("content-length", "etag", "content-type"):
        assert head.headers[name] == get.headers[name]


def plain(site: SiteFixture, path: str, accepted: str = "identity") -> httpx.Response:
    return site.client.get(path, headers={"Accept-Encoding": accepted})


def test_a_response_is_compressed_for_clients_that_accept_it(site: SiteFixture) -> None:
    whole, packed = plain(site, COMPARISON), plain(site, COMPARISON, "br, gzip;q=0.5")
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(whole.content) / 3
    assert packed.content == whole.content
    assert "content-encoding" not in whole.headers
    assert whole.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"


def test_each_encoding_has_its_own_strong_etag(site: SiteFixture) -> None:
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
def test_no_encoding_is_sent_that_the_client_refuses(site: SiteFixture, accepted: str) -> None:
    assert "content-encoding" not in plain(site, COMPARISON, accepted).headers


def test_a_comparison_weighs_less_than_sixty_thousand_bytes_in_all(site: SiteFixture) -> None:
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


def test_stylesheet_and_script_are_stored_compressed_too(site: SiteFixture) -> None:
    site.publish()
    for name in ("site.css", "site.js"):
        asset = site.files.read(address(name))
        assert gzip.decompress(site.files.read(f"{address(name)}.gz") or b"") == asset
