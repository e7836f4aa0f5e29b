"""Which pages a change of the content affects, and how urgent each is."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from projections.write import dirty_records
from projections.write.outbox import RecordKey
from publishers.build.queue.page_queue import Priority
from publishers.build.site_files import SiteFiles
from publishers.content.content_cache import ToolChange
from publishers.content.site_content import SiteContent
from publishers.pages import catalogue, dependencies, sitemap
from publishers.views.paths import comparison_path, tool_path
from publishers.views.tools.rivals import pairs


class DigestWeeks(NamedTuple):
    """The digests that the site shows, newest first, and those among them that are still open.

    Most pages link to the newest, the sitemap to all, and each digest to its neighbours.
    """

    shown: tuple[str, ...] = ()
    still_open: tuple[str, ...] = ()

    @classmethod
    def of(cls, content: SiteContent) -> "DigestWeeks":
        """The weeks that the content shows."""
        digests = content.digests()
        still_open = tuple(digest.week for digest in digests if not digest.frozen)
        return cls(tuple(digest.week for digest in digests), still_open)


def by_priority(
    before: SiteContent,
    content: SiteContent,
    keys: Collection[RecordKey],
    changes: Collection[ToolChange],
    files: SiteFiles,
) -> Mapping[Priority, Iterable[str]]:
    """The pages of changed tools and other changed records, without those that show weeks.

    Args:
        before: What pages were made from.
        content: What pages are made from now.
        keys: The records that were marked.
        changes: How the tools differ from those of the content before.
        files: The stored pages.
    """
    pages = dict.fromkeys(
        chain(_pages(content, keys, changes, files), _of_pairs(before, content, changes))
    )
    return {
        Priority.TOOL: [tool_path(change.slug) for change in changes],
        Priority.PEOPLE: filter(catalogue.is_for_people, pages),
        Priority.MACHINES: pages,
        Priority.SUMMARIES: _summaries(content, keys),
    }


def of_weeks(content: SiteContent, before: DigestWeeks, now: DigestWeeks) -> Iterator[str]:
    """The pages that show open weeks, and all where another week is shown than before."""
    yield from dependencies.paths_of_weeks({*before.still_open, *now.still_open})
    if now.shown != before.shown:
        yield from catalogue.page_paths(content)


def _pages(
    content: SiteContent,
    keys: Collection[RecordKey],
    changes: Collection[ToolChange],
    files: SiteFiles,
) -> Iterator[str]:
    """The pages that must not wait: for anything but votes, all that show it."""
    for change in changes:
        yield from _of_change(content, change, files)
    if not all(change.only_tallies for change in changes):
        yield from dependencies.paths_of_any_tool(content)
    for key in sorted(keys):
        if key == dirty_records.SITE:
            yield from (*catalogue.page_paths(content), *files.paths())
        elif key.kind == "category":
            yield from dependencies.paths_of_category(content, key.key)
        elif key.kind == "reviewer":
            yield from dependencies.paths_of_reviewer(content, key.key)


def _of_pairs(
    before: SiteContent, content: SiteContent, changes: Collection[ToolChange]
) -> Iterator[str]:
    """The comparisons that are stored from now on, those that no longer are, and their sitemaps.

    Where the texts of one tool of a large category change, others may get other rivals.
    """
    edited = [change for change in changes if not change.only_tallies]
    if edited:
        # Files that are no longer needed are removed.
        yield from sitemap.part_paths(sitemap.count(before))
    for category in sorted({tool.category.slug for change in edited for tool in change.tools}):
        differ = pairs(before.rivals_in(category)) ^ pairs(content.rivals_in(category))
        for one, other in sorted(differ):
            path = comparison_path(one, other)
            yield from (path, *catalogue.alternates_of(path))


def _of_change(content: SiteContent, change: ToolChange, files: SiteFiles) -> Iterator[str]:
    yield from dependencies.paths_about_tool(content, change.slug)
    if not change.only_tallies:
        for category in sorted({tool.category.slug for tool in change.tools}):
            yield from dependencies.paths_in_category(category)
    if change.before and change.moved:
        # A comparison that no longer belongs to a category is removed.
        for path in files.comparisons_of(change.slug):
            yield from (path, *catalogue.alternates_of(path))


def _summaries(content: SiteContent, keys: Collection[RecordKey]) -> Iterator[str]:
    """The pages that sum up tools; a frozen week is in the histories of all tools."""
    for key in sorted(keys):
        if key.kind == "tool":
            yield from dependencies.summaries_of_tool(content, key.key)
        elif key.kind == "digest":
            yield from catalogue.page_paths(content)
