"""Every page for people, with the time of its last change."""

from collections.abc import Iterator
from datetime import datetime
from itertools import combinations

from publishers.content.site_content import SiteContent
from publishers.views import last_modified
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

SitemapEntry = tuple[str, datetime | None]
"""A page's path, and the time of the newest event that it shows."""


def entries(content: SiteContent) -> Iterator[SitemapEntry]:
    """Every page for people, in a fixed order."""
    tools = content.tools()
    newest = last_modified.of_tools([*tools, *content.retired()])
    yield "/", newest
    yield "/about/", None
    for path in (tools_path(), categories_path(), reviewers_path()):
        yield path, newest
    yield from _categories(content)
    for reviewer in content.reviewers():
        reviews = content.reviews_by(reviewer.reviewer)
        yield reviewer_path(reviewer.reviewer), last_modified.of_reviews(reviews)
    yield from _digests(content)
    for tool in tools:
        yield tool_path(tool.tool), last_modified.of_tool(tool)
    for category in content.categories():
        for one, other in combinations(content.tools_in(category.category), 2):
            yield comparison_path(one.tool, other.tool), last_modified.of_tools([one, other])


def _digests(content: SiteContent) -> Iterator[SitemapEntry]:
    """A frozen digest never changes again; an open one has no time of its last change."""
    digests = content.digests()
    yield digests_path(), max((digest.end for digest in digests if digest.frozen), default=None)
    for digest in digests:
        yield digest_path(digest.week), digest.end if digest.frozen else None


def _categories(content: SiteContent) -> Iterator[SitemapEntry]:
    retired = content.retired()
    for category in content.categories():
        slug = category.category
        tools = [*content.tools_in(slug), *(tool for tool in retired if tool.category.slug == slug)]
        time = last_modified.of_tools(tools)
        yield category_path(slug), time
        yield rankings_path(slug), time
