"""Which pages there are, which of them show a record, and the bytes of each.

A page is named by its path (`/tools/smolvlm-2-5/`). Its bytes depend on the library and the site's
public address alone: no clock, no chance, no version, nothing of who asks.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations

from publishers import assets
from publishers.library import Library
from publishers.templating import Meta, page
from publishers.views.cards import card
from publishers.views.category import category_page
from publishers.views.comparison import comparison
from publishers.views.feed import feed
from publishers.views.home import home, members
from publishers.views.markdown import to_plain
from publishers.views.paths import category_path, comparison_path, reviewer_path, tool_path
from publishers.views.reviewer import reviewer_page
from publishers.views.texts import count
from publishers.views.tool import tool_page
from schemas.records import Tool

HOME, ABOUT, SITEMAP, ROBOTS, FEED = "/", "/about/", "/sitemap.xml", "/robots.txt", "/feed.xml"
NOT_FOUND = "/404.html"
"""Stored too, for web servers that are told to show it."""


def page_paths(library: Library) -> list[str]:
    """Every stored page, in one order."""
    return [
        *_reading_paths(library),
        *(SITEMAP, ROBOTS, FEED, NOT_FOUND),
        *assets.assets(),
    ]


def paths_of_tool(library: Library, slug: str, former_category: str | None = None) -> list[str]:
    """Every stored page that shows something of this tool, or did so until now.

    Those that show most of it come first. For a tool that moved between categories, name the
    former one too: what it shared with the tools there has to go.
    """
    tool = library.tool(slug)
    if tool is None:
        return [tool_path(slug)]
    shelves = [tool.category.slug, *([former_category] if former_category else [])]
    rivals = [one.tool for shelf in shelves for one in library.tools_in(shelf) if one.tool != slug]
    return _unique(
        [
            tool_path(slug),
            *(comparison_path(slug, rival) for rival in rivals),
            *(category_path(shelf) for shelf in shelves),
            HOME,
            *(reviewer_path(review.reviewer) for review in tool.panel.reviews),
            *(tool_path(rival) for rival in rivals),
            *(FEED, SITEMAP),
        ]
    )


def paths_of_category(library: Library, slug: str) -> list[str]:
    """Every stored page that shows something of this category."""
    tools = [tool.tool for tool in library.tools_in(slug)]
    pairs = (comparison_path(one, other) for one, other in combinations(tools, 2))
    return [category_path(slug), HOME, *map(tool_path, tools), *pairs, SITEMAP]


def paths_of_reviewer(library: Library, slug: str) -> list[str]:
    """Every stored page that shows something of this reviewer."""
    tools = [authored.tool for authored in library.reviews_by(slug)]
    reviewed = [path for tool in tools for path in paths_of_tool(library, tool)]
    return _unique([reviewer_path(slug), ABOUT, HOME, *reviewed, SITEMAP])


def render(library: Library, path: str, public_url: str) -> bytes | None:
    """The bytes of a stored page; None when there is no such page now, so that its file must go."""
    if path in assets.assets():
        return assets.assets()[path]
    for pattern, renderer in _RENDERERS:
        if found := pattern.fullmatch(path):
            return renderer(library, public_url, *found.groups())
    return None


def render_comparison(library: Library, public_url: str, one: str, other: str) -> bytes | None:
    """The comparison of any two tools on the site, whether of one category or not."""
    tools = [library.tool(slug) for slug in sorted({one, other})]
    shown = [tool for tool in tools if tool is not None and tool.retired is None]
    if len(shown) != len({one, other}) or one == other:
        return None
    view = comparison(shown[0], shown[1], library.reviewers())
    meta = Meta(view.title, str(view.answer), comparison_path(one, other), "article")
    return page("comparison.html", public_url, meta, view)


def pair_of(path: str) -> tuple[str, str] | None:
    """The two slugs of a comparison's path, in the order in which they stand there."""
    # No slug holds the word `vs`, so there is one way to read a path.
    found = _COMPARISON.fullmatch(path)
    if found is None or "vs" in f"{found[1]}-{found[2]}".split("-"):
        return None
    return found[1], found[2]


def tool_of(path: str) -> str | None:
    """The slug in the path of a tool's page."""
    found = _TOOL.fullmatch(path)
    return found[1] if found else None


def is_page(path: str) -> bool:
    """Whether a page could stand at this path, whatever the library holds."""
    return any(pattern.fullmatch(path) for pattern, _ in _RENDERERS)


def _stored_comparison(library: Library, public_url: str, one: str, other: str) -> bytes | None:
    if one >= other or "vs" in f"{one}-{other}".split("-"):
        return None
    shelves = {tool.category.slug for slug in (one, other) if (tool := library.tool(slug))}
    # Across categories there are too many pairs to store, so those are made when asked for.
    return render_comparison(library, public_url, one, other) if len(shelves) == 1 else None


def _home(library: Library, public_url: str) -> bytes:
    view = home(library.tools(), library.categories(), library.reviewers())
    description = (
        "Two AI tools side by side: what a panel of reviewers and the community of those who use "
        "them would ship, and why."
    )
    return page(
        "home.html", public_url, Meta("Which AI tool should you ship?", description, HOME), view
    )


def _tool(library: Library, public_url: str, slug: str) -> bytes | None:
    tool = library.tool(slug)
    if tool is None or tool.retired is not None:
        return None
    view = tool_page(tool, library.tools_in(tool.category.slug), library.reviewers())
    description = f"{tool.tagline} {view.summary}"
    meta = Meta(f"{tool.name}: ship or skip?", description, tool_path(slug), "article")
    return page("tool.html", public_url, meta, view)


def _category(library: Library, public_url: str, slug: str) -> bytes | None:
    category = library.category(slug)
    if category is None:
        return None
    tools = library.tools_in(slug)
    view = category_page(category, tools)
    description = f"{count(len(tools), 'tool')} compared. {to_plain(category.description)}"
    meta = Meta(f"{category.name}: which to ship?", description, category_path(slug))
    return page("category.html", public_url, meta, view)


def _reviewer(library: Library, public_url: str, slug: str) -> bytes | None:
    reviewer = library.reviewer(slug)
    if reviewer is None:
        return None
    view = reviewer_page(reviewer, library.reviews_by(slug))
    description = f"{reviewer.motto} {count(len(view.entries), 'review')} of AI tools."
    meta = Meta(f"Reviews by {reviewer.name}", description, reviewer_path(slug), "profile")
    return page("reviewer.html", public_url, meta, view)


def _about(library: Library, public_url: str) -> bytes:
    meta = Meta("How verdicts arise", "What is counted here, by whom, and what it means.", ABOUT)
    return page("about.html", public_url, meta, members(library.reviewers()))


def _not_found(_: Library, public_url: str) -> bytes:
    return not_found(public_url)


def _sitemap(library: Library, public_url: str) -> bytes:
    return page("sitemap.xml", public_url, Meta("", "", SITEMAP), _reading_paths(library))


def _robots(_: Library, public_url: str) -> bytes:
    return page("robots.txt", public_url, Meta("", "", ROBOTS))


def _feed(library: Library, public_url: str) -> bytes:
    return page("feed.xml", public_url, Meta("Verdicts", "", FEED), feed(library.tools()))


def not_found(public_url: str) -> bytes:
    """The page for an address that nothing has."""
    return page("404.html", public_url, Meta("Not found", "There is no such page.", ""))


def trouble(public_url: str) -> bytes:
    """The page for when the site itself is at fault."""
    return page("trouble.html", public_url, Meta("Out of order", "Please try again.", ""))


def gone(public_url: str, retired: list[Tool]) -> bytes:
    """The page that stands in for these retired tools, or for a comparison with them."""
    names = " and ".join(tool.name for tool in retired)
    meta = Meta(f"{names} is no longer listed", "This page has been retired.", "")
    return page("410.html", public_url, meta, retired)


def bookmarks(public_url: str, saved: Iterable[Tool]) -> bytes:
    """One visitor's bookmarks; never stored."""
    meta = Meta("Bookmarks", "The tools that you saved.", "")
    return page("bookmarks.html", public_url, meta, [card(tool) for tool in saved])


def _reading_paths(library: Library) -> Iterator[str]:
    """What a person would read, and so what the sitemap lists."""
    yield from (HOME, ABOUT)
    for category in library.categories():
        yield category_path(category.category)
    for reviewer in library.reviewers():
        yield reviewer_path(reviewer.reviewer)
    for tool in library.tools():
        yield tool_path(tool.tool)
    for category in library.categories():
        held = [tool.tool for tool in library.tools_in(category.category)]
        yield from (comparison_path(one, other) for one, other in combinations(held, 2))


def _unique(paths: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(paths))


_SLUG = "([a-z0-9]+(?:-[a-z0-9]+)*)"
_COMPARISON = re.compile(f"/compare/{_SLUG}-vs-{_SLUG}/")
_TOOL = re.compile(f"/tools/{_SLUG}/")

_RENDERERS: list[tuple[re.Pattern[str], Callable[..., bytes | None]]] = [
    (re.compile(HOME), _home),
    (_TOOL, _tool),
    (_COMPARISON, _stored_comparison),
    (re.compile(f"/categories/{_SLUG}/"), _category),
    (re.compile(f"/reviewers/{_SLUG}/"), _reviewer),
    (re.compile(ABOUT), _about),
    (re.compile(re.escape(SITEMAP)), _sitemap),
    (re.compile(re.escape(ROBOTS)), _robots),
    (re.compile(re.escape(FEED)), _feed),
    (re.compile(re.escape(NOT_FOUND)), _not_found),
]
