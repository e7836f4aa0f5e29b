"""Files for machines: feeds, sitemap, linked data, alternates, overview, search index."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from publishers.content.in_memory_content import InMemoryContent
from publishers.content.site_content import SiteContent
from publishers.pages import catalogue
from publishers.pages.sitemap import MAX_ADDRESSES, entries
from publishers.views.text.markdown import to_plain
from schemas.records import Reviewer
from tests.harness.digest_records import content_with_digests
from tests.harness.records import (
    BUILDER,
    DEVELOPER_TOOLS,
    NOON,
    PANEL,
    SKEPTIC,
    a_review,
    a_tool,
    claude,
    sample_content,
    smolvlm,
)

SITE = "https://verdicts.example"
COMPARISON = "/compare/claude-4-api-vs-smolvlm-2-5/"
ATOM = "{http://www.w3.org/2005/Atom}"
PATHS = catalogue.page_paths(sample_content())
FEEDS = [
    path for path in catalogue.page_paths(content_with_digests()) if path.endswith("/feed.xml")
]
READ = [path for path in PATHS if path.endswith("/")]


def rendered(content: SiteContent, path: str) -> bytes:
    body = catalogue.render(content, path, SITE)
    assert body is not None, path
    return body


def text_of(content: SiteContent, path: str) -> str:
    return rendered(content, path).decode()


class Head(HTMLParser):
    """Collects the links of a page, its linked data, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[dict[str, str | None]] = []
        self.linked: Any = None
        self.words: list[str] = []
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self._inside = attributes.get("type") or "" if tag == "script" else tag
        if tag == "link":
            self.links.append(attributes)

    def handle_endtag(self, _: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "application/ld+json":
            self.linked = json.loads(data)
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def alternates(self) -> dict[str | None, str | None]:
        return {link["href"]: link["type"] for link in self.links if link["rel"] == "alternate"}


@pytest.mark.parametrize("path", FEEDS)
def test_every_feed_is_valid_atom(path: str) -> None:
    feed = ElementTree.fromstring(text_of(content_with_digests(), path))
    entries = feed.findall(f"{ATOM}entry")
    links = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
    assert feed.findtext(f"{ATOM}id") == links["self"] == SITE + path
    assert links["alternate"] == SITE + path.removesuffix("feed.xml")
    assert feed.findtext(f"{ATOM}title")
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(ids) == len(set(ids)) > 0
    moments = [entry.findtext(f"{ATOM}updated", "") for entry in entries]
    assert moments == sorted(moments, reverse=True)
    assert feed.findtext(f"{ATOM}updated", "") >= moments[0]
    for entry in entries:
        assert datetime.fromisoformat(entry.findtext(f"{ATOM}updated", ""))
        assert entry.findtext(f"{ATOM}title")
        assert entry.findtext(f"{ATOM}author/{ATOM}name")
        content = entry.find(f"{ATOM}content")
        assert content is not None
        assert content.get("type") == "html"


def titles(content: SiteContent, path: str) -> set[str]:
    feed = ElementTree.fromstring(text_of(content, path))
    return {entry.findtext(f"{ATOM}title", "") for entry in feed.findall(f"{ATOM}entry")}


def test_a_feed_holds_the_tools_of_its_page() -> None:
    content = sample_content()
    plainly = {"New in Writing: Plainly"}
    assert titles(content, "/tools/plainly/feed.xml") == plainly
    writing = titles(content, "/categories/writing/feed.xml")
    assert plainly | {"Quillfeather: 44/100 · skip"} <= writing
    assert not any("SmolVLM" in title for title in writing)
    everything = titles(content, "/feed.xml")
    assert writing | {"Longgone is no longer listed", "SmolVLM 2.5: 88/100 · ship"} <= everything


def test_a_feed_is_well_formed_with_any_review_text() -> None:
    odd = a_review(BUILDER, body="A \x08bell & <b>bold</b> *em*", time=NOON + timedelta(1))
    content = InMemoryContent([a_tool("ada", "A & <B>", odd, a_review(SKEPTIC))], [], PANEL)
    feed = ElementTree.fromstring(text_of(content, catalogue.FEED))
    entries = feed.findall(f"{ATOM}entry")
    assert feed.findtext(f"{ATOM}updated") == "2026-11-21T12:00:00Z"
    assert entries[0].findtext(f"{ATOM}title") == "A & <B>: 80/100 · ship"
    assert entries[0].findtext(f"{ATOM}content") == (
        "<p>A bell &amp; &lt;b&gt;bold&lt;/b&gt; <em>em</em></p>\n"
    )


def test_an_empty_feed_has_a_fixed_time() -> None:
    assert "<updated>1970-01-01T00:00:00Z</updated>" in text_of(InMemoryContent(), catalogue.FEED)


def test_every_page_links_to_its_feeds_and_alternates() -> None:
    for path in READ:
        alternates = Head(text_of(sample_content(), path)).alternates()
        assert set(alternates) <= set(PATHS)
        assert alternates["/feed.xml"] == "application/atom+xml"
    tool = Head(text_of(sample_content(), "/tools/plainly/")).alternates()
    assert tool["/tools/plainly/feed.xml"] == "application/atom+xml"
    assert tool["/tools/plainly/index.json"] == "application/json"
    assert tool["/tools/plainly/index.md"] == "text/markdown"
    assert f"{COMPARISON}index.md" in Head(text_of(sample_content(), COMPARISON)).alternates()
    category = Head(text_of(sample_content(), "/categories/writing/")).alternates()
    assert "/categories/writing/feed.xml" in category


def listed_in_sitemap(content: SiteContent) -> dict[str | None, str | None]:
    urls = ElementTree.fromstring(text_of(content, catalogue.SITEMAP))
    return {url[0].text: url[1].text if len(url) > 1 else None for url in urls}


def test_the_sitemap_lists_the_pages_for_people() -> None:
    assert list(listed_in_sitemap(sample_content())) == [SITE + path for path in READ]
    assert f"Sitemap: {SITE}/sitemap.xml" in text_of(sample_content(), catalogue.ROBOTS)


def test_a_sitemap_of_more_addresses_than_a_file_may_hold_is_an_index_of_files() -> None:
    panel = [Reviewer(f"reviewer-{number}", "R", "m", number, 1) for number in range(MAX_ADDRESSES)]
    content = InMemoryContent([a_tool("ada", "Ada")], [DEVELOPER_TOOLS], panel)
    index = ElementTree.fromstring(text_of(content, catalogue.SITEMAP))
    paths = [str(file[0].text).removeprefix(SITE) for file in index]
    assert paths == ["/sitemap-1.xml", "/sitemap-2.xml"]
    assert index[0].tag.endswith("}sitemap")
    files = [ElementTree.fromstring(text_of(content, path)) for path in paths]
    listed = [url[0].text for file in files for url in file]
    assert len(listed) == len(set(listed)) == len(list(entries(content)))
    assert set(paths) <= set(catalogue.page_paths(content))
    assert catalogue.render(content, "/sitemap-3.xml", SITE) is None
    assert catalogue.render(sample_content(), "/sitemap-1.xml", SITE) is None


def test_the_sitemap_has_the_newest_time_that_a_page_shows() -> None:
    hour = timedelta(hours=1)
    early = a_tool("ada", "Ada", a_review(BUILDER, time=NOON + hour))
    late = a_tool("bob", "Bob", a_review(SKEPTIC, time=NOON + 2 * hour))
    content = InMemoryContent([early, late], [DEVELOPER_TOOLS], PANEL)
    moments = listed_in_sitemap(content)
    assert moments[f"{SITE}/tools/ada/"] == "2026-11-20T13:00:00Z"
    assert moments[f"{SITE}/reviewers/builder/"] == "2026-11-20T13:00:00Z"
    for path in ("/", "/compare/ada-vs-bob/", "/categories/developer-tools/"):
        assert moments[SITE + path] == "2026-11-20T14:00:00Z"
    assert moments[f"{SITE}/about/"] is None


def voted(content: InMemoryContent) -> InMemoryContent:
    """The same site after votes and bookmarks on everything."""
    categories = {category.category: category for category in content.categories()}
    tools = [
        a_tool(
            tool.tool,
            tool.name,
            *tool.panel.reviews,
            category=categories[tool.category.slug],
            tagline=tool.tagline,
            description=tool.description,
            pricing=tool.pricing,
            entry=tool.entry,
            best_for=tool.best_for,
            url=tool.url,
            votes=(777, 555),
            bookmarks=99,
            version=50,
        )
        for tool in content.tools()
    ]
    return InMemoryContent([*tools, *content.retired()], content.categories(), content.reviewers())


def test_votes_change_only_the_pages_and_alternates_that_count_them() -> None:
    before = sample_content()
    after = voted(before)
    moved = {path for path in PATHS if rendered(before, path) != rendered(after, path)}
    counting = re.compile(r"/|/(tools|compare)/[^/]+/(index\.(json|md))?|/categories/.*/")
    assert {path for path in PATHS if counting.fullmatch(path)} == moved


LINKED = [
    path
    for path in catalogue.page_paths(content_with_digests())
    if path.endswith("/") and path not in ("/", "/about/")
]


@pytest.mark.parametrize("path", LINKED)
def test_linked_data_has_nothing_that_the_page_does_not_show(path: str) -> None:
    page = text_of(content_with_digests(), path)
    head = Head(page)
    assert head.linked["@graph"][0]["@type"] == "BreadcrumbList"
    for key, value in leaves(head.linked):
        if key in ("@type", "@context", "worstRating"):
            continue
        if key in ("url", "item", "@id", "sameAs", "datePublished", "dateModified"):
            shown = value.removeprefix(SITE).removesuffix("#software")
            assert f'"{shown}"' in page or f'"{value}"' in page, value
        elif key != "position":
            assert str(value) in head.text, (key, value)


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part, key)
    else:
        yield key, value


def test_linked_data_counts_no_ratings_together() -> None:
    for path in READ:
        assert "AggregateRating" not in text_of(sample_content(), path)


def test_linked_data_holds_each_review_of_a_tool() -> None:
    graph = Head(text_of(sample_content(), "/tools/smolvlm-2-5/")).linked["@graph"]
    software = graph[1]
    assert software["@type"] == "SoftwareApplication"
    first = software["review"][0]
    assert first["reviewRating"]["ratingValue"] == 88
    assert first["author"] == {
        "@type": "Person",
        "name": "Builder",
        "url": f"{SITE}/reviewers/builder/",
    }
    assert first["reviewBody"] == to_plain(smolvlm().panel.reviews[0].body)


def test_no_text_can_end_the_linked_data() -> None:
    evil = "</script><script>alert(1)</script>\u2028\u2029<!--"
    tool = a_tool("ada", evil, a_review(body=evil), tagline=evil)
    page = text_of(InMemoryContent([tool], [], PANEL), "/tools/ada/")
    (block,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert not set("<>&\u2028\u2029") & set(block)
    assert json.loads(block)["@graph"][1]["name"] == evil


def test_the_json_alternate_is_the_record_without_its_version() -> None:
    alternate = json.loads(text_of(sample_content(), "/tools/smolvlm-2-5/index.json"))
    assert alternate["page"] == f"{SITE}/tools/smolvlm-2-5/"
    assert alternate["community"] == {
        "verdict": "ship",
        "ship": 301,
        "skip": 64,
        "votes": 365,
        "percent": 82,
    }
    assert [review["score"] for review in alternate["panel"]["reviews"]] == [88, 82, 85, 78]
    assert "version" not in alternate


def test_the_json_alternate_of_a_comparison_holds_both_tools_and_the_answer() -> None:
    alternate = json.loads(text_of(sample_content(), f"{COMPARISON}index.json"))
    assert alternate["compare"] == "claude-4-api-vs-smolvlm-2-5"
    assert [tool["tool"] for tool in alternate["tools"]] == ["claude-4-api", "smolvlm-2-5"]
    assert alternate["answer"]["leader"] is None
    assert alternate["answer"]["text"].startswith("It is a tie: ")


def test_the_markdown_alternate_has_the_texts_of_the_page() -> None:
    alternate = text_of(sample_content(), f"{COMPARISON}index.md")
    for tool in (claude(), smolvlm()):
        for review in tool.panel.reviews:
            assert f": {review.score}/100 · {review.verdict}\n" in alternate
            assert review.body in alternate
    assert "| Community | Ship · 412 ship / 96 skip | Ship · 301 ship / 64 skip |" in alternate
    assert "Disclosure: Received API credits from the maker." in alternate
    markdown = text_of(sample_content(), "/tools/claude-4-api/index.md")
    assert "- Website: <https://example.com/claude>" in markdown
    assert "- Pro: Partial tool input arrives early\n" in markdown


def test_user_texts_cannot_change_the_shape_of_a_markdown_alternate() -> None:
    evil = "# Top\n\n<img src=x>\n\n| a | b |\n\nunder\n---\n\n![x](https://e.example/y.png)"
    tool = a_tool(
        "ada", "A | B\n# C <i>", a_review(body=evil, cons=(evil,)), description=evil, pricing=evil
    )
    alternate = text_of(InMemoryContent([tool], [], PANEL), "/tools/ada/index.md")
    assert [line for line in alternate.splitlines() if line.startswith("#")] == [
        r"# A &#124; B \# C &#60;i&#62;",
        "## What the panel says",
        "### Builder: 80/100 · ship",
    ]
    assert not re.search(r"(?<!\\)<(?!https://verdicts)", alternate)
    assert not re.search(r"^> *(#|-{2,}|\||!\[)", alternate, re.MULTILINE)


def test_the_overview_names_every_tool_and_where_to_read_it() -> None:
    overview = text_of(sample_content(), catalogue.OVERVIEW)
    assert overview.startswith("# Verdicts\n\n> ")
    linked = re.findall(rf"{SITE}(/tools/[a-z0-9-]+/index\.md)", overview)
    assert sorted(linked) == sorted(
        path for path in PATHS if re.fullmatch(r"/tools/.*/index\.md", path)
    )


def test_the_search_index_is_small() -> None:
    search_index = json.loads(text_of(sample_content(), catalogue.SEARCH_INDEX))
    assert search_index["categories"] == ["Developer Tools", "Writing"]
    assert search_index["tools"][2][:4] == ["plainly", "Plainly", "Cuts what can go.", 1]
    assert search_index["tools"][2][4].startswith("vision devices without server reads images")
