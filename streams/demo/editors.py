"""What the editors do: define, list, review, revise, retract, retire."""

from collections.abc import Iterator
from zlib import crc32

from streams.demo.content import Content, DemoReview, DemoTool
from streams.demo.event import DAY, MINUTE, SECOND, Data, DemoEvent, an_event

SPAN = 35 * DAY

# Editors do not work at the very minute that is a whole number of days before the end.
_DESK_DELAY_SECONDS = 5 * 60 * 60


def editorial_events(content: Content, end: int) -> Iterator[DemoEvent]:
    """The events of categories, reviewers and tools, in no order."""
    yield from _panel_and_categories(content, end)
    for category, shelf in content.categories.items():
        for tool in shelf.tools:
            yield from _life_of(tool, category, end)


def moment(days_ago: float, end: int, what: str) -> int:
    """A moment some days before the end, delayed by up to five hours that depend on `what`.

    The delay shrinks with the distance to the end, which nothing may pass.
    """
    delay = crc32(what.encode()) % _DESK_DELAY_SECONDS * SECOND
    return end - int(days_ago * DAY) + int(delay * min(1.0, days_ago))


def listed_at(tool: DemoTool, end: int) -> int:
    """When a tool is first listed; those of the first day are there before any vote."""
    return moment(tool.listed, end, tool.slug)


def retired_at(tool: DemoTool, end: int) -> int | None:
    """When a tool is retired, if ever."""
    return moment(tool.retired.days_ago, end, tool.slug) if tool.retired else None


def _panel_and_categories(content: Content, end: int) -> Iterator[DemoEvent]:
    opening = end - SPAN - 30 * MINUTE
    for index, (slug, category) in enumerate(content.categories.items()):
        facts: Data = {
            "category": slug,
            "name": category.name,
            "description": category.description,
        }
        yield an_event("category.defined", opening + index * MINUTE, facts)
    for position, reviewer in enumerate(content.reviewers, start=1):
        person: Data = {
            "reviewer": reviewer.slug,
            "name": reviewer.name,
            "motto": reviewer.motto,
            "position": position,
        }
        yield an_event("reviewer.joined", opening + (10 + position) * MINUTE, person)


def _life_of(tool: DemoTool, category: str, end: int) -> Iterator[DemoEvent]:
    facts = _facts(tool, category)
    yield an_event("tool.listed", listed_at(tool, end), facts)
    for change in tool.changes:
        at = moment(change.days_ago, end, tool.slug)
        yield an_event("tool.listed", at, facts | {"pricing": change.pricing})
    for review in tool.reviews:
        at = moment(review.days_ago, end, tool.slug + review.reviewer)
        yield an_event("review.submitted", at, _opinion(tool, review))
    for taken_back in tool.retractions:
        at = moment(taken_back.days_ago, end, tool.slug + taken_back.reviewer)
        told: Data = {
            "tool": tool.slug,
            "reviewer": taken_back.reviewer,
            "reason": taken_back.reason,
        }
        yield an_event("review.retracted", at, told)
    gone_at = retired_at(tool, end)
    if tool.retired and gone_at is not None:
        gone: Data = {"tool": tool.slug, "reason": tool.retired.reason}
        yield an_event("tool.retired", gone_at, gone)


def _facts(tool: DemoTool, category: str) -> Data:
    facts: Data = {
        "tool": tool.slug,
        "name": tool.name,
        "category": category,
        "tagline": tool.tagline,
        "description": tool.description.strip(),
        "pricing": tool.pricing,
        "entry": tool.entry,
        "best_for": tool.best_for,
    }
    return facts | {"url": tool.url} if tool.url else facts


def _opinion(tool: DemoTool, review: DemoReview) -> Data:
    opinion: Data = {
        "tool": tool.slug,
        "reviewer": review.reviewer,
        "score": review.score,
        "verdict": review.verdict,
        "body": review.body.strip(),
        "pros": review.pros,
        "cons": review.cons,
    }
    return opinion | {"disclosure": review.disclosure} if review.disclosure else opinion
