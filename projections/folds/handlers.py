"""Which event is folded by which function: the whole projection at a glance."""

from collections.abc import Mapping

from projections.folds import bookmarks, catalog, digests, reviews, votes
from projections.folds.registers import Handler, on
from schemas import events
from schemas.events import Data

HANDLERS: Mapping[type[Data], Handler] = dict(
    (
        on(events.CategoryDefined, catalog.category_defined),
        on(events.CategoryRemoved, catalog.category_removed),
        on(events.ToolListed, catalog.tool_listed),
        on(events.ToolRetired, catalog.tool_retired),
        on(events.ToolMerged, catalog.tool_merged),
        on(events.ReviewerJoined, catalog.reviewer_joined),
        on(events.ReviewerLeft, catalog.reviewer_left),
        on(events.ReviewSubmitted, reviews.review_submitted),
        on(events.ReviewRetracted, reviews.review_retracted),
        on(events.VoteCast, votes.vote_cast),
        on(events.VoteRetracted, votes.vote_retracted),
        on(events.BookmarkAdded, bookmarks.bookmark_added),
        on(events.BookmarkRemoved, bookmarks.bookmark_removed),
        on(events.DigestFrozen, digests.digest_frozen),
    )
)
