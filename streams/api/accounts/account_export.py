"""Everything held about an account, as JSON."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from projections.private.accounts.erasure import Holdings
from projections.private.accounts.sessions import SessionLine
from projections.private.subscribers.subscriptions import Subscriber
from projections.read.voters import OwnVote, SavedTool
from streams.api.reading.export import Bookmark, Vote


class SubscriptionExport(msgspec.Struct, frozen=True):
    """The subscription of the account's address."""

    frequency: str
    topics: tuple[str, ...]
    timezone: str
    paused_until: str | None
    requested: datetime
    confirmed: datetime
    consent_source: str
    unsubscribed: datetime | None
    state: str


class AccountExport(msgspec.Struct, frozen=True):
    """Everything held about an account.

    Attributes:
        email: The address, as its owner typed it.
        voter: The account's name on the log.
        created: When its owner signed in first.
        sessions: Browsers that are signed in, the last used first.
        votes: Current votes, newest first.
        bookmarks: Current bookmarks, newest first.
        subscription: The subscription of the address; null without one.
    """

    email: str
    voter: str
    created: datetime
    sessions: list[SessionLine]
    votes: list[Vote]
    bookmarks: list[Bookmark]
    subscription: SubscriptionExport | None


def export_account(
    holdings: Holdings, votes: Sequence[OwnVote], saved: Sequence[SavedTool], public_url: str
) -> AccountExport:
    """Put together what the private rows and the projections hold."""
    account, subscription = holdings.account, holdings.subscription

    def url(tool: str) -> str:
        return f"{public_url}/tools/{tool}/"

    return AccountExport(
        email=account.address.typed,
        voter=account.voter,
        created=account.created,
        sessions=holdings.sessions,
        votes=[
            Vote(vote.tool, vote.name, url(vote.tool), vote.choice, vote.time) for vote in votes
        ],
        bookmarks=[
            Bookmark(tool.tool, tool.name, tool.tagline, url(tool.tool), tool.time)
            for tool in saved
        ],
        subscription=None if subscription is None else _subscription(subscription),
    )


def _subscription(subscription: Subscriber) -> SubscriptionExport:
    return SubscriptionExport(
        frequency=subscription.frequency,
        topics=subscription.topics,
        timezone=subscription.timezone,
        paused_until=str(subscription.paused_until) if subscription.paused_until else None,
        requested=subscription.requested,
        confirmed=subscription.confirmed,
        consent_source=subscription.consent_source,
        unsubscribed=subscription.unsubscribed,
        state=subscription.state,
    )
