"""The editors: they define, list, review, revise, retract and retire."""

from collections.abc import Iterator
from zlib import crc32

from streams.demo.content import Content, DemoReview, DemoTool
from streams.demo.event import DAY, MINUTE, SECOND, Data, DemoEvent, make_event

# A review is also read apart from its page, which says that the whole site is a demo.
NOTICE = "Invented for this demo."

SPAN = 35 * DAY

# Spreads the editors' work, which would else fall on whole numbers of days before the end.
_MAX_DELAY_SECONDS = 5 * 60 * 60


def editorial_events(content: Content, end: int) -> Iterator[DemoEvent]:
    """Generate the events of categories, reviewers and tools, in no order."""
    yield from _panel_and_categories(content, end)
    for slug, category in content.categories.items():
        for tool in category.tools:
            yield from _tool_events(tool, slug, end)


def time_before(days_ago: float, end: int, seed: str) -> int:
    """Return a time some days before the end, plus up to five hours that depend on `seed`.

    The delay shrinks towards the end of the story, so no event is later than the end.
    """
    delay = crc32(seed.encode()) % _MAX_DELAY_SECONDS * SECOND
    return end - int(days_ago * DAY) + int(delay * min(1.0, days_ago))


def listed_at(tool: DemoTool, end: int) -> int:
    """Time of a tool's first listing; tools of the first day are listed before any vote."""
    return time_before(tool.listed, end, tool.slug)


def retired_at(tool: DemoTool, end: int) -> int | None:
    """Time of a tool's retirement; None if it stays."""
    return time_before(tool.retired.days_ago, end, tool.slug) if tool.retired else None


def _panel_and_categories(content: Content, end: int) -> Iterator[DemoEvent]:
    opening = end - SPAN - 30 * MINUTE
    for index, (slug, category) in enumerate(content.categories.items()):
        facts: Data = {
            "category": slug,
            "name": category.name,
            "description": category.description.strip(),
        }
        yield make_event("category.defined", opening + index * MINUTE, facts)
    for position, reviewer in enumerate(content.reviewers, start=1):
        person: Data = {
            "reviewer": reviewer.slug,
            "name": reviewer.name,
            "motto": reviewer.motto,
            "position": position,
        }
        yield make_event("reviewer.joined", opening + (10 + position) * MINUTE, person)


def _tool_events(tool: DemoTool, category: str, end: int) -> Iterator[DemoEvent]:
    facts = _facts(tool, category)
    yield make_event("tool.listed", listed_at(tool, end), facts)
    for change in tool.changes:
        at = time_before(change.days_ago, end, tool.slug)
        yield make_event("tool.listed", at, facts | {"pricing": change.pricing})
    for review in tool.reviews:
        at = time_before(review.days_ago, end, tool.slug + review.reviewer)
        yield make_event("review.submitted", at, _review_data(tool, review))
    for retraction in tool.retractions:
        at = time_before(retraction.days_ago, end, tool.slug + retraction.reviewer)
        data: Data = {
            "tool": tool.slug,
            "reviewer": retraction.reviewer,
            "reason": retraction.reason,
        }
        yield make_event("review.retracted", at, data)
    at_retirement = retired_at(tool, end)
    if tool.retired and at_retirement is not None:
        retirement: Data = {"tool": tool.slug, "reason": tool.retired.reason}
        yield make_event("tool.retired", at_retirement, retirement)


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


def _review_data(tool: DemoTool, review: DemoReview) -> Data:
    return {
        "tool": tool.slug,
        "reviewer": review.reviewer,
        "score": review.score,
        "verdict": review.verdict,
        "body": review.body.strip(),
        "pros": review.pros,
        "cons": review.cons,
        "disclosure": " ".join(filter(None, (review.disclosure, NOTICE))),
    }
