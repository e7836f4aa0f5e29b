"""Which event is folded by which function: the whole projection at a glance."""

from collections.abc import Mapping

from projections.folds import bookmarks, catalog, digests, reviews, votes
from projections.folds.registers import Handler
from schemas import events

HANDLERS: Mapping[type, Handler] = {
    events.CategoryDefined: catalog.category_defined,
    events.ToolListed: catalog.tool_listed,
    events.ToolRetired: catalog.tool_retired,
    events.ReviewerJoined: catalog.reviewer_joined,
    events.ReviewSubmitted: reviews.review_submitted,
    events.ReviewRetracted: reviews.review_retracted,
    events.VoteCast: votes.vote_cast,
    events.VoteRetracted: votes.vote_retracted,
    events.BookmarkAdded: bookmarks.bookmark_added,
    events.BookmarkRemoved: bookmarks.bookmark_removed,
    events.DigestFrozen: digests.digest_frozen,
}
