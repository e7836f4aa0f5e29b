"""An example of every event, which a test changes where it matters."""

import struct
from io import BytesIO
from typing import Any

import fastavro
import msgspec
from msgspec import UNSET, UnsetType

from schemas import events
from schemas.events import Data, Event
from schemas.facts.values import Fact, FactDefinition, Money
from schemas.records import Choice, Entry
from schemas.time import instants

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOON = instants.parse("2026-11-20T12:00:00Z")

TOOL, OTHER_TOOL = "smolvlm-2-5", "claude-4-api"
CATEGORY = "developer-tools"
FACT_DEFINITIONS = (
    FactDefinition("context", "Context window", "number", "tokens", "more"),
    FactDefinition("price", "Price", "money", better="less"),
    FactDefinition("offline", "Works offline", "yes-no"),
)
FACTS = {
    "context": Fact(128_000, "https://example.com/limits", "2026-11-20"),
    "price": Fact(Money("20.00", "USD", "month")),
    "offline": Fact(True),
    "platforms": Fact(("Linux", "macOS")),
    "size": Fact(2.5),
}


def an_event(data: Data, *, time: int = NOON, id: str = "01") -> Event:  # noqa: A002
    """An event that says `data`."""
    return Event(id, time, data)


def a_category(
    category: str = CATEGORY,
    name: str = "Developer Tools",
    description: str = "What you build with.",
    *,
    facts: tuple[FactDefinition, ...] | UnsetType = UNSET,
    time: int = NOON,
    id: str = "01",  # noqa: A002
) -> Event:
    """A category is defined."""
    return an_event(events.CategoryDefined(category, name, description, facts), time=time, id=id)


def a_removal(
    category: str = CATEGORY,
    into: str | None = None,
    *,
    time: int = NOON,
    id: str = "01",  # noqa: A002
) -> Event:
    """A category is removed."""
    return an_event(events.CategoryRemoved(category, into), time=time, id=id)


def a_listing(
    tool: str = TOOL,
    name: str = "SmolVLM 2.5",
    category: str = CATEGORY,
    *,
    tagline: str = "Vision on a laptop.",
    description: str = "A small model with open weights.",
    pricing: str = "Free under Apache 2.0.",
    entry: Entry = "free",
    best_for: str | None = None,
    url: str | None = None,
    facts: dict[str, Fact] | UnsetType = UNSET,
    time: int = NOON,
    id: str = "01",  # noqa: A002
) -> Event:
    """A tool is listed."""
    data = events.ToolListed(
        tool=tool,
        name=name,
        category=category,
        tagline=tagline,
        description=description,
        pricing=pricing,
        entry=entry,
        best_for=best_for,
        url=url,
        facts=facts,
    )
    return an_event(data, time=time, id=id)


def a_retirement(
    tool: str = TOOL,
    reason: str = "Its maker closed it.",
    *,
    time: int = NOON,
    id: str = "01",  # noqa: A002
) -> Event:
    """A tool is retired."""
    return an_event(events.ToolRetired(tool, reason), time=time, id=id)


def a_merge(
    tool: str = TOOL,
    into: str = OTHER_TOOL,
    reason: str | None = None,
    *,
    time: int = NOON,
    id: str = "01",  # noqa: A002
) -> Event:
    """A tool is merged into another one."""
    return an_event(events.ToolMerged(tool, into, reason), time=time, id=id)


def a_reviewer(
    reviewer: str = "builder",
    name: str = "Builder",
    position: int = 1,
    *,
    motto: str = "Ships on Fridays.",
    time: int = NOON,
    id: str = "01",  # noqa: A002
) -> Event:
    """A reviewer joins."""
    return an_event(events.ReviewerJoined(reviewer, name, motto, position), time=time, id=id)


def a_departure(
    reviewer: str = "builder",
    reason: str | None = None,
    *,
    time: int = NOON,
    id: str = "01",  # noqa: A002
) -> Event:
    """A reviewer leaves."""
    return an_event(events.ReviewerLeft(reviewer, reason), time=time, id=id)


def a_review(
    score: int = 80,
    verdict: Choice = "ship",
    *,
    tool: str = TOOL,
    reviewer: str = "builder",
    body: str = "Does what it says.",
    pros: tuple[str, ...] = (),
    cons: tuple[str, ...] = (),
    disclosure: str | None = None,
    time: int = NOON,
    id: str = "01",  # noqa: A002
) -> Event:
    """A reviewer's opinion."""
    data = events.ReviewSubmitted(tool, reviewer, score, verdict, body, pros, cons, disclosure)
    return an_event(data, time=time, id=id)


def a_retracted_review(
    *,
    tool: str = TOOL,
    reviewer: str = "builder",
    reason: str = "I tested the wrong version.",
    time: int = NOON,
    id: str = "01",  # noqa: A002
) -> Event:
    """A reviewer takes an opinion back."""
    return an_event(events.ReviewRetracted(tool, reviewer, reason), time=time, id=id)


def a_vote(
    choice: Choice = "ship",
    *,
    tool: str = TOOL,
    voter: str = "v-1",
    time: int = NOON,
    id: str = "01",  # noqa: A002
) -> Event:
    """A voter's choice."""
    return an_event(events.VoteCast(tool, voter, choice), time=time, id=id)


def a_retracted_vote(
    *,
    tool: str = TOOL,
    voter: str = "v-1",
    time: int = NOON,
    id: str = "01",  # noqa: A002
) -> Event:
    """A voter takes the vote back."""
    return an_event(events.VoteRetracted(tool, voter), time=time, id=id)


def a_bookmark(
    *,
    tool: str = TOOL,
    voter: str = "v-1",
    time: int = NOON,
    id: str = "01",  # noqa: A002
) -> Event:
    """A reader keeps a tool."""
    return an_event(events.BookmarkAdded(tool, voter), time=time, id=id)


def a_removed_bookmark(
    *,
    tool: str = TOOL,
    voter: str = "v-1",
    time: int = NOON,
    id: str = "01",  # noqa: A002
) -> Event:
    """A reader lets a tool go."""
    return an_event(events.BookmarkRemoved(tool, voter), time=time, id=id)


def a_digest(
    week: str = "2026-W47",
    digest: str = '{"week":"2026-W47"}',
    *,
    time: int = NOON,
    id: str = "01",  # noqa: A002
) -> Event:
    """A week is closed."""
    tallies = (events.FrozenTally(TOOL, ship=12, skip=3, bookmarks=7),)
    return an_event(events.DigestFrozen(week, digest, tallies), time=time, id=id)


EVERY_TYPE = (
    a_category(facts=FACT_DEFINITIONS),
    a_removal(into="ai-tools"),
    a_listing(best_for="Images that stay at home.", url="https://example.com/", facts=FACTS),
    a_retirement(),
    a_merge(reason="Its maker renamed it."),
    a_reviewer(),
    a_departure(reason="Builds elsewhere now."),
    a_review(pros=("Runs offline",), cons=("Small context",), disclosure="I know its author."),
    a_retracted_review(),
    a_vote(),
    a_retracted_vote(),
    a_bookmark(),
    a_removed_bookmark(),
    a_digest(),
)


def unstamped(event: Event) -> dict[str, Any]:
    """The event as JSON for `POST /v1/events`, without id and time, which the server then sets."""
    data = msgspec.to_builtins(event.data)
    given = {name: value for name, value in data.items() if value is not None}
    return {"type": event.type, "data": given}


def avro(schema: Any, record: str, fields: dict[str, Any], schema_id: int) -> bytes:
    """Bytes as any Avro library would write them: magic byte, schema id, body."""
    body = BytesIO()
    body.write(struct.pack(">bI", 0, schema_id))
    fastavro.schemaless_writer(body, fastavro.parse_schema(schema), (f"verdicts.{record}", fields))
    return body.getvalue()
