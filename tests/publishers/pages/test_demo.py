"""A site with tools of the demo says so everywhere, and no other site does."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine

from publishers.content import content_cache
from publishers.content.database_content import DatabaseContent
from publishers.content.in_memory_content import InMemoryContent
from publishers.pages import catalogue, digest_mail
from publishers.pages.html import pages_on_request
from publishers.pages.pictures import icons
from publishers.templating import assets
from publishers.views.search.search import find
from publishers.views.text.formatting import DEMO_NOTICE
from schemas.digests import WeeklyDigest
from schemas.events import DEMO_ID_PREFIX
from schemas.history import DemoTools
from tests.harness.digest_records import a_digest, content_with_digests
from tests.harness.examples import NOON, SECOND, a_listing, a_retirement
from tests.harness.journal import Journal
from tests.publishers.builder_fixture import BuilderFixture

SITE = "https://verdicts.example"
ID = f"{DEMO_ID_PREFIX}01"
WITHOUT_VERDICTS = {
    catalogue.SITEMAP,
    catalogue.ROBOTS,
    catalogue.SEARCH_INDEX,
    *icons.PATHS,
}


def content_with(demo_tools: DemoTools) -> InMemoryContent:
    site = content_with_digests()
    return InMemoryContent(
        [*site.tools(), *site.retired()],
        site.categories(),
        site.reviewers(),
        site.digests(),
        site.histories(),
        demo_tools=demo_tools,
    )


DEMO = content_with(DemoTools(on_site=frozenset({"smolvlm-2-5"})))
WAS_DEMO = content_with(DemoTools(retired=frozenset({"patchwork"})))
PATHS = [
    path
    for path in catalogue.page_paths(DEMO)
    if path not in WITHOUT_VERDICTS and path not in {*assets.assets(), *assets.compressed_assets()}
]


def text_of(content: InMemoryContent, path: str) -> str:
    return (catalogue.render(content, path, SITE) or b"").decode()


@pytest.mark.parametrize("path", PATHS)
def test_every_file_with_verdicts_of_the_demo_says_so(path: str) -> None:
    assert DEMO_NOTICE in text_of(DEMO, path)
    assert DEMO_NOTICE not in text_of(content_with_digests(), path)


def test_the_label_of_a_page_is_inside_its_header_and_explained() -> None:
    page = text_of(DEMO, "/tools/patchwork/")
    header = page.partition("<header")[2].partition("</header>")[0]
    assert DEMO_NOTICE in header
    assert '<a href="/about/#demo">' in header
    assert '<h2 id="demo">' in text_of(DEMO, "/about/")
    assert "demo" not in text_of(content_with_digests(), "/about/").casefold()


def test_every_entry_of_a_feed_says_so_itself() -> None:
    feed = text_of(DEMO, "/feed.xml")
    assert feed.count(DEMO_NOTICE) == 1 + feed.count("<entry>")


def test_json_has_the_label_as_a_field() -> None:
    for path in ("/tools/patchwork/index.json", "/compare/claude-4-api-vs-smolvlm-2-5/index.json"):
        assert json.loads(text_of(DEMO, path))["notice"] == DEMO_NOTICE
        assert "notice" not in json.loads(text_of(content_with_digests(), path))


def test_pages_per_request_say_so() -> None:
    tools = DEMO.tools()
    for page in (
        pages_on_request.render_search(DEMO, SITE, find(DEMO.search_index(), "vision")),
        pages_on_request.render_bookmarks(DEMO, SITE, tools),
        pages_on_request.render_retired(DEMO, SITE, DEMO.retired()),
    ):
        assert DEMO_NOTICE in page.decode()


def mails(content: InMemoryContent, digest: WeeklyDigest) -> list[str]:
    return [part(content, SITE, digest) for part in (digest_mail.html, digest_mail.text)]


def test_both_parts_of_a_mail_say_so() -> None:
    assert all(DEMO_NOTICE in part for part in mails(DEMO, a_digest()))
    assert not any(DEMO_NOTICE in part for part in mails(content_with_digests(), a_digest()))


def test_a_digest_of_the_demo_says_so_after_the_demo_is_gone() -> None:
    assert DEMO_NOTICE not in text_of(WAS_DEMO, "/")
    assert DEMO_NOTICE in text_of(WAS_DEMO, "/digests/2026-W47/")
    assert text_of(WAS_DEMO, "/feed.xml").count(DEMO_NOTICE) == 2  # frozen digests
    assert all(DEMO_NOTICE in part for part in mails(WAS_DEMO, a_digest()))


@pytest.mark.integration
def test_the_first_listing_decides_and_no_order_of_events(projected: Engine) -> None:
    journal = Journal(projected)
    journal.apply(a_listing("ant", id=ID, time=NOON + SECOND), a_listing("bee", id=ID))
    assert demo_tools(journal) == ({"ant", "bee"}, set())
    journal.apply(a_listing("ant"), a_listing("bee", time=NOON + SECOND), a_retirement("bee"))
    assert demo_tools(journal) == ({"bee"}, set())
    journal.apply(a_retirement("bee", time=NOON + 2 * SECOND))
    assert demo_tools(journal) == (set(), {"bee"})


def demo_tools(journal: Journal) -> Any:
    with journal.engine.connect() as connection:
        database = DatabaseContent(connection).demo_tools()
        assert content_cache.load(connection).demo_tools() == database
    return database


@pytest.mark.integration
def test_the_label_comes_and_goes_on_all_pages(site: BuilderFixture) -> None:
    site.build(a_listing("ant"))
    assert DEMO_NOTICE not in site.page("/about/")
    site.build(a_listing("bee", id=ID))
    assert DEMO_NOTICE in site.page("/about/")
    assert site.is_complete()
    site.build(a_retirement("bee", time=NOON + SECOND))
    assert DEMO_NOTICE not in site.page("/about/")
    assert DEMO_NOTICE not in site.page("/tools/ant/")
    assert site.is_complete()
