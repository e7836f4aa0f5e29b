"""Every page has one address; all others lead to it or are pages of their own."""

import pytest
from starlette.requests import Request

from publishers.content.in_memory_content import InMemoryContent
from publishers.web.responses import moved, to_http
from schemas.history import Merge
from tests.harness.records import NOON, PANEL
from tests.publishers.web.site_fixture import COMPARISON, FOUR, THREE, SiteFixture


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
def test_a_page_has_one_address(site: SiteFixture, path: str, location: str) -> None:
    answer = site.client.get(path)
    assert (answer.status_code, answer.headers["location"]) == (308, location)


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/tools/old/", "/tools/plainly/"),
        ("/tools/old", "/tools/plainly/"),
        ("/tools/old/?x=1", "/tools/plainly/?x=1"),
        ("/tools/old/index.json", "/tools/plainly/index.json"),
        ("/tools/old/index.md", "/tools/plainly/index.md"),
        ("/tools/old/feed.xml", "/tools/plainly/feed.xml"),
        ("/tools/old/card.png", "/tools/plainly/card.png"),
        ("/compare/claude-4-api-vs-old/", "/compare/claude-4-api-vs-plainly/"),
        ("/compare/claude-4-api-vs-old", "/compare/claude-4-api-vs-plainly/"),
        ("/compare/old-vs-smolvlm-2-5/", "/compare/plainly-vs-smolvlm-2-5/"),
        ("/compare/old-vs-claude-4-api/", "/compare/claude-4-api-vs-plainly/"),
        ("/compare/claude-4-api-vs-old/index.json", "/compare/claude-4-api-vs-plainly/index.json"),
        ("/compare/claude-4-api-vs-old/index.md", "/compare/claude-4-api-vs-plainly/index.md"),
        ("/compare/claude-4-api-vs-old-vs-smolvlm-2-5/", THREE),
        ("/compare/old-vs-plainly/", "/tools/plainly/"),
        ("/compare/old-vs-plainly/index.md", "/tools/plainly/index.md"),
    ],
)
def test_every_page_of_another_name_leads_to_that_of_the_tool(
    site: SiteFixture, path: str, location: str
) -> None:
    merge = Merge("old", "Old", "plainly", None, NOON)
    site.content = InMemoryContent(site.content.tools(), reviewers=PANEL, merges=[merge])
    answer = site.client.get(path)
    assert (answer.status_code, answer.headers["location"]) == (308, location)


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere/",
        "/nowhere",
        "/favicon.png",
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
def test_an_unknown_path_is_a_404_page(site: SiteFixture, path: str) -> None:
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
def test_a_retired_tool_is_gone(site: SiteFixture, path: str) -> None:
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
    site: SiteFixture, chosen: str, status: int, location: str | None
) -> None:
    answer = site.client.get(f"/compare/?{chosen}")
    assert (answer.status_code, answer.headers.get("location")) == (status, location)


def test_an_impossible_slug_is_not_looked_up(site: SiteFixture) -> None:
    """The database rejects such values, and that must not look like an outage."""
    site.client.get("/compare/?a=%00&b=plainly")
    assert site.opened == 0


@pytest.mark.parametrize(
    "path", ["/tools/%0a/", "/tools/smolvlm-2-5/%0a", "/%0a", "/%0a/", "/a%0ab"]
)
def test_a_path_with_a_line_break_is_no_page(site: SiteFixture, path: str) -> None:
    site.publish()
    answer = site.client.get(path, {"Host": "evil.example"})
    assert (answer.status_code, answer.headers.get("location")) == (404, None)
    assert "Page not found" in answer.text


@pytest.mark.parametrize("path", ["/search", "/compare", "/bookmarks", "/tools/smolvlm-2-5"])
def test_a_redirect_never_names_a_host(site: SiteFixture, path: str) -> None:
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
