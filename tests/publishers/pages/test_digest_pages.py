import json
import re
from xml.etree import ElementTree

import msgspec
import pytest

from publishers.content.in_memory_content import InMemoryContent
from publishers.content.site_content import SiteContent
from publishers.pages import catalogue, dependencies
from tests.harness.digest_records import content_with_digests
from tests.harness.records import sample_content

SITE = "https://verdicts.example"
ATOM = "{http://www.w3.org/2005/Atom}"
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
WITH, WITHOUT = content_with_digests(), sample_content()


def html(path: str, content: SiteContent = WITH) -> str:
    body = catalogue.render(content, path, SITE)
    assert body is not None, path
    return body.decode()


def words(path: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html(path)).split())


def test_every_digest_has_a_page_and_no_other_week_has() -> None:
    paths = catalogue.page_paths(WITH)
    assert [path for path in paths if path.startswith("/digests/")] == [
        "/digests/",
        "/digests/2026-W48/",
        "/digests/2026-W47/",
        "/digests/2026-W46/",
        "/digests/feed.xml",
    ]
    assert catalogue.render(WITH, "/digests/2026-W45/", SITE) is None
    assert not catalogue.is_page("/digests/2026-W99/")


def test_a_digest_shows_all_its_news_with_the_rules() -> None:
    text = words("/digests/2026-W47/")
    for part in ("Week 47, 2026", "16\N{EN DASH}22 November 2026 (UTC)", "Panel: Split → then Skip",
                 "Community: Ship → then Skip", "At least 20 votes",
                 "1 new or changed panel verdict", "previously ship"):  # fmt: skip
        assert part in text, part


def test_an_open_week_is_marked_as_such() -> None:
    assert "in progress" in words("/digests/2026-W48/")
    assert "in progress" not in words("/digests/2026-W47/")
    assert words("/digests/").count("in progress") == 1


def test_a_digest_links_to_its_neighbours() -> None:
    page = html("/digests/2026-W47/")
    assert '<a rel="prev" href="/digests/2026-W46/">' in page
    assert '<a rel="next" href="/digests/2026-W48/">' in page


@pytest.mark.parametrize(
    "path",
    ["/", "/tools/patchwork/", "/compare/patchwork-vs-smolvlm-2-5/", "/reviewers/builder/",
     "/categories/developer-tools/", "/categories/developer-tools/rankings/", "/digests/"],
)  # fmt: skip
def test_the_newsletter_block_links_to_the_newest_digest_and_the_feed(path: str) -> None:
    block = html(path).partition('class="newsletter"')[2].partition("</aside>")[0]
    assert re.findall(r'href="([^"]+)"', block) == ["/digests/2026-W48/", "/feed.xml"]
    without = html(path, WITHOUT).partition('class="newsletter"')[2].partition("</aside>")[0]
    assert re.findall(r'href="([^"]+)"', without) == ["/feed.xml"]


def test_an_empty_list_of_digests_says_so() -> None:
    assert "No digests yet." in html("/digests/", WITHOUT)


def test_feeds_hold_frozen_digests_only() -> None:
    for path in ("/feed.xml", "/digests/feed.xml"):
        entries = ElementTree.fromstring(html(path)).findall(f"{ATOM}entry")
        weeks = [entry.findtext(f"{ATOM}id") for entry in entries]
        assert [week for week in weeks if week and "/digests/" in week] == [
            f"{SITE}/digests/2026-W47/",
            f"{SITE}/digests/2026-W46/",
        ]


def test_the_sitemap_has_the_time_of_a_frozen_digest() -> None:
    entries = ElementTree.fromstring(html("/sitemap.xml")).findall(f"{MAP}url")
    times = {entry.findtext(f"{MAP}loc"): entry.findtext(f"{MAP}lastmod") for entry in entries}
    assert times[f"{SITE}/digests/2026-W47/"] == "2026-11-23T00:00:00Z"
    assert times[f"{SITE}/digests/2026-W48/"] is None
    assert times[f"{SITE}/digests/"] == "2026-11-23T00:00:00Z"


def test_a_digest_has_a_breadcrumb_as_linked_data() -> None:
    script = re.search(r'<script type="application/ld\+json">(.*?)</script>',
                       html("/digests/2026-W47/"))  # fmt: skip
    assert script
    (crumbs,) = json.loads(script[1])["@graph"]
    assert [step["item"] for step in crumbs["itemListElement"]] == [
        f"{SITE}/digests/",
        f"{SITE}/digests/2026-W47/",
    ]


def test_a_tool_page_draws_its_history_and_tables_every_number() -> None:
    page = html("/tools/patchwork/")
    assert '<svg role="img" aria-labelledby="history-summary"' in page
    text = words("/tools/patchwork/")
    for part in ("Verdict history", "Ship, then Split, then Skip", "47.5", "Week 47, 2026",
                 "40 ship / 122 skip", "25%"):  # fmt: skip
        assert part in text, part
    assert " style=" not in page


def test_a_tool_without_a_history_has_no_history_section() -> None:
    assert "history-title" not in html("/tools/plainly/")


def test_a_retired_tool_is_named_without_a_link_in_digests_and_feeds() -> None:
    before = content_with_digests()
    tools = [
        msgspec.structs.replace(tool, retired=tool.listed, retired_reason="Closed.")
        if tool.tool == "patchwork"
        else tool
        for tool in before.tools()
    ]
    after = InMemoryContent(
        tools, before.categories(), before.reviewers(), digests=list(before.digests())
    )
    path = "/digests/2026-W47/"
    assert path in dependencies.paths_of_any_tool(after)
    page = (catalogue.render(after, path, "") or b"").decode()
    assert "Patchwork" in page
    assert "/tools/patchwork/" not in page
    feed = (catalogue.render(after, "/feed.xml", "") or b"").decode()
    assert "Patchwork is no longer listed" in feed
    assert 'href="/tools/patchwork/' not in feed
    assert 'href="/tools/smolvlm-2-5/' in feed
