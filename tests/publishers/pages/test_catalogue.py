import re
from html.parser import HTMLParser

import msgspec
import pytest

from publishers.content.in_memory_content import InMemoryContent
from publishers.content.site_content import SiteContent
from publishers.pages import catalogue, dependencies
from publishers.pages.html import pages_on_request
from publishers.pages.html import tools as tool_pages
from publishers.templating import assets
from publishers.views.text.markdown import to_plain
from schemas.history import CommunityPoint, History, PanelPoint
from schemas.records import Category, Community, Reviewer
from schemas.time import instants, weeks
from tests.harness.digest_records import a_digest, a_history, content_with_digests
from tests.harness.records import (
    BUILDER,
    DEVELOPER_TOOLS,
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
EVIL = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>"


class Reader(HTMLParser):
    """Collects what a page says: its text in order, its headings, links and elements."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._within: list[str] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._within and self._within.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"head", "script", "style", "template"} & set(self._within):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def rendered(content: SiteContent, path: str) -> bytes:
    page = catalogue.render(content, path, SITE)
    assert page is not None, path
    return page


def in_order(text: str, parts: list[str]) -> None:
    at = 0
    for part in parts:
        position = text.find(part, at)
        assert position >= 0, f"{part!r} does not follow in {text[at : at + 300]!r}"
        at = position + len(part)


def test_a_comparison_has_all_its_texts_in_order() -> None:
    first, second = "Claude 4 API: Tool Use Streaming & Prompt Caching", "SmolVLM 2.5"
    reader = Reader(rendered(sample_content(), COMPARISON))
    expected = [f"Compare / {first} vs {second}", "AI tool comparison", f"{first} vs {second}"]
    expected += ["Two tools in Developer Tools, side by side", "It is a tie: the panel ships both"]
    for tool, share, entry, votes in (
        (claude(), "81%", "Paid", ("412", "96")),
        (smolvlm(), "82%", "Free", ("301", "64")),
    ):
        expected += [tool.name[0], "Developer Tools", tool.name, tool.tagline, "Ship", "100%"]
        expected += ["Panel ship", "Community", share, entry, "Entry"]
        expected += [
            to_plain(tool.description)[:10],
            "Ship",
            votes[0],
            "Skip",
            votes[1],
            "Bookmark",
        ]
    expected += ["Decision", first, second]
    expected += ["Panel verdict", "Ship · 4 ship / 0 skip", "Ship · 4 ship / 0 skip"]
    expected += ["Community", "Ship · 412 ship / 96 skip", "Ship · 301 ship / 64 skip"]
    expected += ["Pricing", claude().pricing, smolvlm().pricing]
    expected += ["Best for", claude().best_for, smolvlm().best_for]
    expected += ["Category", "Developer Tools", "Developer Tools", "Reviewer scorecard"]
    expected += ["Builder", "88/100 · ship", "Streaming tool calls", "20 November 2026"]
    expected += ["88/100 · ship", "Runs on my laptop", "20 November 2026"]
    expected += ["Skeptic", "82/100 · ship", "82/100 · ship", "Futurist", "85/100 · ship"]
    expected += ["85/100 · ship", "Founder", "79/100 · ship", "The bill", "20 November 2026"]
    expected += ["Received API credits", "78/100 · ship", "No invoice"]
    expected += ["feed for every new review", "Bookmarks", "Loading bookmarks…"]
    expected += ["No bookmarks yet", "Bookmark a tool and it appears here."]
    in_order(reader.text, expected)


def test_an_unvoted_comparison_leaves_the_communitys_share_empty() -> None:
    content = InMemoryContent([a_tool("ada", "Ada"), a_tool("bob", "Bob")], [], PANEL)
    reader = Reader(rendered(content, "/compare/ada-vs-bob/"))
    in_order(
        reader.text,
        ["No verdict yet", "Panel ship", "Community Free Entry", "No community votes yet"],
    )


def test_a_reviewer_of_only_one_tool_is_shown_as_such() -> None:
    reviewed = a_tool("ada", "Ada", a_review(BUILDER))
    content = InMemoryContent([reviewed, a_tool("bob", "Bob")], [], PANEL)
    text = Reader(rendered(content, "/compare/ada-vs-bob/")).text
    assert "Builder has not reviewed Bob." in text
    assert "Skeptic" not in text


@pytest.mark.parametrize("path", catalogue.page_paths(sample_content()))
def test_every_page_has_bytes(path: str) -> None:
    assert rendered(sample_content(), path)


HTML_PATHS = [path for path in catalogue.page_paths(sample_content()) if path.endswith("/")]


@pytest.mark.parametrize("path", HTML_PATHS)
def test_every_page_has_a_head_one_heading_and_landmarks(path: str) -> None:
    reader = Reader(rendered(sample_content(), path))
    meta = {m.get("property") or m.get("name"): m["content"] for m in reader.all("meta")[1:]}
    canonical = [link["href"] for link in reader.all("link") if link["rel"] == "canonical"]
    assert canonical == [SITE + path] == [meta["og:url"]]
    assert meta["description"] == meta["og:description"]
    assert meta["description"]
    assert meta["og:title"]
    assert len(reader.all("h1")) == 1
    assert [len(reader.all(tag)) for tag in ("main", "header", "footer")] == [1, 1, 1]
    assert reader.all("html")[0]["lang"] == "en"
    assert {"class": "skip-link", "href": "#main"} in reader.all("a")


@pytest.mark.parametrize("path", HTML_PATHS)
def test_no_page_needs_more_than_a_stylesheet_and_a_script_of_its_own(path: str) -> None:
    page = rendered(sample_content(), path)
    reader = Reader(page)
    # A block of data is a script element to which no program belongs.
    programs = [s for s in reader.all("script") if s.get("type") != "application/ld+json"]
    assert [re.sub("[0-9a-f]{12}", "#", s["src"] or "") for s in programs] == ["/static/site.#.js"]
    assert not reader.all("style")
    assert not re.search(rb"<[^>]+ (style|on[a-z]+)=", page)


@pytest.mark.parametrize("path", HTML_PATHS)
def test_internal_links_lead_to_pages(path: str) -> None:
    content = sample_content()
    known = {*catalogue.page_paths(content), "/bookmarks/", "/search/", "/me/", "/sign-in/"}
    hrefs = [a["href"] or "" for a in Reader(rendered(content, path)).all("a")]
    within = {re.split("[#?]", href)[0] for href in hrefs if href.startswith("/")}
    assert within <= known


def test_user_texts_never_become_markup() -> None:
    review = a_review(BUILDER, body=EVIL, pros=(EVIL,), cons=(EVIL,), disclosure=EVIL)
    tools = [
        a_tool(
            slug,
            EVIL,
            review,
            category=Category("c", EVIL, EVIL, 1),
            tagline=EVIL,
            description=EVIL,
            pricing=EVIL,
            best_for=EVIL,
            url="https://example.com/\"'><script>",
        )
        for slug in ("ada", "bob")
    ]
    reviewer = Reviewer("builder", EVIL, EVIL, 1, 1)
    content = InMemoryContent(tools, [Category("c", EVIL, EVIL, 1)], [reviewer])
    pages = [
        rendered(content, path) for path in catalogue.page_paths(content) if path.endswith("/")
    ]
    pages += [
        pages_on_request.render_retired(content, SITE, tools),
        pages_on_request.render_bookmarks(content, SITE, tools),
    ]
    for page in pages:
        reader = Reader(page)
        assert {tag["class"] for tag in reader.all("img")} <= {"brand-mark"}
        assert {tuple(script) for script in reader.all("script")} <= {("src", "defer"), ("type",)}
        assert not [n for _, names in reader.elements for n in names if n.startswith("on")]


def test_the_order_of_records_changes_no_byte() -> None:
    forth = sample_content()
    tools = [*forth.tools(), *forth.retired()]
    back = InMemoryContent(tools[::-1], forth.categories()[::-1], forth.reviewers()[::-1])
    assert catalogue.page_paths(forth) == catalogue.page_paths(back)
    for path in catalogue.page_paths(forth):
        assert rendered(forth, path) == rendered(back, path), path


def test_a_version_alone_changes_no_byte() -> None:
    old = InMemoryContent([a_tool(version=1)], [DEVELOPER_TOOLS], PANEL)
    new = InMemoryContent([a_tool(version=99)], [DEVELOPER_TOOLS], PANEL)
    for path in catalogue.page_paths(old):
        assert rendered(old, path) == rendered(new, path), path


def test_pairs_are_stored_within_a_category_alone() -> None:
    paths = catalogue.page_paths(sample_content())
    assert COMPARISON in paths
    assert "/compare/plainly-vs-smolvlm-2-5/" not in paths
    assert catalogue.render(sample_content(), "/compare/plainly-vs-smolvlm-2-5/", SITE) is None
    across = tool_pages.render_pair(sample_content(), SITE, "smolvlm-2-5", "plainly")
    assert across is not None
    assert "Two tools from Writing and Developer Tools" in Reader(across).text


@pytest.mark.parametrize(
    "path",
    [
        "/compare/smolvlm-2-5-vs-claude-4-api/",
        "/compare/claude-4-api-vs-claude-4-api/",
        "/compare/claude-4-api-vs-longgone/",
        "/compare/claude-4-api-vs-patchwork-vs-smolvlm-2-5/",
        "/compare/claude-4-api-vs-unheard-of/",
        "/tools/longgone/",
        "/tools/unheard-of/",
        "/tools/smolvlm-2-5",
        "/tools//",
        "/categories/unheard-of/",
        "/reviewers/unheard-of/",
        "/nowhere/",
        "",
    ],
)
def test_other_paths_have_no_bytes(path: str) -> None:
    assert catalogue.render(sample_content(), path, SITE) is None


def reached(content: SiteContent, slug: str) -> set[str]:
    """All pages that are looked at when a tool changes."""
    tool = content.tool(slug)
    assert tool
    category = dependencies.paths_in_category(tool.category.slug)
    return {
        *dependencies.paths_about_tool(content, slug),
        *category,
        *dependencies.paths_of_any_tool(content),
    }


def test_a_change_of_a_tool_reaches_every_page_that_shows_it() -> None:
    before = sample_content()
    for slug in ("smolvlm-2-5", "patchwork", "plainly"):
        changed = [
            a_tool(
                tool.tool,
                "Renamed & Revoted",
                *tool.panel.reviews,
                category=Category(tool.category.slug, tool.category.name, "", 1),
                votes=(900, 1),
            )
            if tool.tool == slug
            else tool
            for tool in before.tools()
        ]
        after = InMemoryContent(
            [*changed, *before.retired()], before.categories(), before.reviewers()
        )
        moved = {
            path
            for path in catalogue.page_paths(before)
            if catalogue.render(before, path, SITE) != catalogue.render(after, path, SITE)
        }
        assert moved
        assert moved <= reached(after, slug), slug


def test_a_retirement_reaches_every_page_that_showed_the_tool() -> None:
    before = sample_content()
    others = [tool for tool in before.tools() if tool.tool != "patchwork"]
    after = InMemoryContent(
        [*others, a_tool("patchwork", "Patchwork", a_review(BUILDER), retired="Gone.")],
        before.categories(),
        before.reviewers(),
    )
    gone = set(catalogue.page_paths(before)) - set(catalogue.page_paths(after))
    left = ("/compare/claude-4-api-vs-patchwork/", "/compare/patchwork-vs-smolvlm-2-5/")
    assert gone == {
        f"{page}{beside}"
        for page in ("/tools/patchwork/", *left)
        for beside in ("", "index.json", "index.md", "feed.xml")
        if page not in left or beside != "feed.xml"
    }
    assert gone <= reached(after, "patchwork")
    assert all(catalogue.render(after, path, SITE) is None for path in gone)


def test_a_renamed_category_or_reviewer_reaches_every_page_that_names_it() -> None:
    before = sample_content()
    renamed = [
        Category(c.category, c.name + "!", c.description, 2) if c.category == "writing" else c
        for c in before.categories()
    ]
    after = InMemoryContent(
        [*before.tools(), *before.retired()],
        renamed,
        [Reviewer("skeptic", "Sceptic", "New motto.", 0, 2), *(m for m in PANEL if m != SKEPTIC)],
    )
    moved = {
        path
        for path in catalogue.page_paths(before)
        if catalogue.render(before, path, SITE) != catalogue.render(after, path, SITE)
    }
    reached = {*dependencies.paths_of_category(after, "writing")}
    reached |= set(dependencies.paths_of_reviewer(after, "skeptic"))
    assert moved
    assert moved <= reached


def test_an_undefined_category_has_a_page_under_its_slug() -> None:
    content = InMemoryContent([a_tool(category=Category("new-category", "new-category", "", 0))])
    assert "new-category" in Reader(rendered(content, "/categories/new-category/")).text


def test_an_empty_site_has_its_pages() -> None:
    content = InMemoryContent()
    assert "No tools are listed yet." in Reader(rendered(content, "/")).text
    for path in catalogue.page_paths(content):
        rendered(content, path)


def test_two_tools_are_chosen_by_a_plain_form() -> None:
    for path in ("/", "/tools/smolvlm-2-5/", "/categories/writing/"):
        reader = Reader(rendered(sample_content(), path))
        assert {"action": "/compare/", "method": "get"} in reader.all("form")
        fields = [*reader.all("select"), *reader.all("input")]
        assert {"a", "b"} <= {field.get("name") for field in fields}


def test_votes_and_bookmarks_are_plain_forms() -> None:
    reader = Reader(rendered(sample_content(), "/tools/smolvlm-2-5/"))
    posting = [form["action"] for form in reader.all("form") if form["method"] == "post"]
    assert posting == ["/vote", "/bookmark", "/subscribe"]
    buttons = [(b["name"], b["value"]) for b in reader.all("button") if "value" in b]
    assert buttons == [
        ("choice", "ship"),
        ("choice", "skip"),
        ("choice", "none"),
        ("saved", "1"),
    ]


def test_a_retired_tool_says_why() -> None:
    content = sample_content()
    text = Reader(pages_on_request.render_retired(content, SITE, content.retired())).text
    assert "Longgone was retired: Its maker closed it." in text


READ = [path for path in catalogue.page_paths(content_with_digests()) if path.endswith("/")]


@pytest.mark.parametrize("path", READ)
def test_a_term_precedes_its_definition(path: str) -> None:
    """HTML knows no other order, so what reads best the other way round is no list of terms."""
    tags = [tag for tag, _ in Reader(rendered(content_with_digests(), path)).elements]
    groups = re.findall(r"\b(?:dt |dd )+", " ".join(tags) + " ")
    assert all(re.fullmatch("(?:(?:dt )+(?:dd )+)+", group) for group in groups)


def test_pages_have_the_hooks_of_the_script() -> None:
    script = next(text for path, text in assets.assets().items() if path.endswith(".js")).decode()
    hooks = set(re.findall(r"\[(data-[a-z-]+)[\]=]", script))
    assert {"data-tool", "data-community-ship", "data-drawer"} <= hooks
    page = rendered(sample_content(), COMPARISON).decode()
    # Of the page of a sign-in link alone.
    assert {hook for hook in hooks if f" {hook}" not in page} == {"data-press"}


@pytest.mark.parametrize("path", READ)
def test_every_pill_says_whose_verdict_it_shows(path: str) -> None:
    """Except in tables, which say it in their caption, and after the arrow of a change."""
    page = rendered(content_with_digests(), path).decode()
    for pill in re.finditer(r'<span class="verdict [a-z]+">(.*)', page):
        if not re.search(r"<td>$|then</span> $", page[: pill.start()]):
            assert re.match(r'<span class="voice">(Panel|Community):</span> ', pill[1]), pill[0]


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999999Z",
        "2016-12-31T23:59:60Z",
        "9999-12-19T23:59:59.999999Z",
    ],
)
def test_a_time_at_an_edge_is_shown_on_every_page_and_in_every_feed(text: str) -> None:
    micros = instants.parse(text)
    time, week = instants.to_datetime(micros), weeks.week_of(micros)
    end = instants.to_datetime(weeks.span(week)[1])
    tool = a_tool("edge", "Edge", a_review(time=time), listed=time)
    history = History(
        [PanelPoint(time, "ship", 1, 0, 100, 80.0)],
        [CommunityPoint(week, end, Community.of(1, 0), 0)],
    )
    for others in ((), (smolvlm(), claude())):
        content = InMemoryContent(
            [tool, *others], [DEVELOPER_TOOLS], PANEL, [a_digest(week)], {"edge": history}
        )
        paths = catalogue.page_paths(content)
        assert f"/digests/{week.lower()}/" in {path.lower() for path in paths}
        for path in paths:
            rendered(content, path)
        assert instants.rfc3339(micros)[:19] in rendered(content, "/tools/edge/").decode()


def test_a_comparison_leads_on() -> None:
    plain = sample_content()
    content = InMemoryContent(
        plain.tools(),
        plain.categories(),
        plain.reviewers(),
        histories={tool.tool: a_history() for tool in plain.tools()},
    )
    reader = Reader(rendered(content, COMPARISON))
    targets = [link["href"] for link in reader.all("a")]
    for target in (
        "/tools/smolvlm-2-5/#history-title",
        "/tools/claude-4-api/#pairs-title",
        "/categories/developer-tools/rankings/",
        f"{SITE}{COMPARISON}",
    ):
        assert target in targets, target
    maker = next(link for link in reader.all("a") if link["href"] == "https://example.com/claude")
    assert maker["rel"] == "noopener nofollow"
    assert "Which one should you ship with?" in reader.text
    assert "Panel verdict last changed on" in reader.text
    assert "Show differences only" in reader.text


@pytest.mark.parametrize("path", ["/tools/", "/categories/", "/reviewers/"])
def test_an_index_links_to_all_of_its_kind(path: str) -> None:
    content = sample_content()
    targets = {link["href"] for link in Reader(rendered(content, path)).all("a")}
    inside = {each for each in catalogue.page_paths(content) if each.endswith("/")}
    assert {each for each in inside if each.startswith(path)} <= targets
    navigation = {"/categories/", "/digests/", "/tools/", "/reviewers/", "/bookmarks/"}
    assert navigation <= targets
    assert f"<loc>{SITE}{path}</loc>" in rendered(content, "/sitemap.xml").decode()


def test_the_page_about_promises_no_more_than_the_system_keeps() -> None:
    text = " ".join(Reader(rendered(sample_content(), "/about/")).text.split())
    assert "keeps what you change or take back" in text
    assert "until 400 days after your last vote or bookmark" in text
    assert "logs the network of a request that it refuses" in text
    assert "no tracking" not in text


def test_a_former_reviewers_review_stays_and_says_that_it_does_not_count() -> None:
    former = msgspec.structs.replace(a_review(), former=True)
    content = InMemoryContent([a_tool("ada", "Ada", former)], [DEVELOPER_TOOLS], PANEL)
    for path in ("/tools/ada/", "/tools/ada/index.md"):
        page = rendered(content, path).decode()
        assert "By a former reviewer; not counted" in page
    assert "By a former reviewer" not in rendered(sample_content(), COMPARISON).decode()
