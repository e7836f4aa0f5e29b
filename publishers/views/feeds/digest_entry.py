"""A frozen digest as an entry of a feed."""

from publishers.views.digests.digest import digest_page, subject
from publishers.views.feeds.feed_entries import PUBLISHER, FeedEntry
from publishers.views.last_modified import Dates
from schemas.digests import WeeklyDigest


def digest_entry(digest: WeeklyDigest, dates: Dates, *, demo: bool) -> FeedEntry:
    """The digest; `demo` says whether its news are invented."""
    view = digest_page(digest)
    return FeedEntry(
        path=view.path,
        title=subject(digest),
        author=PUBLISHER,
        dates=dates,
        lead=view.summary,
        sections=view.sections,
        demo=demo,
    )
