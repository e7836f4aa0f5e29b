"""Catalog: categories, tools and reviewers as their newest events describe them."""

from collections.abc import Iterable

from projections.folds.ordering import earliest_first, lww_stamp
from projections.folds.registers import RegisterWrite
from schemas.events import (
    CategoryDefined,
    CategoryRemoved,
    Event,
    ReviewerJoined,
    ReviewerLeft,
    ToolListed,
    ToolMerged,
    ToolRetired,
)


def category_defined(event: Event[CategoryDefined]) -> Iterable[RegisterWrite]:
    """Describe a category by its newest definition."""
    category = event.data
    values = {
        "name": category.name,
        "description": category.description,
        "facts": category.facts or None,
    }
    yield RegisterWrite("categories", (category.category,), lww_stamp(event), values)


def category_removed(event: Event[CategoryRemoved]) -> Iterable[RegisterWrite]:
    """Store a category's newest removal beside its definition; queries compare the two stamps."""
    removal = event.data
    values = {"target": removal.into}
    yield RegisterWrite("removals", (removal.category,), lww_stamp(event), values)


def tool_listed(event: Event[ToolListed]) -> Iterable[RegisterWrite]:
    """Take a tool's facts from its newest listing, and its first date from its earliest one."""
    tool = event.data
    facts = {
        "name": tool.name,
        "category": tool.category,
        "tagline": tool.tagline,
        "description": tool.description,
        "pricing": tool.pricing,
        "entry": tool.entry,
        "best_for": tool.best_for,
        "url": tool.url,
        "facts": tool.facts or None,
    }
    yield RegisterWrite("tools", (tool.tool,), lww_stamp(event), facts)
    yield RegisterWrite("first_listings", (tool.tool,), earliest_first(event), {"time": event.time})


def tool_retired(event: Event[ToolRetired]) -> Iterable[RegisterWrite]:
    """Store a tool's newest retirement beside its facts; queries compare the two stamps."""
    values = {"time": event.time, "reason": event.data.reason}
    yield RegisterWrite("retirements", (event.data.tool,), lww_stamp(event), values)


def tool_merged(event: Event[ToolMerged]) -> Iterable[RegisterWrite]:
    """Store a tool's newest merge beside its facts; `projections.aliases` resolves it."""
    merge = event.data
    values = {"target": merge.into, "time": event.time, "reason": merge.reason}
    yield RegisterWrite("merges", (merge.tool,), lww_stamp(event), values)


def reviewer_joined(event: Event[ReviewerJoined]) -> Iterable[RegisterWrite]:
    """Describe a reviewer by the newest event."""
    reviewer = event.data
    values = {"name": reviewer.name, "motto": reviewer.motto, "position": reviewer.position}
    yield RegisterWrite("reviewers", (reviewer.reviewer,), lww_stamp(event), values)


def reviewer_left(event: Event[ReviewerLeft]) -> Iterable[RegisterWrite]:
    """Store a reviewer's newest departure; queries compare its stamp with that of the joining."""
    values = {"time": event.time, "reason": event.data.reason}
    yield RegisterWrite("departures", (event.data.reviewer,), lww_stamp(event), values)
