"""The newest known counts of each tool, in memory, so that a vote asks the database for nothing.

The changes topic keeps them current; a tool that is not known yet is read once.
"""

import asyncio

import msgspec

from projections.read.queries import ToolTally
from schemas.records import Community, Tool
from streams.api.read_model import ReadModel


class CachedTool(msgspec.Struct, frozen=True):
    """What the API knows of a listed tool."""

    tool: str
    name: str
    community: Community
    bookmarks: int
    version: int
    retired: bool

    @classmethod
    def of(cls, tool: Tool) -> "CachedTool":
        """What a whole record says."""
        retired = tool.retired is not None
        return cls(tool.tool, tool.name, tool.community, tool.bookmarks, tool.version, retired)

    def counted(self, tally: ToolTally) -> "CachedTool":
        """The same tool with newer counts."""
        return msgspec.structs.replace(
            self, community=tally.community, bookmarks=tally.bookmarks, version=tally.version
        )


class TallyCache:
    """Remembers standings; an older version never replaces a newer one."""

    def __init__(self, library: ReadModel) -> None:
        self._library = library
        self._known: dict[str, CachedTool] = {}
        self._wanted: dict[str, asyncio.Future[None]] = {}
        self._reader: asyncio.Task[None] | None = None

    def known(self, tool: str) -> CachedTool | None:
        """What is in memory."""
        return self._known.get(tool)

    async def find(self, tool: str) -> CachedTool | None:
        """What is in memory, else in the database; None for a tool that is not listed."""
        standing = self._known.get(tool)
        if standing is None:
            record = await self._library.tool(tool)
            if record is not None:
                self.learn(record)
            standing = self._known.get(tool)
        return standing

    def learn(self, record: Tool) -> None:
        """Take in a whole record."""
        known = self._known.get(record.tool)
        if known is None or record.version >= known.version:
            self._known[record.tool] = CachedTool.of(record)

    def forget(self, tool: str) -> None:
        """The tool is no longer listed."""
        self._known.pop(tool, None)

    def clear(self) -> None:
        """Forget all: what was read before may have changed unheard."""
        self._known.clear()

    async def fresh(self, tool: str) -> CachedTool | None:
        """The standing as the database has it at some moment after this call.

        Calls share reads: all that come while one read runs wait for the next.
        """
        wanted = self._wanted.get(tool)
        if wanted is None:
            wanted = self._wanted[tool] = asyncio.get_running_loop().create_future()
        if self._reader is None:
            self._reader = asyncio.create_task(self._read_wanted())
        await asyncio.shield(wanted)
        return await self.find(tool)

    async def _read_wanted(self) -> None:
        try:
            while self._wanted:
                wanted, self._wanted = self._wanted, {}
                await self._read(wanted)
        finally:
            self._reader = None

    async def _read(self, wanted: dict[str, "asyncio.Future[None]"]) -> None:
        failure: Exception | None = None
        try:
            tallies = await self._library.tallies(sorted(wanted))
            for tally in tallies.values():
                self._count(tally)
        except Exception as error:  # whoever waits gets it; the next read may do better
            failure = error
        for future in wanted.values():
            if failure is None:
                future.set_result(None)
            else:
                future.set_exception(failure)
                future.exception()

    def _count(self, tally: ToolTally) -> None:
        known = self._known.get(tally.tool)
        if known is not None and tally.version >= known.version:
            self._known[tally.tool] = known.counted(tally)
