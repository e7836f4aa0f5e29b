"""Sign-in by a mailed link: asking for one, and using it; each in one transaction."""

import msgspec
from sqlalchemy import Connection

from projections.private import outgoing_mail
from projections.private.accounts.people import open_account
from projections.private.accounts.sessions import IssuedSession, create_session
from projections.private.accounts.sign_in_links import create_link, use_link
from projections.private.accounts.transfers import Transfer, begin_transfer
from projections.private.hourly_counts import HourlyLimit, LimitReached, count_within
from projections.private.subscribers.addresses import CheckedAddress

MAILS_TO_ADDRESS = 3
"""Sign-in mails an hour to one address."""
MAILS_FROM_PREFIX = 20
"""Sign-in mails an hour for callers of one network prefix."""


class SignInRequest(msgspec.Struct, frozen=True):
    """A browser asks for a link.

    Attributes:
        address: Gets the mail.
        address_key: A keyed hash of the address, under which its mails are counted.
        verifier: What the browser keeps to be recognized.
        prefix: The network prefix of the caller.
    """

    address: CheckedAddress
    address_key: str
    verifier: str
    prefix: str


class Arrival(msgspec.Struct, frozen=True):
    """A browser that uses a link.

    Attributes:
        token: The link's.
        verifier: What the browser kept; empty in another browser.
        device: What its owner recognizes it by.
        former_secret: The secret of its former session, if it has one.
        voter: The name on the log of the browser's own voter, if it has one.
    """

    token: str
    verifier: str
    device: str
    former_secret: str | None
    voter: str | None


class SignedIn(msgspec.Struct, frozen=True):
    """A new session, and the transfer of the browser's own votes, if it had a voter."""

    issued: IssuedSession
    transfer: Transfer | None


def request_link(connection: Connection, request: SignInRequest) -> bool:
    """Mail a link; False where the address or the network has got enough mails in this hour.

    Whether the address has an account makes no difference: nothing looks.
    """
    limits = [
        HourlyLimit("sign-in-to", request.address_key, MAILS_TO_ADDRESS),
        HourlyLimit("sign-in-from", request.prefix, MAILS_FROM_PREFIX),
    ]
    try:
        with connection.begin_nested():
            count_within(connection, limits)
    except LimitReached:
        return False
    token = create_link(connection, request.address, request.verifier)
    path = f"/sign-in/?token={token}"
    outgoing_mail.enqueue(connection, "sign-in", request.address.ascii, {"path": path})
    return True


def sign_in(connection: Connection, arrival: Arrival) -> SignedIn | None:
    """Use a link up, and open its account for the browser; None where it works no more.

    The first sign-in creates the account.
    """
    link = use_link(connection, arrival.token, arrival.verifier)
    if link is None:
        return None
    account = open_account(connection, link.address)
    issued = create_session(
        connection, account.id, account.voter, arrival.device, arrival.former_secret
    )
    if arrival.voter is None:
        return SignedIn(issued, None)
    return SignedIn(issued, begin_transfer(connection, Transfer(arrival.voter, account.voter)))
