"""Indexes of all tools' texts, kept from one snapshot to the next."""

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Generic, TypeVar

from sqlalchemy import Connection, func, select

from projections.read.checkpoints import read_applied_offsets
from publishers.views.search.search_index import SearchIndex
from publishers.views.tools.rivals import CategoryRivals
from publishers.views.tools.similar_tools import SimilarTools
from schemas.records import Tool
from schemas.topics import CATALOG, TopicPartition

Index = TypeVar("Index")
RivalsByCategory = dict[str, CategoryRivals]


class SharedIndex(Generic[Index]):
    """One index, made again where the catalogue changed: no other event changes a tool's texts.

    Args:
        build: Makes the index from every tool on the site.
    """

    def __init__(self, build: Callable[[Sequence[Tool]], Index]) -> None:
        self._build = build
        self._lock = Lock()
        self._generation = ""
        self._applied: Mapping[TopicPartition, int] = {}
        self._index: Index | None = None

    def of(self, list_tools: Callable[[], Sequence[Tool]], connection: Connection) -> Index:
        """The index for a snapshot, whose tools are listed only if it must be made."""
        generation = str(connection.scalar(select(func.current_schema())))
        applied = read_applied_offsets(connection, [CATALOG.name])
        with self._lock:  # one renderer reads all tools, the others wait for it
            if self._index is None or (generation, applied) != (self._generation, self._applied):
                self._index = self._build(list_tools())
                self._generation, self._applied = generation, applied
            return self._index


class SharedIndexes:
    """The indexes of a process."""

    def __init__(self) -> None:
        self.similar_tools = SharedIndex(SimilarTools)
        self.search = SharedIndex(SearchIndex)
        self.rivals = SharedIndex(_no_rivals)


def _no_rivals(_: Sequence[Tool]) -> RivalsByCategory:
    """Filled category by category, as they are asked for."""
    return {}
