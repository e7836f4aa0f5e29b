"""The catalog: categories, tools and reviewers as their newest events describe them."""

from collections.abc import Iterable

from projections.folds.ordering import earliest_first, lww_stamp
from projections.folds.registers import RegisterWrite
from schemas.events import CategoryDefined, Event, ReviewerJoined, ToolListed, ToolRetired


def category_defined(event: Event) -> Iterable[RegisterWrite]:
    """The newest definition of a category is the one that counts."""
    data = event.data
    assert isinstance(data, CategoryDefined)
    values = {"name": data.name, "description": data.description}
    yield RegisterWrite("categories", (data.category,), lww_stamp(event), values)


def tool_listed(event: Event) -> Iterable[RegisterWrite]:
    """The newest listing gives a tool's facts, the earliest one when it was first listed."""
    data = event.data
    assert isinstance(data, ToolListed)
    facts = {
        "name": data.name,
        "category": data.category,
        "tagline": data.tagline,
        "description": data.description,
        "pricing": data.pricing,
        "entry": data.entry,
        "best_for": data.best_for,
        "url": data.url,
    }
    yield RegisterWrite("tools", (data.tool,), lww_stamp(event), facts)
    yield RegisterWrite("first_listings", (data.tool,), earliest_first(event), {"time": event.time})


def tool_retired(event: Event) -> Iterable[RegisterWrite]:
    """A retirement stands beside the facts; which of the two is newer is asked when read."""
    data = event.data
    assert isinstance(data, ToolRetired)
    values = {"time": event.time, "reason": data.reason}
    yield RegisterWrite("retirements", (data.tool,), lww_stamp(event), values)


def reviewer_joined(event: Event) -> Iterable[RegisterWrite]:
    """The newest word on a reviewer is the one that counts."""
    data = event.data
    assert isinstance(data, ReviewerJoined)
    values = {"name": data.name, "motto": data.motto, "position": data.position}
    yield RegisterWrite("reviewers", (data.reviewer,), lww_stamp(event), values)
