"""The editors: they define, list, review, revise, retract and retire."""

from collections.abc import Iterator
from zlib import crc32

import msgspec

from schemas.events import Data as EventData
from streams.demo.content import DemoContent, DemoTool, EarlierReview
from streams.demo.event import DAY, MINUTE, SECOND, Data, DemoEvent, make_event

# A review is also read apart from its page, which says that the whole site is a demo.
NOTICE = "Invented for this demo."

SPAN = 35 * DAY

# Spreads the editors' work, which would else fall on whole numbers of days before the end.
_MAX_DELAY_SECONDS = 5 * 60 * 60


def editorial_events(content: DemoContent, end: int) -> Iterator[DemoEvent]:
    """Generate the events of categories, reviewers and tools, in no order."""
    yield from _panel_and_categories(content, end)
    for tool in content.tools:
        yield from _tool_events(tool, end)


def time_before(days_ago: float, end: int, seed: str) -> int:
    """Return a time some days before the end, plus up to five hours that depend on `seed`.

    The delay shrinks towards the end of the story, so no event is later than the end.
    """
    delay = crc32(seed.encode()) % _MAX_DELAY_SECONDS * SECOND
    return end - int(days_ago * DAY) + int(delay * min(1.0, days_ago))


def listed_at(tool: DemoTool, end: int) -> int:
    """Time of a tool's first listing; tools of the first day are listed before any vote."""
    return time_before(tool.story.listed, end, tool.slug)


def retired_at(tool: DemoTool, end: int) -> int | None:
    """Time of a tool's retirement; None if it stays."""
    retired = tool.story.retired
    return time_before(retired.days_ago, end, tool.slug) if retired else None


def _panel_and_categories(content: DemoContent, end: int) -> Iterator[DemoEvent]:
    opening = end - SPAN - 30 * MINUTE
    for index, category in enumerate(content.categories):
        yield make_event("category.defined", opening + index * MINUTE, _fields(category))
    for reviewer in content.reviewers:
        at = opening + (10 + reviewer.position) * MINUTE
        yield make_event("reviewer.joined", at, _fields(reviewer))


def _tool_events(tool: DemoTool, end: int) -> Iterator[DemoEvent]:
    story = tool.story
    yield from _listings(tool, end)
    for review in tool.reviews:
        at = time_before(story.reviews[review.reviewer], end, tool.slug + review.reviewer)
        yield make_event("review.submitted", at, _with_notice(_fields(review)))
    for earlier in story.earlier_reviews:
        at = time_before(earlier.days_ago, end, tool.slug + earlier.reviewer)
        yield make_event("review.submitted", at, _with_notice(_earlier_data(tool, earlier)))
    for retraction in story.retractions:
        at = time_before(retraction.days_ago, end, tool.slug + retraction.reviewer)
        data: Data = {
            "tool": tool.slug,
            "reviewer": retraction.reviewer,
            "reason": retraction.reason,
        }
        yield make_event("review.retracted", at, data)
    at_retirement = retired_at(tool, end)
    if story.retired and at_retirement is not None:
        retirement: Data = {"tool": tool.slug, "reason": story.retired.reason}
        yield make_event("tool.retired", at_retirement, retirement)


def _listings(tool: DemoTool, end: int) -> Iterator[DemoEvent]:
    facts = _fields(tool.listing)
    former = tool.story.former_price
    if former is None:
        yield make_event("tool.listed", listed_at(tool, end), facts)
        return
    yield make_event("tool.listed", listed_at(tool, end), facts | {"pricing": former.pricing})
    at = time_before(former.until, end, tool.slug)
    yield make_event("tool.listed", at, facts)


def _fields(data: EventData) -> Data:
    """The fields of an event that have a value, as `POST /v1/events` takes them."""
    fields: Data = msgspec.json.decode(msgspec.json.encode(data))
    return {name: value for name, value in fields.items() if value is not None}


def _earlier_data(tool: DemoTool, review: EarlierReview) -> Data:
    return {
        "tool": tool.slug,
        "reviewer": review.reviewer,
        "score": review.score,
        "verdict": review.verdict,
        "body": review.body.strip(),
        "pros": review.pros,
        "cons": review.cons,
        **({"disclosure": review.disclosure} if review.disclosure else {}),
    }


def _with_notice(data: Data) -> Data:
    disclosure = " ".join(filter(None, (str(data.get("disclosure", "")), NOTICE)))
    return data | {"disclosure": disclosure}
