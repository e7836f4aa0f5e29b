"""The events: a frozen struct for the data of each type, and the event that carries such data."""

from collections.abc import Mapping
from typing import ClassVar, Generic, Literal

import msgspec
from msgspec import UNSET, UnsetType
from typing_extensions import TypeVar

from schemas import topics
from schemas.facts.values import FactDefinitions, Facts
from schemas.fields import Body, Line, Paragraph, Position, Score, Slug, Url, Voter, Week
from schemas.records import Choice, Entry
from schemas.topics import Topic

Role = Literal["editor", "gateway", "system"]
DEMO_ID_PREFIX = "verdicts-demo:"
"""Begins the id of every event of the demo: the log itself tells which content is invented."""


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The content of an event. Subclasses name their type, topic, key field and sender's role.

    A field that a later schema version adds defaults to UNSET. The stamp of an event leaves such a
    field out, so an older event keeps the stamp that it had before.
    """

    type: ClassVar[str]
    topic: ClassVar[Topic]
    key_field: ClassVar[str]
    role: ClassVar[Role]


class CategoryDefined(Data, frozen=True):
    """An editor defines a category; a later definition replaces it."""

    type = "category.defined"
    topic = topics.CATALOG
    key_field = "category"
    role = "editor"

    category: Slug
    name: Line
    description: Paragraph
    facts: FactDefinitions | UnsetType = UNSET


class CategoryRemoved(Data, frozen=True):
    """An editor removes a category, until a later definition; its tools go to `into` or stay."""

    type = "category.removed"
    topic = topics.CATALOG
    key_field = "category"
    role = "editor"

    category: Slug
    into: Slug | None = None


class ToolListed(Data, frozen=True):
    """An editor lists a tool on the site; a later listing replaces its facts."""

    type = "tool.listed"
    topic = topics.CATALOG
    key_field = "tool"
    role = "editor"

    tool: Slug
    name: Line
    category: Slug
    tagline: Line
    description: Paragraph
    pricing: Paragraph
    entry: Entry
    best_for: Paragraph | None = None
    url: Url | None = None
    facts: Facts | UnsetType = UNSET


class ToolRetired(Data, frozen=True):
    """An editor takes a tool off the site, until a later listing."""

    type = "tool.retired"
    topic = topics.CATALOG
    key_field = "tool"
    role = "editor"

    tool: Slug
    reason: Line


class ToolMerged(Data, frozen=True):
    """An editor makes a tool another name of `into`, until a later listing of the tool."""

    type = "tool.merged"
    topic = topics.CATALOG
    key_field = "tool"
    role = "editor"

    tool: Slug
    into: Slug
    reason: Line | None = None


class ReviewerJoined(Data, frozen=True):
    """A reviewer joins the panel; `position` orders the scorecard."""

    type = "reviewer.joined"
    topic = topics.CATALOG
    key_field = "reviewer"
    role = "editor"

    reviewer: Slug
    name: Line
    motto: Line
    position: Position


class ReviewerLeft(Data, frozen=True):
    """A reviewer leaves the panel, until a later joining; the reviews stay and count no more."""

    type = "reviewer.left"
    topic = topics.CATALOG
    key_field = "reviewer"
    role = "editor"

    reviewer: Slug
    reason: Line | None = None


class ReviewSubmitted(Data, frozen=True):
    """A reviewer submits a review of a tool; a later one replaces it."""

    type = "review.submitted"
    topic = topics.REVIEWS
    key_field = "tool"
    role = "editor"

    tool: Slug
    reviewer: Slug
    score: Score
    verdict: Choice
    body: Body
    pros: tuple[Paragraph, ...] = ()
    cons: tuple[Paragraph, ...] = ()
    disclosure: Paragraph | None = None


class ReviewRetracted(Data, frozen=True):
    """A reviewer retracts the review of a tool, until a later one."""

    type = "review.retracted"
    topic = topics.REVIEWS
    key_field = "tool"
    role = "editor"

    tool: Slug
    reviewer: Slug
    reason: Line


class VoteCast(Data, frozen=True):
    """A voter chooses ship or skip for a tool; a later choice replaces it."""

    type = "vote.cast"
    topic = topics.VOTES
    key_field = "voter"
    role = "gateway"

    tool: Slug
    voter: Voter
    choice: Choice


class VoteRetracted(Data, frozen=True):
    """A voter retracts the vote for a tool."""

    type = "vote.retracted"
    topic = topics.VOTES
    key_field = "voter"
    role = "gateway"

    tool: Slug
    voter: Voter


class BookmarkAdded(Data, frozen=True):
    """A reader bookmarks a tool."""

    type = "bookmark.added"
    topic = topics.BOOKMARKS
    key_field = "voter"
    role = "gateway"

    tool: Slug
    voter: Voter


class BookmarkRemoved(Data, frozen=True):
    """A reader removes the bookmark of a tool."""

    type = "bookmark.removed"
    topic = topics.BOOKMARKS
    key_field = "voter"
    role = "gateway"

    tool: Slug
    voter: Voter


class FrozenTally(msgspec.Struct, frozen=True):
    """Votes and bookmarks of a tool at the close of a week."""

    tool: str
    ship: int
    skip: int
    bookmarks: int


class DigestFrozen(Data, frozen=True):
    """A worker closes a week: its digest as JSON text, and every tool's tally at that moment."""

    type = "digest.frozen"
    topic = topics.DIGESTS
    key_field = "week"
    role = "system"

    week: Week
    digest: str
    tallies: tuple[FrozenTally, ...] = ()


EVENT_TYPES: Mapping[str, type[Data]] = {
    data.type: data
    for data in (
        CategoryDefined,
        CategoryRemoved,
        ToolListed,
        ToolRetired,
        ToolMerged,
        ReviewerJoined,
        ReviewerLeft,
        ReviewSubmitted,
        ReviewRetracted,
        VoteCast,
        VoteRetracted,
        BookmarkAdded,
        BookmarkRemoved,
        DigestFrozen,
    )
}


DataT = TypeVar("DataT", bound=Data, default=Data, covariant=True)


class Event(msgspec.Struct, Generic[DataT], frozen=True, gc=False):
    """An event; `Event[VoteCast]` carries a vote, a plain `Event` any data.

    Attributes:
        id: Chosen by the sender; orders events of equal time by its UTF-8 bytes.
        time: Microseconds since 1970; orders events.
        data: The content, a struct of the event's type.
        source: The CloudEvents source; the order ignores it.
    """

    id: str
    time: int
    data: DataT
    source: str | None = None

    @property
    def type(self) -> str:
        """Name of the event's type, such as `vote.cast`."""
        return self.data.type

    @property
    def key(self) -> str:
        """Kafka key: events with the same key stay in order on one partition."""
        key: str = getattr(self.data, self.data.key_field)
        return key
