"""Every page for people, with the time of its last change."""

import math
from collections.abc import Iterator
from datetime import datetime

from publishers.content.site_content import SiteContent
from publishers.views.last_modified import LastModified
from publishers.views.paths import (
    categories_path,
    category_path,
    comparison_path,
    digest_path,
    digests_path,
    rankings_path,
    reviewer_path,
    reviewers_path,
    tool_path,
    tools_path,
)
from publishers.views.tools.rivals import pairs

SitemapEntry = tuple[str, datetime | None]
"""A page's path, and the time of the newest edit that it shows."""

MAX_ADDRESSES = 50_000
"""Of one file, by the protocol. Its other limit, 50 MB, is far: no entry has 500 bytes."""


def files(content: SiteContent) -> list[list[SitemapEntry]]:
    """The entries of each sitemap file; a site of few pages has one."""
    every = list(entries(content))
    return [every[at : at + MAX_ADDRESSES] for at in range(0, len(every), MAX_ADDRESSES)]


def count(content: SiteContent) -> int:
    """The number of entries, without making these."""
    categories = content.categories()
    rivals = (content.rivals_in(each.category) for each in categories)
    both_ways = sum(len(others) for rivals_of in rivals for others in rivals_of.values())
    lists, digests = 5, 1 + len(content.digests())
    people = len(content.reviewers()) + len(content.tools())
    return lists + 2 * len(categories) + people + digests + both_ways // 2


def part_paths(addresses: int) -> list[str]:
    """The paths of the files that the index names; none where one file holds all addresses."""
    files = math.ceil(addresses / MAX_ADDRESSES)
    return [f"/sitemap-{number}.xml" for number in range(1, files + 1)] if files > 1 else []


def entries(content: SiteContent) -> Iterator[SitemapEntry]:
    """Every page for people, in a fixed order."""
    last_modified = content.last_modified()
    newest = last_modified.of_site()
    yield "/", newest
    yield "/about/", last_modified.of_panel()
    for path in (tools_path(), categories_path(), reviewers_path()):
        yield path, newest
    for category in content.categories():
        time = last_modified.of_category(category.category)
        yield category_path(category.category), time
        yield rankings_path(category.category), time
    for reviewer in content.reviewers():
        time = last_modified.of_reviewer(reviewer.reviewer)
        yield reviewer_path(reviewer.reviewer), time
    yield from _digests(content, last_modified)
    for tool in content.tools():
        yield tool_path(tool.tool), last_modified.of_tool(tool)
    for category in content.categories():
        by_slug = {tool.tool: tool for tool in content.tools_in(category.category)}
        for one, other in sorted(pairs(content.rivals_in(category.category))):
            both = [by_slug[one], by_slug[other]]
            yield comparison_path(one, other), last_modified.of_tools(both)


def _digests(content: SiteContent, last_modified: LastModified) -> Iterator[SitemapEntry]:
    """A frozen digest never changes again; an open one has no time of its last change."""
    times = {
        digest.week: last_modified.of_digest(digest).updated if digest.frozen else None
        for digest in content.digests()
    }
    yield digests_path(), max(filter(None, times.values()), default=None)
    for week, time in times.items():
        yield digest_path(week), time
