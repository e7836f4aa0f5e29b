"""The events: one frozen struct for the data of each type, and what goes around them."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import msgspec

from schemas import topics
from schemas.fields import Body, Line, Paragraph, Position, Score, Slug, Url, Voter, Week
from schemas.records import Choice, Entry
from schemas.topics import Topic

Role = Literal["editor", "gateway", "system"]


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What an event says. Subclasses name their type, topic, key and who may send them."""

    type: ClassVar[str]
    topic: ClassVar[Topic]
    key_field: ClassVar[str]
    role: ClassVar[Role]


class CategoryDefined(Data, frozen=True):
    """A category exists, or is described anew."""

    type = "category.defined"
    topic = topics.CATALOG
    key_field = "category"
    role = "editor"

    category: Slug
    name: Line
    description: Paragraph


class ToolListed(Data, frozen=True):
    """A tool is on the site, or its facts are written anew."""

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


class ToolRetired(Data, frozen=True):
    """A tool leaves the site, until it is listed again later."""

    type = "tool.retired"
    topic = topics.CATALOG
    key_field = "tool"
    role = "editor"

    tool: Slug
    reason: Line


class ReviewerJoined(Data, frozen=True):
    """A reviewer sits on the panel; `position` is the place on the scorecard."""

    type = "reviewer.joined"
    topic = topics.CATALOG
    key_field = "reviewer"
    role = "editor"

    reviewer: Slug
    name: Line
    motto: Line
    position: Position


class ReviewSubmitted(Data, frozen=True):
    """A reviewer's opinion of a tool; a later one replaces it."""

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
    """A reviewer takes the opinion back, until a later one."""

    type = "review.retracted"
    topic = topics.REVIEWS
    key_field = "tool"
    role = "editor"

    tool: Slug
    reviewer: Slug
    reason: Line


class VoteCast(Data, frozen=True):
    """A voter's choice for a tool; a later one replaces it."""

    type = "vote.cast"
    topic = topics.VOTES
    key_field = "voter"
    role = "gateway"

    tool: Slug
    voter: Voter
    choice: Choice


class VoteRetracted(Data, frozen=True):
    """A voter takes the vote back."""

    type = "vote.retracted"
    topic = topics.VOTES
    key_field = "voter"
    role = "gateway"

    tool: Slug
    voter: Voter


class BookmarkAdded(Data, frozen=True):
    """A reader keeps a tool."""

    type = "bookmark.added"
    topic = topics.BOOKMARKS
    key_field = "voter"
    role = "gateway"

    tool: Slug
    voter: Voter


class BookmarkRemoved(Data, frozen=True):
    """A reader lets a tool go."""

    type = "bookmark.removed"
    topic = topics.BOOKMARKS
    key_field = "voter"
    role = "gateway"

    tool: Slug
    voter: Voter


class FrozenTally(msgspec.Struct, frozen=True):
    """Where a tool stood among voters and bookmarks when its week closed."""

    tool: str
    ship: int
    skip: int
    bookmarks: int


class DigestFrozen(Data, frozen=True):
    """A week is closed: its digest as JSON text, and every tool's tally then."""

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
        ToolListed,
        ToolRetired,
        ReviewerJoined,
        ReviewSubmitted,
        ReviewRetracted,
        VoteCast,
        VoteRetracted,
        BookmarkAdded,
        BookmarkRemoved,
        DigestFrozen,
    )
}


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event: `id` and `time` (microseconds since 1970) order it, `data` is what it says."""

    id: str
    time: int
    data: Data
    source: str | None = None

    @property
    def type(self) -> str:
        """The name of the event's type, such as `vote.cast`."""
        return self.data.type

    @property
    def key(self) -> str:
        """The Kafka key: what must stay in order."""
        key: str = getattr(self.data, self.data.key_field)
        return key
