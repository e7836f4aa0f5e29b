"""Which pages are served from their files, and which are made on request."""

import asyncio
import threading

import httpx
import msgspec
import pytest

from projections.write.dirty_records import Mark
from publishers.content.in_memory_content import InMemoryContent
from publishers.pages import catalogue
from publishers.templating.assets import address
from publishers.web.routes import READERS
from schemas.records import Community
from tests.harness.records import (
    PANEL,
    claude,
    smolvlm,
)
from tests.publishers.web.site_fixture import COMPARISON, FOUR, THREE, SiteFixture


def test_a_stored_page_is_served_without_the_database(site: SiteFixture) -> None:
    site.publish()
    for path in ("/", COMPARISON, "/sitemap.xml", "/robots.txt", "/feed.xml"):
        answer = site.client.get(path)
        assert (answer.status_code, answer.content) == (200, site.files.read(path))
    assert site.opened == 0


def test_stored_pages_are_served_while_the_database_hangs(site: SiteFixture) -> None:
    site.publish()
    hangs = site.hangs = threading.Event()

    async def ask() -> list[httpx.Response]:
        paths = [f"/tools/unheard-of-{number}/" for number in range(40)]
        waiting = [asyncio.create_task(site.client.ask("GET", path)) for path in paths]
        while site.opened < READERS:
            await asyncio.sleep(0)
        try:
            stored = await asyncio.wait_for(site.client.ask("GET", "/"), 3)
        finally:
            hangs.set()
        await asyncio.gather(*waiting)
        return [stored]

    assert {answer.status_code for answer in asyncio.run(ask())} == {200}


def test_a_page_whose_file_is_behind_is_made_on_request(site: SiteFixture) -> None:
    site.publish()
    stored = site.client.get(COMPARISON)
    tools = [msgspec.structs.replace(smolvlm(), community=Community.of(9, 0)), claude()]
    site.content = InMemoryContent(tools, reviewers=PANEL)
    site.marks = [Mark(1, "tool", "smolvlm-2-5", "developer-tools")]
    answer = site.client.get(COMPARISON)
    assert answer.content == catalogue.render(site.content, COMPARISON, site.settings.public_url)
    assert answer.headers["etag"] != stored.headers["etag"]
    assert site.client.get("/about/").content == site.files.read("/about/")


def test_a_page_without_its_file_is_made_on_request(site: SiteFixture) -> None:
    answer = site.client.get(COMPARISON)
    assert answer.status_code == 200
    assert answer.content == catalogue.render(site.content, COMPARISON, site.settings.public_url)
    assert site.client.get("/").status_code == 200
    assert site.client.get("/about/").status_code == 200


def test_every_file_has_its_media_type(site: SiteFixture) -> None:
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


def test_an_unknown_path_shows_the_stored_page_where_there_is_one(site: SiteFixture) -> None:
    site.files.put(catalogue.NOT_FOUND, b"Nothing here, and this is a demo.")
    answer = site.client.get("/nothing/")
    assert (answer.status_code, answer.text) == (404, "Nothing here, and this is a demo.")


def test_a_pair_across_categories_is_made_on_request_and_not_stored(site: SiteFixture) -> None:
    answer = site.client.get("/compare/plainly-vs-smolvlm-2-5/")
    assert answer.status_code == 200
    assert "Plainly vs SmolVLM 2.5" in answer.text
    assert site.files.paths() == []


@pytest.mark.parametrize("path", [THREE, FOUR])
def test_three_or_four_tools_of_any_category_stand_side_by_side_on_request(
    site: SiteFixture, path: str
) -> None:
    answer = site.client.get(path)
    assert answer.status_code == 200
    for slug in path.removeprefix("/compare/").rstrip("/").split("-vs-"):
        assert f'<article class="card" data-tool="{slug}"' in answer.text.replace(" leads", "")
    assert f'<link rel="canonical" href="{site.settings.public_url}{path}">' in answer.text
    assert "index.json" not in answer.text
    assert ("Add a fourth tool" in answer.text) == (path == THREE)
    assert site.files.paths() == []


@pytest.mark.parametrize("path", [THREE, "/compare/plainly-vs-smolvlm-2-5/"])
def test_a_page_without_a_file_is_rendered_once_per_version(site: SiteFixture, path: str) -> None:
    first, again = (site.client.get(path) for _ in range(2))
    assert (first.content, first.headers["etag"]) == (again.content, again.headers["etag"])
    assert site.opened == 1
    tools = [
        msgspec.structs.replace(tool, community=Community.of(9, 0)) for tool in site.content.tools()
    ]
    site.content = InMemoryContent(tools, reviewers=PANEL)
    assert site.client.get(path).content != first.content
    assert site.opened == 2


def test_visitors_at_once_share_one_render_of_a_page_without_a_file(site: SiteFixture) -> None:
    async def ask() -> list[httpx.Response]:
        return await asyncio.gather(*(site.client.ask("GET", THREE) for _ in range(30)))

    assert len({answer.content for answer in asyncio.run(ask())}) == 1
    assert site.opened <= 2  # the second for those who came after the first had begun


def test_a_rendered_pair_has_the_bytes_of_its_file(site: SiteFixture) -> None:
    rendered = site.client.get(COMPARISON)
    site.publish()
    stored = site.client.get(COMPARISON)
    assert (rendered.content, rendered.headers["etag"]) == (stored.content, stored.headers["etag"])
