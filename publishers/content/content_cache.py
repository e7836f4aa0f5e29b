"""The publisher's own library: all that pages are made from, kept in memory and up to date.

A site of ten thousand pages is too much to be read again for each vote. Whatever changes is marked,
so it is enough to read the marked tools: while votes and bookmarks alone have moved, nothing else
can differ. After any other change everything is read anew.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from msgspec import structs
from sqlalchemy import Connection

from infra.postgres.pipeline import Statements
from projections.history import tool_history
from projections.history.weekly_digests import list_digests
from projections.read.categories import list_categories
from projections.read.reviewers import list_reviewers
from projections.read.tools import find_tools, list_tools
from projections.write.outbox import RecordKey
from publishers.content.in_memory_content import InMemoryContent
from schemas.records import Community, Tool


class ToolChange(NamedTuple):
    """A tool before and after: None where it was not, or is no longer, listed.

    `only_tallies` says that all but its votes and bookmarks is as before.
    """

    slug: str
    before: Tool | None
    after: Tool | None
    only_tallies: bool

    @property
    def moved(self) -> bool:
        """Whether it stands in another category now, or no longer in any, or for the first time."""
        return _place(self.before) != _place(self.after)


def load(connection: Connection) -> InMemoryContent:
    """Read everything, through a connection whose transaction is a snapshot."""
    return InMemoryContent(
        [*list_tools(connection), *list_tools(connection, retired=True)],
        list_categories(connection),
        list_reviewers(connection),
        list_digests(connection),
        tool_history.read_histories(connection),
    )


def refresh(
    connection: Statements, held: InMemoryContent, marked: Collection[RecordKey]
) -> InMemoryContent | None:
    """Read what differs from `held`, given everything that was marked since that was read.

    Returns:
        The library of now; None when more than votes and bookmarks has changed, so that everything
        must be taken anew.
    """
    if not marked:
        return held
    slugs = [key.key for key in marked if key.kind == "tool"]
    if len(slugs) < len(marked):
        return None
    panels = tool_history.query_panels(connection, slugs)
    tools = {tool.tool: tool for tool in find_tools(connection, slugs)}
    told = panels()
    for slug in slugs:
        same_history = held.history(slug).panel == told.get(slug, [])
        if not (same_history and _facts(held.tool(slug)) == _facts(tools.get(slug))):
            return None
    return held.with_tallies(tools.values())


def diff(before: InMemoryContent, after: InMemoryContent) -> Iterator[ToolChange]:
    """The tools of which two libraries say different things, by slug."""
    if before is after:
        return
    for slug in sorted({*before.slugs(), *after.slugs()}):
        old, new = before.tool(slug), after.tool(slug)
        if old is new:
            continue
        same = _facts(old) == _facts(new) and before.history(slug) == after.history(slug)
        if not (same and _tallies(old) == _tallies(new)):
            yield ToolChange(slug, old, new, same)


def _facts(tool: Tool | None) -> Tool | None:
    """The record without what votes and bookmarks move."""
    return tool and structs.replace(tool, community=Community.of(0, 0), bookmarks=0, version=0)


def _tallies(tool: Tool | None) -> tuple[Community, int] | None:
    return (tool.community, tool.bookmarks) if tool else None


def _place(tool: Tool | None) -> str | None:
    return tool.category.slug if tool and not tool.retired else None
