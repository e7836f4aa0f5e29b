"""Which pages a change of the content affects, and how urgent each is."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from projections.record_keys import RecordKey
from projections.write import dirty_records
from publishers.build.queue.page_queue import Priority
from publishers.build.site_files import SiteFiles
from publishers.content.content_cache import ToolChange
from publishers.content.site_content import SiteContent
from publishers.pages import catalogue, dependencies, sitemap
from publishers.views.paths import comparison_path, tool_path
from publishers.views.tools.rivals import pairs

AffectedPages = Mapping[Priority, Collection[str]]


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
) -> AffectedPages:
    """The pages of changed tools and other changed records, without those that show weeks.

    Args:
        before: What pages were made from.
        content: What pages are made from now.
        keys: The records that were marked.
        changes: How the tools differ from those of the content before.
        files: The stored pages.
    """
    pages: dict[Priority, dict[str, None]] = defaultdict(dict)
    for change in changes:
        if not change.new:
            pages[Priority.TOOL][tool_path(change.slug)] = None
            shown = dict.fromkeys(_shown(content, change, files))
            for path in shown:
                people = catalogue.is_for_people(path)
                pages[Priority.PEOPLE if people else Priority.MACHINES][path] = None
            summaries = dependencies.summaries_of_tool(content, change.slug)
            pages[Priority.SUMMARIES] |= dict.fromkeys(summaries)
    pages[Priority.BACKFILL] = dict.fromkeys(_backfill(before, content, keys, changes))
    return pages


class Partition(NamedTuple):
    """Marks by what shows them: pages on the site alone, backfill as well, or all pages."""

    shown: dict[int, RecordKey]
    filled: dict[int, RecordKey]
    of_site: dict[int, RecordKey]


def partition(marks: Mapping[int, RecordKey], changes: Collection[ToolChange]) -> Partition:
    """Tell marks of votes from those of edits, which may make pages, and those of the whole site.

    Args:
        marks: The keys by the ids of their marks.
        changes: How tools differ from before.
    """
    edited = {change.slug for change in changes if not change.only_tallies}
    parts = Partition({}, {}, {})
    for mark, key in marks.items():
        if key == dirty_records.SITE:
            part = parts.of_site
        else:
            part = parts.filled if key.kind != "tool" or key.key in edited else parts.shown
        part[mark] = key
    return parts


def of_weeks(content: SiteContent, before: DigestWeeks, now: DigestWeeks) -> AffectedPages:
    """The pages that show open weeks, and all where another week is shown than before."""
    weeks = {*before.still_open, *now.still_open}
    turned = now.shown != before.shown
    return {
        Priority.SUMMARIES: dependencies.paths_of_weeks(weeks),
        Priority.BACKFILL: catalogue.page_paths(content) if turned else (),
    }


def _shown(content: SiteContent, change: ToolChange, files: SiteFiles) -> Iterator[str]:
    """The pages about a tool that had some before."""
    yield from dependencies.paths_about_tool(content, change.slug)
    if change.before and change.moved:
        # A comparison that no longer belongs to a category is removed.
        for path in files.comparisons_of(change.slug):
            yield from (path, *catalogue.alternates_of(path))


def _backfill(
    before: SiteContent,
    content: SiteContent,
    keys: Collection[RecordKey],
    changes: Collection[ToolChange],
) -> Iterator[str]:
    """The pages of new tools, and all that may show anything but votes of what changed."""
    new = [change.slug for change in changes if change.new]
    yield from map(tool_path, new)
    for slug in new:
        yield from dependencies.paths_about_tool(content, slug)
    edited = [change for change in changes if not change.only_tallies]
    if edited:
        yield from _of_edits(before, content, edited)
    for key in sorted(keys):
        if key.kind == "category":
            yield from dependencies.paths_of_category(content, key.key)
        elif key.kind == "reviewer":
            yield from dependencies.paths_of_reviewer(content, key.key)
        elif key.kind == "digest":  # a frozen week is in the histories of all tools
            yield from catalogue.page_paths(content)


def _of_edits(
    before: SiteContent, content: SiteContent, edited: Collection[ToolChange]
) -> Iterator[str]:
    """The pages that may show anything but votes of edited tools; few, however many tools are."""
    slugs = {change.slug for change in edited}
    for category in sorted({tool.category.slug for change in edited for tool in change.tools}):
        yield from dependencies.paths_in_category(category)
        yield from _of_pairs(before, content, category)
    for slug in sorted(slugs):
        for each in (before, content):
            yield from map(tool_path, each.rivals(slug))
    yield from map(tool_path, content.similar_tools().dependents(slugs))
    if before.newest_listing() != content.newest_listing():
        yield from dependencies.feeds_of_categories(content)
    yield from dependencies.lists_of_tools(content)
    # Files that are no longer needed are removed.
    yield from sitemap.part_paths(sitemap.count(before))


def _of_pairs(before: SiteContent, content: SiteContent, category: str) -> Iterator[str]:
    """The comparisons of a category that are stored from now on, and those that no longer are.

    Where the texts of one tool of a large category change, others may get other rivals.
    """
    rivals_before, rivals_now = before.rivals_in(category), content.rivals_in(category)
    if rivals_before is rivals_now:
        return
    for one, other in sorted(pairs(rivals_before) ^ pairs(rivals_now)):
        path = comparison_path(one, other)
        yield from chain((path,), catalogue.alternates_of(path))
        yield from map(tool_path, (one, other))
