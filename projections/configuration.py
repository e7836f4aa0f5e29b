"""Which event is folded by which function: the whole projection at a glance."""

from collections.abc import Mapping

from projections import catalog, community, panel, shelves, weeks
from projections.registers import Handler
from schemas import events

HANDLERS: Mapping[type, Handler] = {
    events.CategoryDefined: catalog.category_defined,
    events.ToolListed: catalog.tool_listed,
    events.ToolRetired: catalog.tool_retired,
    events.ReviewerJoined: catalog.reviewer_joined,
    events.ReviewSubmitted: panel.review_submitted,
    events.ReviewRetracted: panel.review_retracted,
    events.VoteCast: community.vote_cast,
    events.VoteRetracted: community.vote_retracted,
    events.BookmarkAdded: shelves.bookmark_added,
    events.BookmarkRemoved: shelves.bookmark_removed,
    events.DigestFrozen: weeks.digest_frozen,
}
