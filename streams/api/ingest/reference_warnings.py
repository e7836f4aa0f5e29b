"""Warnings about events that refer to a tool, category or reviewer that nobody has brought yet.

References may come in any order, so such an event is accepted. A mistyped slug looks the same, and
its sender would wait for a page that never shows it.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TypeVar

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from infra.runtime.shared_reads import BatchedReads
from projections.event_references import Kind, Reference, find_known
from projections.read.categories import list_categories
from schemas.events import CategoryDefined, Data, ReviewerJoined, ToolListed
from schemas.facts.checks import check_facts
from schemas.facts.values import FactDefinition
from streams.api.live.tally_cache import TallyCache
from streams.api.read_model import ReadModel

SECONDS = 1.0
"""How long an answer waits for the database; after that it comes without warnings."""

T = TypeVar("T")
DefinedFacts = Mapping[str, Sequence[FactDefinition]]
"""The facts that categories name, by category."""

_KINDS: Mapping[str, Kind] = {"tool": "tool", "category": "category", "reviewer": "reviewer"}
_DEFINES = {CategoryDefined: "category", ToolListed: "tool", ReviewerJoined: "reviewer"}
_DETAILS: Mapping[Kind, str] = {
    "tool": "No tool {!r} is listed; this counts and shows once it is.",
    "category": "No category {!r} is defined; its slug is shown until it is.",
    "reviewer": "No reviewer {!r} has joined; this counts and shows once they have.",
}


class EventWarning(msgspec.Struct, frozen=True):
    """What an editor should look at in an accepted event, and the field."""

    code: str
    detail: str
    pointer: str


class ReferenceChecker:
    """Finds references to what is unknown.

    Args:
        tallies: Knows most tools from memory.
        read_model: Answers for everything else.
    """

    def __init__(self, tallies: TallyCache, read_model: ReadModel) -> None:
        self._tallies = tallies
        self._read_model = read_model
        self._known = BatchedReads(self._read_known)

    async def warnings(self, events: Sequence[Data]) -> dict[int, tuple[EventWarning, ...]]:
        """The warnings about events by their index, for those that have any.

        What another event of the request defines is known. Without an answer of the database within
        a second there are no warnings.
        """
        unknown = await self._find_unknown(events)
        facts = await self._find_defined_facts(events)
        if not unknown and not facts:
            return {}
        warned = (
            (index, (*_unknown_references(event, unknown), *_wrong_facts(event, facts)))
            for index, event in enumerate(events)
        )
        return {index: warnings for index, warnings in warned if warnings}

    def _in_memory(self, kind: Kind, slug: str) -> bool:
        return kind == "tool" and self._tallies.cached(slug) is not None

    async def _find_unknown(self, events: Sequence[Data]) -> set[Reference]:
        asked = {
            Reference(kind, slug)
            for event in events
            for field, kind in _reference_fields(type(event))
            if (slug := getattr(event, field)) and not self._in_memory(kind, slug)
        }
        if not asked:
            return set()
        asked -= {reference for event in events for reference in _defined_by(event)}
        references = sorted(asked)
        known = await _within_seconds(self._known.get_all(references))
        if known is None:
            return set()
        return {each for each, exists in zip(references, known, strict=True) if not exists}

    async def _find_defined_facts(self, events: Sequence[Data]) -> DefinedFacts:
        """The facts of every category, if an event states any."""
        if not any(isinstance(event, ToolListed) and event.facts for event in events):
            return {}
        categories = await _within_seconds(self._read_model.run(list_categories))
        stored = {category.category: category.facts for category in categories or ()}
        defined = (event for event in events if isinstance(event, CategoryDefined))
        return stored | {event.category: event.facts or () for event in defined}

    async def _read_known(self, references: list[Reference]) -> Mapping[Reference, bool]:
        return dict.fromkeys(await self._read_model.run(find_known, references), True)


@cache
def _reference_fields(event: type[Data]) -> tuple[tuple[str, Kind], ...]:
    own = _DEFINES.get(event)
    kinds = {**_KINDS, "into": _KINDS.get(event.key_field)}
    return tuple(
        (field, kind)
        for field in event.__struct_fields__
        if field != own and (kind := kinds.get(field)) is not None
    )


def _defined_by(data: Data) -> Iterable[Reference]:
    field = _DEFINES.get(type(data))
    return (Reference(_KINDS[field], getattr(data, field)),) if field else ()


def _unknown_references(data: Data, unknown: set[Reference]) -> Iterator[EventWarning]:
    for field, kind in _reference_fields(type(data)):
        if (slug := getattr(data, field)) and (kind, slug) in unknown:
            yield EventWarning(f"unknown-{kind}", _DETAILS[kind].format(slug), f"/data/{field}")


def _wrong_facts(data: Data, facts: DefinedFacts) -> Iterator[EventWarning]:
    """The facts of a listing that its category does not name, or expects to be of another type."""
    if isinstance(data, ToolListed) and data.facts and data.category in facts:
        for warning in check_facts(data.facts, facts[data.category]):
            yield EventWarning(warning.code, warning.detail, warning.pointer)


async def _within_seconds(answer: Awaitable[T]) -> T | None:
    """An answer of the database; None if it does not come in time."""
    try:
        async with asyncio.timeout(SECONDS):
            return await answer
    except (SQLAlchemyError, TimeoutError):
        return None
