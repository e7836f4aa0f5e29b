"""Links that sign in once, within 15 minutes: the rows of `verdicts.sign_in_links`.

A row holds hashes of the link's token and of the verifier that the browser keeps which asked.
"""

import hashlib
import hmac
import secrets
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from projections.private.subscribers.addresses import CheckedAddress, parse_address

LINK_SECONDS = 15 * 60

_CREATE = text(
    """
    insert into verdicts.sign_in_links (hash, address, canonical, verifier, expires)
    values (:hash, :address, :canonical, :verifier, now() + make_interval(secs => :seconds))
    """
)
_FIND = text(
    "select address, canonical, verifier from verdicts.sign_in_links "
    "where hash = :hash and expires > now()"
)
_USE = text(
    "delete from verdicts.sign_in_links where hash = :hash and expires > now() "
    "returning address, canonical, verifier"
)
_DELETE_OF = text("delete from verdicts.sign_in_links where canonical = :canonical")
_PRUNE = text(
    """
    delete from verdicts.sign_in_links where hash in (
        select hash from verdicts.sign_in_links where expires <= now() for update skip locked
    )
    """
)


class SignInLink(msgspec.Struct, frozen=True):
    """A link that still works; `same_browser` where the browser that asked has opened it."""

    address: CheckedAddress
    same_browser: bool


def create_link(connection: Connection, address: CheckedAddress, verifier: str) -> str:
    """Insert a link for an address, and prune those that are too old; returns its token."""
    connection.execute(_PRUNE)
    token = secrets.token_urlsafe(32)
    connection.execute(
        _CREATE,
        {
            "hash": _hash(token),
            "address": address.typed,
            "canonical": address.canonical,
            "verifier": _hash(verifier),
            "seconds": LINK_SECONDS,
        },
    )
    return token


def find_link(connection: Connection, token: str, verifier: str) -> SignInLink | None:
    """The link with this token; changes nothing."""
    return _link(connection.execute(_FIND, {"hash": _hash(token)}).one_or_none(), verifier)


def use_link(connection: Connection, token: str, verifier: str) -> SignInLink | None:
    """The link with this token, which is used up now. One transaction of several gets it."""
    return _link(connection.execute(_USE, {"hash": _hash(token)}).one_or_none(), verifier)


def delete_links_of(connection: Connection, canonical: str) -> None:
    """Delete all links of a canonical address."""
    connection.execute(_DELETE_OF, {"canonical": canonical})


def _link(row: Any, verifier: str) -> SignInLink | None:
    if row is None:
        return None
    same_browser = hmac.compare_digest(row.verifier, _hash(verifier))
    return SignInLink(parse_address(row.address), same_browser)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
