"""The Atom feeds of the site, a category, a tool, and the digests.

Every function returns the bytes of a feed, or None if there is no such feed now.
"""

from collections.abc import Iterable

from publishers.content.site_content import SiteContent
from publishers.templating.environment import Meta, page
from publishers.views.feeds.atom import FeedEntry, entries_of, feed
from publishers.views.feeds.digest_feed import digest_entry
from publishers.views.paths import category_path, digests_path, feed_path, tool_path
from schemas.records import Tool
from schemas.text.isolation import isolate


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


def _retired_in(content: SiteContent, category: str) -> list[Tool]:
    return [tool for tool in content.retired() if tool.category.slug == category]


def _frozen_digests(content: SiteContent) -> list[FeedEntry]:
    return [digest_entry(digest) for digest in content.digests() if digest.frozen]


def _feed(public_url: str, title: str, path: str, entries: Iterable[FeedEntry]) -> bytes:
    view = feed(title, feed_path(path), path, entries)
    return page("feed.xml", public_url, Meta("", "", ""), view)
