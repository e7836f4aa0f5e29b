"""Which pages exist, and how a path is read and rendered.

A page is named by its path (`/tools/smolvlm-2-5/`). Its bytes depend on the site content and the
public address alone: no clock, no randomness, no version, nothing about the visitor.
"""

import re
from collections.abc import Callable

from publishers.content.site_content import SiteContent
from publishers.pages import alternates, atom_feeds, machine_readable, sitemap
from publishers.pages.html import lists, pages_on_request, tools
from publishers.pages.pictures import icons, social_card
from publishers.templating import assets
from publishers.views.comparisons.multi_comparison import MAX_TOOLS
from publishers.views.lists.paging import Query
from publishers.views.paths import (
    categories_path,
    digests_path,
    feed_path,
    reviewers_path,
    tools_path,
)
from schemas.fields import WEEK_PATTERN

HOME, ABOUT, SITEMAP, ROBOTS, FEED = "/", "/about/", "/sitemap.xml", "/robots.txt", "/feed.xml"
OVERVIEW, SEARCH_INDEX = "/llms.txt", "/search.json"
NOT_FOUND = "/404.html"
"""Stored too, for other web servers that are configured to show it."""


def page_paths(content: SiteContent) -> list[str]:
    """Every stored page, in a fixed order."""
    for_people = [path for path, _ in sitemap.entries(content)]
    return [
        *for_people,
        *(path for page in for_people for path in alternates_of(page)),
        *(SITEMAP, *sitemap.part_paths(len(for_people))),
        *(ROBOTS, FEED, OVERVIEW, SEARCH_INDEX, NOT_FOUND, *icons.PATHS),
        *assets.assets(),
        *assets.compressed_assets(),
    ]


def is_stored(content: SiteContent, path: str) -> bool:
    """Whether a page of this path has a file, if there is such a page."""
    slugs = subject_slugs(path)
    if path.endswith(f"/{social_card.NAME}"):
        return False
    return len(slugs) < 2 or slugs[1] in content.rivals(slugs[0])


def render(content: SiteContent, path: str, public_url: str) -> bytes | None:
    """The bytes of a page, stored or not; None if there is no such page now."""
    if path.startswith("/static/"):
        return assets.assets().get(path) or assets.compressed_assets().get(path)
    for pattern, renderer in _RENDERERS:
        if match := pattern.fullmatch(path):
            return renderer(content, public_url, *match.groups())
    return None


def is_list(path: str) -> bool:
    """Whether a page lists so much that a query sorts, filters or pages it."""
    return any(pattern.fullmatch(path) for pattern, _ in _LISTS)


def render_list(content: SiteContent, path: str, public_url: str, query: Query) -> bytes | None:
    """The bytes of a list as a query asks; None if there is no such page now."""
    for pattern, renderer in _LISTS:
        if match := pattern.fullmatch(path):
            return renderer(content, public_url, *match.groups(), query)
    return None


def alternates_of(path: str) -> list[str]:
    """The stored files for machines that a page links to."""
    kind = path.split("/")[1]
    if path == digests_path():
        return [feed_path(path)]
    if path in (tools_path(), categories_path(), reviewers_path()):
        return []
    if kind == "tools":
        return [path + alternates.JSON, path + alternates.MARKDOWN, feed_path(path)]
    if kind == "compare":
        return [path + alternates.JSON, path + alternates.MARKDOWN]
    return [feed_path(path)] if kind == "categories" and not path.endswith("/rankings/") else []


def compared_slugs(path: str) -> list[str]:
    """The slugs in the path of a comparison of two to four tools, in the order of the path."""
    match = _SIDE_BY_SIDE.fullmatch(path)
    # No slug holds the word `vs`, so a path can be split in one way only.
    slugs = match[1].split("-vs-") if match else []
    return slugs if 2 <= len(slugs) <= MAX_TOOLS and all(map(is_slug, slugs)) else []


def is_slug(text: str) -> bool:
    """Whether this can be a tool's slug in a path."""
    return re.fullmatch(_SLUG, text) is not None and "vs" not in text.split("-")


def subject_slugs(path: str) -> list[str]:
    """The slugs of the tools that a page, an alternate or a feed with this path is about."""
    match = _ABOUT_TOOLS.fullmatch(path)
    return match[1].split("-vs-") if match else []


def subject_category(path: str) -> str | None:
    """The slug of the category that a page, an alternate or a feed with this path is about."""
    match = _ABOUT_CATEGORY.fullmatch(path)
    return match[1] if match else None


def category_of(path: str) -> str | None:
    """The slug of the category that a page sums up; None for every other page."""
    match = _OF_CATEGORY.fullmatch(path)
    return match[1] if match else None


def shows_votes(path: str) -> bool:
    """Whether votes change this page at once: people read it, or it is about certain tools."""
    return bool(subject_slugs(path)) or (is_for_people(path) and is_page(path))


def is_page(path: str) -> bool:
    """Whether a page can have this path, whatever the content is."""
    return any(pattern.fullmatch(path) for pattern, _ in _RENDERERS) or bool(compared_slugs(path))


def is_for_people(path: str) -> bool:
    """Whether people read this page, not only machines."""
    return path.endswith("/")


def is_for_programs(path: str) -> bool:
    """Whether this is the path of a feed or an alternate, which programs of other sites read."""
    return path.endswith((FEED, f"/{alternates.JSON}", f"/{alternates.MARKDOWN}"))


def _exactly(path: str) -> re.Pattern[str]:
    return re.compile(re.escape(path))


def _not_found(content: SiteContent, public_url: str) -> bytes:
    return pages_on_request.render_not_found(public_url, demo=content.is_demo())


_SLUG = "([a-z0-9]+(?:-[a-z0-9]+)*)"
_WEEK = WEEK_PATTERN.removeprefix("^").removesuffix(r"\Z")
_ALTERNATE = f"({re.escape(alternates.JSON)}|{re.escape(alternates.MARKDOWN)})"
_SIDE_BY_SIDE = re.compile(f"/compare/{_SLUG}/")
_ABOUT_TOOLS = re.compile(
    f"/(?:tools|compare)/{_SLUG}/(?:{_ALTERNATE}|feed.xml|{re.escape(social_card.NAME)})?"
)
_ABOUT_CATEGORY = re.compile(f"/categories/{_SLUG}/.*")
_OF_CATEGORY = re.compile(f"/categories/{_SLUG}/(?:rankings/)?")

_RENDERERS: list[tuple[re.Pattern[str], Callable[..., bytes | None]]] = [
    (_exactly(HOME), lists.render_home),
    (_exactly(tools_path()), lists.render_tools),
    (_exactly(categories_path()), lists.render_categories),
    (_exactly(reviewers_path()), lists.render_reviewers),
    (re.compile(f"/tools/{_SLUG}/"), tools.render_tool),
    (re.compile(f"/compare/{_SLUG}-vs-{_SLUG}/"), tools.render_pair_of_category),
    (re.compile(f"/tools/{_SLUG}/{_ALTERNATE}"), machine_readable.render_tool_alternate),
    (
        re.compile(f"/compare/{_SLUG}-vs-{_SLUG}/{_ALTERNATE}"),
        machine_readable.render_pair_alternate,
    ),
    (re.compile(f"/categories/{_SLUG}/"), lists.render_category),
    (re.compile(f"/categories/{_SLUG}/rankings/"), lists.render_rankings),
    (re.compile(f"/reviewers/{_SLUG}/"), lists.render_reviewer),
    (re.compile(f"/tools/{_SLUG}/feed.xml"), atom_feeds.render_tool_feed),
    (re.compile(f"/categories/{_SLUG}/feed.xml"), atom_feeds.render_category_feed),
    (_exactly(digests_path()), lists.render_digests),
    (re.compile(f"{digests_path()}({_WEEK})/"), lists.render_digest),
    (_exactly(feed_path(digests_path())), atom_feeds.render_digests_feed),
    (_exactly(ABOUT), lists.render_about),
    (_exactly(SITEMAP), machine_readable.render_sitemap),
    (re.compile(r"/sitemap-([1-9][0-9]{0,5})\.xml"), machine_readable.render_sitemap_part),
    (re.compile(f"/tools/{_SLUG}/{re.escape(social_card.NAME)}"), social_card.render_tool_card),
    (
        re.compile(f"/compare/{_SLUG}-vs-{_SLUG}/{re.escape(social_card.NAME)}"),
        social_card.render_pair_card,
    ),
    (_exactly(icons.FAVICON), icons.render_favicon),
    (_exactly(icons.TOUCH_ICON), icons.render_touch_icon),
    (_exactly(icons.MANIFEST), icons.render_manifest),
    (_exactly(ROBOTS), machine_readable.render_robots),
    (_exactly(FEED), atom_feeds.render_site_feed),
    (_exactly(OVERVIEW), machine_readable.render_overview),
    (_exactly(SEARCH_INDEX), machine_readable.render_search_index),
    (_exactly(NOT_FOUND), _not_found),
]
_LISTS = [
    each
    for each in _RENDERERS
    if each[1]
    in (
        lists.render_tools,
        lists.render_categories,
        lists.render_reviewers,
        lists.render_category,
        lists.render_reviewer,
    )
]
