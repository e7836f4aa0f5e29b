"""A frozen digest as an entry of a feed."""

from publishers.views.digests.digest import digest_page, subject
from publishers.views.feeds.atom import PUBLISHER, FeedEntry
from schemas.digests import WeeklyDigest


def digest_entry(digest: WeeklyDigest) -> FeedEntry:
    """The digest, dated by the end of its week."""
    view = digest_page(digest)
    return FeedEntry(
        path=view.path,
        title=subject(digest),
        author=PUBLISHER,
        time=digest.end,
        lead=view.summary,
        sections=view.sections,
    )
