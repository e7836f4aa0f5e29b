"""The Atom feeds of the site, a category, a tool, and the digests.

Every function returns the bytes of a feed, or None if there is no such feed now.
"""

from collections.abc import Iterable
from datetime import datetime

from publishers.content.site_content import SiteContent
from publishers.pages.html.layout import render_page
from publishers.templating import theme
from publishers.templating.environment import Meta
from publishers.views.feeds.digest_entry import digest_entry
from publishers.views.feeds.feed_entries import FeedEntry, entries_of, feed, merge_entry
from publishers.views.paths import category_path, digests_path, feed_path, tool_path
from schemas.records import Tool
from schemas.text.isolation import isolate


def render_tool_feed(content: SiteContent, public_url: str, slug: str) -> bytes | None:
    """The feed of one tool."""
    tool = content.tool_on_site(slug)
    if tool is None:
        return None
    title, updated = _title(isolate(tool.name)), content.last_modified().of_tool(tool)
    return _feed(content, public_url, title, tool_path(slug), updated, _entries(content, [tool]))


def render_category_feed(content: SiteContent, public_url: str, slug: str) -> bytes | None:
    """The feed of one category."""
    category = content.category(slug)
    if category is None:
        return None
    retired = [tool for tool in content.retired() if tool.category.slug == slug]
    title, updated = (
        _title(isolate(category.name)),
        content.last_modified().of_category(slug),
    )
    entries = _entries(content, [*content.tools_in(slug), *retired])
    return _feed(content, public_url, title, category_path(slug), updated, entries)


def render_site_feed(content: SiteContent, public_url: str) -> bytes:
    """The feed of the whole site."""
    updated = content.last_modified().of_site()
    entries = [*_entries(content, [*content.tools(), *content.retired()]), *_digests(content)]
    return _feed(content, public_url, _title("everything new"), "/", updated, entries)


def render_digests_feed(content: SiteContent, public_url: str) -> bytes:
    """The feed of the frozen digests alone."""
    title, entries = _title("weekly digests"), _digests(content)
    return _feed(content, public_url, title, digests_path(), None, entries)


def _title(subject: str) -> str:
    return f"{isolate(theme.current().name)}: {subject}"


def _entries(content: SiteContent, tools: Iterable[Tool]) -> list[FeedEntry]:
    """The entries about tools, and about those that became other names of them."""
    by_slug = {tool.tool: tool for tool in tools}
    merges = [
        merge_entry(merge, by_slug[merge.tool])
        for merge in content.merges()
        if merge.tool in by_slug and by_slug[merge.tool].retired is None
    ]
    return [*entries_of(by_slug.values(), content.last_modified()), *merges]


def _digests(content: SiteContent) -> list[FeedEntry]:
    dates = content.last_modified().of_digest
    return [
        digest_entry(digest, dates(digest), demo=content.is_demo_digest(digest))
        for digest in content.digests()
        if digest.frozen
    ]


def _feed(
    content: SiteContent,
    public_url: str,
    title: str,
    path: str,
    updated: datetime | None,
    entries: Iterable[FeedEntry],
) -> bytes:
    view = feed(title, feed_path(path), path, updated, entries)
    return render_page(content, "feed.xml", public_url, Meta("", "", ""), view)
