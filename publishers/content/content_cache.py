"""The publisher's content of the site, kept in memory and brought up to date by the marks.

A site of ten thousand pages takes too long to read for each change. Every change is marked, so of
tools the marked ones are enough. After a change of a category, a reviewer or a digest everything is
read again.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from msgspec import structs
from sqlalchemy import Connection

from infra.postgres.statement_pipeline import Statements
from projections.aliases.lookup import list_merges, query_merges_into
from projections.history import tool_history
from projections.history.edit_times import read_demo_tools, read_edit_times
from projections.history.weekly_digests import list_digests
from projections.read.categories import list_categories
from projections.read.reviewers import list_reviewers
from projections.read.tools import find_tools, list_tools, read_tallies
from projections.record_keys import RecordKey
from projections.write.dirty_records import SITE
from publishers.content.in_memory_content import InMemoryContent
from schemas.history import History
from schemas.records import Community, Tool


class ToolChange(NamedTuple):
    """A tool before and after a change.

    Attributes:
        slug: The tool's slug.
        before: The record before; None where it was not listed.
        after: The record after; None where it is not listed any more.
        only_tallies: Whether all but its votes and bookmarks is as before.
    """

    slug: str
    before: Tool | None
    after: Tool | None
    only_tallies: bool

    @property
    def tools(self) -> list[Tool]:
        """The records before and after, as far as there are any."""
        return [tool for tool in (self.before, self.after) if tool]

    @property
    def new(self) -> bool:
        """Whether the tool enters the site, so that it has no pages yet."""
        return _category(self.before) is None and _category(self.after) is not None

    @property
    def moved(self) -> bool:
        """Whether the tool entered, left or changed its category."""
        return _category(self.before) != _category(self.after)


def load(connection: Connection) -> InMemoryContent:
    """Read everything, through a connection whose transaction is a snapshot."""
    return InMemoryContent(
        [*list_tools(connection), *list_tools(connection, retired=True)],
        list_categories(connection),
        list_reviewers(connection),
        list_digests(connection),
        tool_history.read_histories(connection),
        read_edit_times(connection),
        read_demo_tools(connection),
        list_merges(connection),
    )


class Refreshed(NamedTuple):
    """Content with marked tools as they are now.

    Attributes:
        content: The content.
        unread: The marked records that many tools show, such as categories. What they changed is
            not in the content; that takes `load`.
    """

    content: InMemoryContent
    unread: frozenset[RecordKey]


def refresh(
    connection: Statements,
    content: InMemoryContent,
    marked: Collection[RecordKey],
    edited: Collection[RecordKey],
) -> Refreshed:
    """Read what differs from `content`, given records that were marked since it was read.

    Args:
        connection: In a snapshot.
        content: The content before.
        marked: The records.
        edited: Those of them of which more may have changed than votes and bookmarks.
    """
    slugs = {key.key for key in marked if key.kind == "tool"}
    of_edits = {key.key for key in edited if key.kind == "tool"}
    counted = {slug for slug in slugs - of_edits if content.tool(slug)}
    refreshed = _refresh_edited(connection, content, marked, sorted(slugs - counted))
    tallies = read_tallies(connection, sorted(counted)) if counted else {}
    if not tallies:
        return refreshed
    return refreshed._replace(content=refreshed.content.with_tallies(tallies.values()))


def _refresh_edited(
    connection: Statements,
    content: InMemoryContent,
    marked: Collection[RecordKey],
    slugs: Collection[str],
) -> Refreshed:
    """Read the whole records of tools, and whether more of `content` has to be read anew."""
    unread = frozenset(key for key in marked if key.kind != "tool" and key != SITE)
    if not slugs:
        return Refreshed(content, unread)
    read_merges = query_merges_into(connection, slugs)
    read_edited = tool_history.query_edited(connection, slugs)
    tools = {tool.tool: tool for tool in find_tools(connection, slugs)}
    histories = read_edited()
    if read_merges() != {slug: merges for slug in slugs if (merges := content.merges_into(slug))}:
        return Refreshed(content, frozenset(marked) - {SITE})
    edited = set()
    for slug in slugs:
        known = structs.replace(content.history(slug), community=[])
        same_history = known == histories.get(slug, History())
        if not (same_history and _facts(content.tool(slug)) == _facts(tools.get(slug))):
            edited.add(slug)
    if edited:
        content = content.with_tools(
            {slug: tools.get(slug) for slug in edited},
            _with_community(connection, content, {slug: histories.get(slug) for slug in edited}),
            read_demo_tools(connection, edited),
        )
    voted = [tool for slug, tool in tools.items() if slug not in edited]
    return Refreshed(content.with_tallies(voted) if voted else content, unread)


def _with_community(
    connection: Statements, content: InMemoryContent, edited: Mapping[str, History | None]
) -> dict[str, History]:
    """Whole histories: no edit changes the community's points, which are read for new tools."""
    new = [slug for slug in edited if slug not in content.histories()]
    points = tool_history.read_communities_of(connection, new) if new else {}
    whole = {
        slug: structs.replace(
            history or History(), community=points.get(slug, content.history(slug).community)
        )
        for slug, history in edited.items()
    }
    return {slug: history for slug, history in whole.items() if history != History()}


def diff(before: InMemoryContent, after: InMemoryContent) -> Iterator[ToolChange]:
    """Compare the tools of two contents; gives those that differ, by slug."""
    slugs = after.replaced_since(before)
    if before.merges() is not after.merges():
        slugs |= {merge.tool for content in (before, after) for merge in content.merges()}
    for slug in sorted(slugs):
        old, new = before.tool(slug), after.tool(slug)
        same_merges = before.merges_into(slug) == after.merges_into(slug)
        same = (
            same_merges
            and _facts(old) == _facts(new)
            and before.history(slug) == after.history(slug)
        )
        if not (same and _tallies(old) == _tallies(new)):
            yield ToolChange(slug, old, new, same)


def _facts(tool: Tool | None) -> Tool | None:
    """The record without its votes, bookmarks and version."""
    return tool and structs.replace(tool, community=Community.of(0, 0), bookmarks=0, version=0)


def _tallies(tool: Tool | None) -> tuple[Community, int] | None:
    return (tool.community, tool.bookmarks) if tool else None


def _category(tool: Tool | None) -> str | None:
    return tool.category.slug if tool and not tool.retired else None
