"""The newest known counts of each tool in memory, so that a vote needs no database query.

The changes topic keeps them current; a tool that is not cached is read once.
"""

from collections.abc import Mapping, Sequence

import msgspec

from infra.runtime.shared_reads import BatchedReads
from projections.aliases.lookup import find_merged_into
from projections.read.tools import ToolTally, find_tools, read_tallies
from schemas.records import Community, Tool, Verdict
from streams.api.read_model import ReadModel


class CachedTool(msgspec.Struct, frozen=True):
    """The part of a listed tool's record that votes and streams need."""

    tool: str
    name: str
    community: Community
    bookmarks: int
    version: int
    retired: bool
    panel_verdict: Verdict

    @classmethod
    def from_record(cls, tool: Tool) -> "CachedTool":
        """The same part of a whole record."""
        retired = tool.retired is not None
        return cls(
            tool=tool.tool,
            name=tool.name,
            community=tool.community,
            bookmarks=tool.bookmarks,
            version=tool.version,
            retired=retired,
            panel_verdict=tool.panel.verdict,
        )

    def with_tally(self, tally: ToolTally) -> "CachedTool":
        """The same tool with newer counts."""
        return msgspec.structs.replace(
            self, community=tally.community, bookmarks=tally.bookmarks, version=tally.version
        )


class TallyCache:
    """Caches tools; an older version never replaces a newer one."""

    def __init__(self, read_model: ReadModel) -> None:
        self._read_model = read_model
        self._tools: dict[str, CachedTool] = {}
        self._tallies = BatchedReads(self._read_tallies)
        self._records = BatchedReads(self._read_records)

    def cached(self, slug: str) -> CachedTool | None:
        """The tool from memory."""
        return self._tools.get(slug)

    async def get(self, slug: str) -> CachedTool | None:
        """The tool from memory, else from the database; None for a tool that is not listed."""
        if slug not in self._tools:
            await self._read_missing([slug])
        return self._tools.get(slug)

    async def get_all(self, slugs: Sequence[str]) -> list[CachedTool]:
        """Those of these tools that are listed.

        One query reads all that are not in memory, and those of other callers who wait with them:
        however many ask for unknown tools, votes share the database with one query.
        """
        missing = [slug for slug in slugs if slug not in self._tools]
        if missing:
            await self._read_missing(missing)
        return [self._tools[slug] for slug in slugs if slug in self._tools]

    async def merged_into(self, slug: str) -> str | None:
        """The tool that a slug is another name of."""
        return await self._read_model.run(find_merged_into, slug)

    def update(self, record: Tool) -> None:
        """Store a whole record."""
        cached = self._tools.get(record.tool)
        if cached is None or record.version >= cached.version:
            self._tools[record.tool] = CachedTool.from_record(record)

    def remove(self, slug: str) -> None:
        """Drop a tool that is no longer listed."""
        self._tools.pop(slug, None)

    def clear(self) -> None:
        """Drop every tool, since changes may have been missed."""
        self._tools.clear()

    async def refresh(self, slug: str) -> CachedTool | None:
        """The tool as the database has it at some moment after this call."""
        tally = await self._tallies.get(slug)
        if tally is not None:
            self._update_tally(tally)
        return await self.get(slug)

    async def _read_missing(self, slugs: Sequence[str]) -> None:
        for record in await self._records.get_all(slugs):
            if record is not None:
                self.update(record)

    async def _read_records(self, slugs: list[str]) -> Mapping[str, Tool]:
        records = await self._read_model.run(find_tools, slugs)
        return {record.tool: record for record in records}

    async def _read_tallies(self, slugs: list[str]) -> Mapping[str, ToolTally]:
        return await self._read_model.run_short(read_tallies, sorted(slugs))

    def _update_tally(self, tally: ToolTally) -> None:
        cached = self._tools.get(tally.tool)
        if cached is not None and tally.version >= cached.version:
            self._tools[tally.tool] = cached.with_tally(tally)
