"""What people read on the site, and when it last changed."""

from collections.abc import Iterator
from datetime import datetime
from itertools import combinations

from publishers.content.site_content import SiteContent
from publishers.views import last_modified
from publishers.views.paths import (
    category_path,
    comparison_path,
    digest_path,
    digests_path,
    rankings_path,
    reviewer_path,
    tool_path,
)

SitemapEntry = tuple[str, datetime | None]
"""A page's path, and the newest moment that it shows."""


def entries(library: SiteContent) -> Iterator[SitemapEntry]:
    """Every page that a person would read, in one order."""
    tools = library.tools()
    yield "/", last_modified.of_tools([*tools, *library.retired()])
    yield "/about/", None
    yield from _shelves(library)
    for reviewer in library.reviewers():
        written = library.reviews_by(reviewer.reviewer)
        yield reviewer_path(reviewer.reviewer), last_modified.of_reviews(written)
    yield from _digests(library)
    for tool in tools:
        yield tool_path(tool.tool), last_modified.of_tool(tool)
    for category in library.categories():
        for one, other in combinations(library.tools_in(category.category), 2):
            yield comparison_path(one.tool, other.tool), last_modified.of_tools([one, other])


def _digests(library: SiteContent) -> Iterator[SitemapEntry]:
    """A digest stays as it is once it is frozen; until then its moment is not known."""
    found = library.digests()
    yield digests_path(), max((one.end for one in found if one.frozen), default=None)
    for one in found:
        yield digest_path(one.week), one.end if one.frozen else None


def _shelves(library: SiteContent) -> Iterator[SitemapEntry]:
    retired = library.retired()
    for category in library.categories():
        slug = category.category
        left = [tool for tool in retired if tool.category.slug == slug]
        moment = last_modified.of_tools([*library.tools_in(slug), *left])
        yield category_path(slug), moment
        yield rankings_path(slug), moment
