"""Which pages there are, which of them show a record, and the bytes of each.

A page is named by its path (`/tools/smolvlm-2-5/`). Its bytes depend on the library and the site's
public address alone: no clock, no chance, no version, nothing of who asks.
"""

import re
from collections.abc import Callable, Iterable, Sequence

from publishers.content.site_content import SiteContent
from publishers.pages import alternates, html, machine_readable, sitemap
from publishers.templating import assets
from publishers.templating.environment import Meta, page
from publishers.views.comparisons.multi_comparison import MOST_BESIDE
from publishers.views.lists.search import search
from publishers.views.paths import (
    category_path,
    comparison_path,
    digest_path,
    digests_path,
    feed_path,
    rankings_path,
    reviewer_path,
    tool_path,
)
from publishers.views.tools.cards import card
from schemas.fields import WEEK_PATTERN
from schemas.records import Tool

HOME, ABOUT, SITEMAP, ROBOTS, FEED = "/", "/about/", "/sitemap.xml", "/robots.txt", "/feed.xml"
OVERVIEW, SEARCH_INDEX = "/llms.txt", "/search.json"
NOT_FOUND = "/404.html"
"""Stored too, for web servers that are told to show it."""


def page_paths(library: SiteContent) -> list[str]:
    """Every stored page, in one order."""
    read = [path for path, _ in sitemap.entries(library)]
    return [
        *read,
        *(path for one in read for path in alternates_of(one)),
        *(SITEMAP, ROBOTS, FEED, OVERVIEW, SEARCH_INDEX, NOT_FOUND),
        *assets.assets(),
        *assets.packed(),
    ]


def paths_about_tool(library: SiteContent, slug: str) -> list[str]:
    """The stored pages that are about this tool: its own and its comparisons, with all beside them.

    Those that people read come first.
    """
    read = [tool_path(slug)]
    if tool := library.tool(slug):
        shelf = library.tools_in(tool.category.slug)
        read += [comparison_path(slug, one.tool) for one in shelf if one.tool != slug]
    return [*read, *(path for one in read for path in alternates_of(one))]


def paths_of_any_tool(library: SiteContent) -> list[str]:
    """The stored pages that may show something of any tool, whatever its category is."""
    return [
        HOME,
        # Whoever took a review back is no longer among the tool's reviewers.
        *(reviewer_path(reviewer.reviewer) for reviewer in library.reviewers()),
        # The texts of one may be related to those of another.
        *(tool_path(tool.tool) for tool in library.tools()),
        *(FEED, SITEMAP, OVERVIEW, SEARCH_INDEX),
    ]


def paths_in_category(category: str) -> list[str]:
    """The stored pages that sum up the tools of a category."""
    path = category_path(category)
    return [path, rankings_path(category), feed_path(path)]


def summaries_of_tool(library: SiteContent, slug: str) -> list[str]:
    """The stored pages on which a tool's votes and bookmarks count among those of others."""
    tool = library.tool(slug)
    if tool is None:
        return []
    shelf = tool.category.slug
    rivals = [one.tool for one in library.tools_in(shelf) if one.tool != slug]
    return [HOME, category_path(shelf), rankings_path(shelf), *map(tool_path, rivals)]


def paths_of_category(library: SiteContent, slug: str) -> list[str]:
    """Every stored page that shows something of this category."""
    about = _about_tools(library, (tool.tool for tool in library.tools_in(slug)))
    return [*paths_in_category(slug), *about, *paths_of_any_tool(library)]


def paths_of_reviewer(library: SiteContent, slug: str) -> list[str]:
    """Every stored page that shows something of this reviewer."""
    about = _about_tools(library, (authored.tool for authored in library.reviews_by(slug)))
    shelves = (path for one in library.categories() for path in paths_in_category(one.category))
    return [reviewer_path(slug), ABOUT, *about, *shelves, *paths_of_any_tool(library)]


def paths_of_weeks(weeks: Iterable[str]) -> list[str]:
    """Every stored page that shows the digests of these weeks, but for links to the newest one."""
    return [*map(digest_path, weeks), digests_path(), feed_path(digests_path())]


def render(library: SiteContent, path: str, public_url: str) -> bytes | None:
    """The bytes of a stored page; None when there is no such page now, so that its file must go."""
    if path.startswith("/static/"):
        return assets.assets().get(path) or assets.packed().get(path)
    for pattern, renderer in _RENDERERS:
        if found := pattern.fullmatch(path):
            return renderer(library, public_url, *found.groups())
    return None


def compared(path: str) -> list[str]:
    """The slugs in the path of a page that sets two to four tools side by side, as they stand."""
    found = _SIDE_BY_SIDE.fullmatch(path)
    # No slug holds the word `vs`, so there is one way to read a path.
    slugs = found[1].split("-vs-") if found else []
    return slugs if 2 <= len(slugs) <= MOST_BESIDE and all(map(is_slug, slugs)) else []


def is_slug(text: str) -> bool:
    """Whether a tool could be called so in a path."""
    return re.fullmatch(_SLUG, text) is not None and "vs" not in text.split("-")


def subjects(path: str) -> list[str]:
    """The slugs of the tools that a page, a twin or a feed at this path would be about."""
    found = _ABOUT_TOOLS.fullmatch(path)
    return found[1].split("-vs-") if found else []


def is_page(path: str) -> bool:
    """Whether a page could stand at this path, whatever the library holds."""
    return any(pattern.fullmatch(path) for pattern, _ in _RENDERERS) or bool(compared(path))


def is_read(path: str) -> bool:
    """Whether people read what stands at this path, and not machines alone."""
    return path.endswith("/")


def not_found(public_url: str) -> bytes:
    """The page for an address that nothing has."""
    return page("404.html", public_url, Meta("Not found", "There is no such page.", ""))


def unavailable(public_url: str) -> bytes:
    """The page for when the site itself is at fault."""
    return page("trouble.html", public_url, Meta("Out of order", "Please try again.", ""))


def retired(public_url: str, retired: list[Tool]) -> bytes:
    """The page that stands in for these retired tools, or for a comparison with them."""
    names = " and ".join(tool.name for tool in retired)
    meta = Meta(f"{names} is no longer listed", "This page has been retired.", "")
    return page("410.html", public_url, meta, retired)


def search_page(
    library: SiteContent, public_url: str, query: str, beside: Sequence[str] = ()
) -> bytes:
    """What a query finds; with tools given, what could stand beside them. Never stored."""
    known = [tool for slug in beside if (tool := html.on_site(library, slug))]
    view = search(query, library.tools(), known[: MOST_BESIDE - 1])
    title = f"Search: {view.query}" if view.query else "Search"
    return page("search.html", public_url, Meta(title, "Search for tools.", ""), view)


def bookmarks(public_url: str, saved: Iterable[Tool]) -> bytes:
    """One visitor's bookmarks; never stored."""
    meta = Meta("Bookmarks", "The tools that you saved.", "")
    return page("bookmarks.html", public_url, meta, [card(tool) for tool in saved])


def _about_tools(library: SiteContent, slugs: Iterable[str]) -> list[str]:
    return _unique(path for slug in slugs for path in paths_about_tool(library, slug))


def alternates_of(path: str) -> list[str]:
    """The stored files that a machine finds beside a page."""
    kind = path.split("/")[1]
    if path == digests_path():
        return [feed_path(path)]
    if kind == "tools":
        return [path + alternates.JSON, path + alternates.MARKDOWN, feed_path(path)]
    if kind == "compare":
        return [path + alternates.JSON, path + alternates.MARKDOWN]
    return [feed_path(path)] if kind == "categories" and not path.endswith("/rankings/") else []


def _unique(paths: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(paths))


def _exactly(path: str) -> re.Pattern[str]:
    return re.compile(re.escape(path))


_SLUG = "([a-z0-9]+(?:-[a-z0-9]+)*)"
_WEEK = WEEK_PATTERN.removeprefix("^").removesuffix(r"\Z")
_TWIN = f"({re.escape(alternates.JSON)}|{re.escape(alternates.MARKDOWN)})"
_COMPARISON = re.compile(f"/compare/{_SLUG}-vs-{_SLUG}/")
_SIDE_BY_SIDE = re.compile(f"/compare/{_SLUG}/")
_TOOL = re.compile(f"/tools/{_SLUG}/")
_ABOUT_TOOLS = re.compile(f"/(?:tools|compare)/{_SLUG}/(?:{_TWIN}|feed.xml)?")

_RENDERERS: list[tuple[re.Pattern[str], Callable[..., bytes | None]]] = [
    (_exactly(HOME), html.home_page),
    (_TOOL, html.tool),
    (_COMPARISON, html.stored_comparison),
    (re.compile(f"/tools/{_SLUG}/{_TWIN}"), machine_readable.tool_alternate),
    (re.compile(f"/compare/{_SLUG}-vs-{_SLUG}/{_TWIN}"), machine_readable.comparison_alternate),
    (re.compile(f"/categories/{_SLUG}/"), html.category),
    (re.compile(f"/categories/{_SLUG}/rankings/"), html.category_rankings),
    (re.compile(f"/reviewers/{_SLUG}/"), html.reviewer),
    (re.compile(f"/tools/{_SLUG}/feed.xml"), machine_readable.tool_feed),
    (re.compile(f"/categories/{_SLUG}/feed.xml"), machine_readable.category_feed),
    (_exactly(digests_path()), html.digests),
    (re.compile(f"{digests_path()}({_WEEK})/"), html.digest),
    (_exactly(feed_path(digests_path())), machine_readable.digests_feed),
    (_exactly(ABOUT), html.about),
    (_exactly(SITEMAP), machine_readable.site_map),
    (_exactly(ROBOTS), machine_readable.robots),
    (_exactly(FEED), machine_readable.everything_new),
    (_exactly(OVERVIEW), machine_readable.for_language_models),
    (_exactly(SEARCH_INDEX), machine_readable.search_index),
    (_exactly(NOT_FOUND), html.not_found),
]
