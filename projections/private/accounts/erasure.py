"""What is held about an account beside its votes, and the erasure of all of it."""

from collections.abc import Callable
from datetime import datetime

import msgspec
from sqlalchemy import Connection, text

from projections.private.accounts.people import Account, delete_account, find_account
from projections.private.accounts.sessions import SessionLine, list_sessions
from projections.private.accounts.sign_in_links import delete_links_of
from projections.private.accounts.transfers import Transfer, begin_transfer
from projections.private.subscribers import subscriptions
from projections.private.subscribers.addresses import CheckedAddress
from projections.private.subscribers.subscriptions import Subscriber, find_subscriber

_ERASE_MAILS = text(
    "delete from verdicts.outgoing_mail where lower(recipient) in (lower(:typed), lower(:ascii))"
)
_ERASE_COUNT = text(
    "delete from verdicts.hourly_counts where purpose = 'sign-in-to' and key = :key"
)


class HoldingsKeys(msgspec.Struct, frozen=True):
    """Keyed hashes of an account's address: its subscriber's id, and its key in hourly counts."""

    subscriber: str
    count: str


class Holdings(msgspec.Struct, frozen=True):
    """The rows of one account.

    Attributes:
        account: The account.
        sessions: Its valid sessions, the last used first.
        subscription: The subscription of its address, also one that ended.
    """

    account: Account
    sessions: list[SessionLine]
    subscription: Subscriber | None


def erase_account(
    connection: Connection, account: Account, keys: HoldingsKeys, now: datetime, *, withdraw: bool
) -> bool:
    """Delete an account, and all that connects its address with anything; False if it is gone.

    Its votes stay under a name that means nothing to anybody from now on. With `withdraw` those
    that are still on their way are taken back later; all others were taken back before.
    """
    if not delete_account(connection, account.id):
        return False
    delete_links_of(connection, account.address.canonical)
    if find_subscriber(connection, keys.subscriber):
        subscriptions.erase(connection, keys.subscriber, "account erased", now)
    spellings = {"typed": account.address.typed, "ascii": account.address.ascii}
    connection.execute(_ERASE_MAILS, spellings)
    connection.execute(_ERASE_COUNT, {"key": keys.count})
    if withdraw:
        begin_transfer(connection, Transfer(account.voter))
    return True


def read_holdings(
    connection: Connection, account_id: int, subscriber_id_of: Callable[[CheckedAddress], str]
) -> Holdings | None:
    """Read the rows of an account; None once it is erased."""
    account = find_account(connection, account_id)
    if account is None:
        return None
    return Holdings(
        account,
        list_sessions(connection, account_id),
        find_subscriber(connection, subscriber_id_of(account.address)),
    )
