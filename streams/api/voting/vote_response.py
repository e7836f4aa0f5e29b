"""A tool as one voter sees it: the response to a vote or a bookmark."""

from typing import NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from schemas.events import BookmarkAdded, BookmarkRemoved, VoteCast, VoteRetracted
from schemas.records import Choice, Community
from streams.api.live.tally_cache import CachedTool

VoterChange = VoteCast | VoteRetracted | BookmarkAdded | BookmarkRemoved
REMOVALS: frozenset[type[VoterChange]] = frozenset((VoteRetracted, BookmarkRemoved))
"""Changes that a voter may also make for a retired tool: everybody can take back their own."""


class OwnState(NamedTuple):
    """A voter's choice and bookmark for one tool; UNSET where unknown."""

    choice: Choice | UnsetType | None = UNSET
    saved: bool | UnsetType = UNSET

    def after(self, change: VoterChange) -> "OwnState":
        """The state once the change has been applied."""
        if isinstance(change, VoteCast):
            return OwnState(change.choice, self.saved)
        if isinstance(change, VoteRetracted):
            return OwnState(None, self.saved)
        return OwnState(self.choice, isinstance(change, BookmarkAdded))


NOT_VOTED = OwnState(choice=None, saved=False)
"""The state of a voter without any vote or bookmark."""


class VoteResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The response to a vote or a bookmark.

    Attributes:
        tool: The tool's slug.
        choice: The voter's own choice; left out of a bookmark's response when not known at once.
        community: The tally.
        bookmarks: How many readers have bookmarked the tool.
        version: Grows with each change of the tool; the greater version is the newer.
        saved: Whether the voter has bookmarked it; left out of a vote's response likewise.
        pending: Whether the change is on the log but not in these counts yet; left out where not.
    """

    tool: str
    choice: Choice | UnsetType | None = UNSET
    community: Community
    bookmarks: int
    version: int
    saved: bool | UnsetType = UNSET
    pending: bool | UnsetType = UNSET

    @classmethod
    def of(cls, tool: CachedTool, own: OwnState, *, pending: bool = False) -> "VoteResponse":
        """The response with these counts and this own state."""
        return cls(
            tool=tool.tool,
            choice=own.choice,
            community=tool.community,
            bookmarks=tool.bookmarks,
            version=tool.version,
            saved=own.saved,
            pending=pending or UNSET,
        )
