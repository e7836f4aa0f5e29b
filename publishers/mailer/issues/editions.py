"""The editions of an issue: its digest for all topics, and for each set of categories."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Connection

from infra.mail_settings import MailSettings
from projections.history.weekly_digests import find_digest
from publishers.content.database_content import DatabaseContent
from publishers.mailer.issues.schedule import monday_after, month_before, weeks_of_month
from publishers.mailer.messages.edition import (
    PREFERENCES,
    SAVED_HTML,
    SAVED_PLAIN,
    UNSUBSCRIBE,
    EditionText,
)
from publishers.pages.digest_mail import (
    MAX_SUBJECT_LENGTH,
    MailFoot,
    html_of_view,
    subject,
    text_of_view,
)
from publishers.pages.digests import view_of_digest
from publishers.templating.environment import Meta
from publishers.views.digests import headline
from publishers.views.text.formatting import shorten
from schemas.digests import Counts, NamedTool, WeeklyDigest

_LISTS = (
    "new_tools",
    "panel_changes",
    "flips",
    "close_calls",
    "votes",
    "bookmarks",
    "reviews",
    "merges",
)
MOST_ITEMS = 100


def categories_of(digest: WeeklyDigest | None) -> set[str] | None:
    """The categories that a digest says something of; None for no digest."""
    if digest is None:
        return None
    return {item.category.slug for name in _LISTS for item in _items(digest, name)}


def of_topics(digest: WeeklyDigest, topics: Collection[str]) -> WeeklyDigest:
    """What a digest says of some categories; of all without topics."""
    if not topics:
        return digest
    lists: dict[str, Any] = {
        name: [item for item in _items(digest, name) if item.category.slug in topics]
        for name in _LISTS
    }
    return _recounted(msgspec.structs.replace(digest, **lists))


def of_month(digests: Sequence[WeeklyDigest]) -> WeeklyDigest | None:
    """What a month's digests say, the newest word on each tool first; None without any."""
    if not digests:
        return None
    newest_first = sorted(digests, key=lambda digest: digest.week, reverse=True)
    lists: dict[str, Any] = {
        name: list(_once_per_tool(item for digest in newest_first for item in _items(digest, name)))
        for name in _LISTS
    }
    merged = msgspec.structs.replace(newest_first[0], start=newest_first[-1].start, **lists)
    return _recounted(merged)


def read_month(connection: Connection, monday: date) -> WeeklyDigest | None:
    """The edition of the month before a Monday, from its frozen digests."""
    weeks = weeks_of_month(month_before(monday))
    digests = (find_digest(connection, week) for week in weeks)
    return of_month([digest for digest in digests if digest is not None and digest.frozen])


def digest_of(connection: Connection, week: str, frequency: str) -> WeeklyDigest:
    """The digest of an issue: of its week, or of the month before it.

    Raises:
        LookupError: The week, or the month, has no digest.
    """
    monthly = frequency == "monthly"
    monday = monday_after(week)
    digest = read_month(connection, monday) if monthly else find_digest(connection, week)
    if digest is None:
        raise LookupError(f"{week} has no digest")
    return digest


def render_edition(
    connection: Connection,
    public_url: str,
    settings: MailSettings,
    week: str,
    frequency: str,
    topics: Sequence[str],
) -> EditionText:
    """Render one edition; its texts hold the fields that differ between subscribers.

    Raises:
        LookupError: The week, or the month, has no digest.
    """
    monthly = frequency == "monthly"
    month = month_before(monday_after(week))
    digest = of_topics(digest_of(connection, week, frequency), topics)
    content = DatabaseContent(connection)
    view = view_of_digest(content, digest)
    title, heading = subject(digest), view.title
    if monthly:
        heading = f"{month:%B %Y}"
        view = view._replace(title=heading, path="/digests/", dates=f"The digests of {heading}")
        news = headline.subject(digest)
        title = shorten(f"{heading}: {news}" if news else heading, MAX_SUBJECT_LENGTH)
    meta = Meta(heading, "", "", demo=content.is_demo_digest(digest))
    foot = MailFoot(PREFERENCES, UNSUBSCRIBE, settings.footer, "Monthly" if monthly else "Weekly")
    name = f"{week}/{frequency}/{','.join(topics)}"
    plain = text_of_view(public_url, meta, view, foot, SAVED_PLAIN)
    return EditionText(name, title, plain, html_of_view(public_url, meta, view, foot, SAVED_HTML))


def _items(digest: WeeklyDigest, name: str) -> Sequence[NamedTool]:
    items: Sequence[NamedTool] = getattr(digest, name)
    return items


def _once_per_tool(items: Iterable[NamedTool]) -> Iterable[NamedTool]:
    seen: set[str] = set()
    for item in items:
        if item.tool not in seen and len(seen) < MOST_ITEMS:
            seen.add(item.tool)
            yield item


def _recounted(digest: WeeklyDigest) -> WeeklyDigest:
    counts = Counts(
        tools=digest.counts.tools,
        new_tools=len(digest.new_tools),
        panel_changes=len(digest.panel_changes),
        flips=len(digest.flips),
        close_calls=len(digest.close_calls),
        reviews=len(digest.reviews),
        votes=sum(move.votes for move in digest.votes),
        bookmarks=sum(move.change for move in digest.bookmarks),
    )
    return msgspec.structs.replace(digest, counts=counts)
