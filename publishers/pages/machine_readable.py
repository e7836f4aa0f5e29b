"""Files for machines: alternates, feeds, sitemap, overview, search index.

Every function returns the bytes of a file, or None if there is no such file now.
"""

from collections.abc import Iterable

from publishers.content.site_content import SiteContent
from publishers.pages import alternates, sitemap
from publishers.pages.html.tools import is_stored_pair, pair_on_site
from publishers.templating.environment import Meta, page
from publishers.views.feeds.atom import FeedEntry, entries_of, feed
from publishers.views.feeds.digest_feed import digest_entry
from publishers.views.lists.home import home
from publishers.views.lists.search import index
from publishers.views.paths import category_path, digests_path, feed_path, tool_path
from publishers.views.text.formatting import instant
from schemas.records import Tool
from schemas.text.isolation import isolate


def render_tool_alternate(
    content: SiteContent, public_url: str, slug: str, name: str
) -> bytes | None:
    """One tool as JSON or Markdown, by the alternate's file name."""
    tool = content.tool_on_site(slug)
    return alternates.render_tool(tool, name, public_url) if tool else None


def render_pair_alternate(
    content: SiteContent, public_url: str, one: str, other: str, name: str
) -> bytes | None:
    """A stored comparison as JSON or Markdown, by the alternate's file name."""
    tools = pair_on_site(content, one, other) if is_stored_pair(content, one, other) else None
    if tools is None:
        return None
    return alternates.render_pair(*tools, content.reviewers(), name, public_url)


def render_tool_feed(content: SiteContent, public_url: str, slug: str) -> bytes | None:
    """The feed of one tool."""
    tool = content.tool_on_site(slug)
    if tool is None:
        return None
    return _feed(public_url, f"Verdicts: {isolate(tool.name)}", tool_path(slug), entries_of([tool]))


def render_category_feed(content: SiteContent, public_url: str, slug: str) -> bytes | None:
    """The feed of one category."""
    category = content.category(slug)
    if category is None:
        return None
    entries = entries_of([*content.tools_in(slug), *_retired_in(content, slug)])
    return _feed(public_url, f"Verdicts: {isolate(category.name)}", category_path(slug), entries)


def render_site_feed(content: SiteContent, public_url: str) -> bytes:
    """The feed of the whole site."""
    tools = entries_of([*content.tools(), *content.retired()])
    return _feed(public_url, "Verdicts: everything new", "/", [*tools, *_frozen_digests(content)])


def render_digests_feed(content: SiteContent, public_url: str) -> bytes:
    """The feed of the frozen digests alone."""
    entries = _frozen_digests(content)
    return _feed(public_url, "Verdicts: weekly digests", digests_path(), entries)


def render_sitemap(content: SiteContent, public_url: str) -> bytes:
    """All pages for people, with the time of their last change."""
    entries = [(path, instant(at) if at else "") for path, at in sitemap.entries(content)]
    return page("sitemap.xml", public_url, Meta("", "", "/sitemap.xml"), entries)


def render_robots(_: SiteContent, public_url: str) -> bytes:
    """The rules for crawlers."""
    return page("robots.txt", public_url, Meta("", "", "/robots.txt"))


def render_overview(content: SiteContent, public_url: str) -> bytes:
    """The overview for language models, with links to the Markdown alternates."""
    view = home(content.tools(), content.categories(), content.reviewers())
    return page("llms.txt", public_url, Meta("", "", "/llms.txt"), view)


def render_search_index(content: SiteContent, _: str) -> bytes:
    """The data of the search suggestions in `site.js`."""
    return index(content.tools())


def _retired_in(content: SiteContent, category: str) -> list[Tool]:
    return [tool for tool in content.retired() if tool.category.slug == category]


def _frozen_digests(content: SiteContent) -> list[FeedEntry]:
    return [digest_entry(digest) for digest in content.digests() if digest.frozen]


def _feed(public_url: str, title: str, path: str, entries: Iterable[FeedEntry]) -> bytes:
    view = feed(title, feed_path(path), path, entries)
    return page("feed.xml", public_url, Meta("", "", ""), view)
