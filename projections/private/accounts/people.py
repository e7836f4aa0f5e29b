"""Accounts and the addresses of their owners: the rows of `verdicts.accounts`.

An account votes under a name of 16 random bytes. Only its row connects the name with the address:
once the row is deleted, no key and no backup of the log can.
"""

import secrets
from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from projections.private.subscribers.addresses import CheckedAddress, parse_address

_OPEN = text(
    """
    insert into verdicts.accounts (address, canonical, voter)
    values (:address, :canonical, :voter)
    on conflict (canonical) do update set canonical = excluded.canonical
    returning id, address, canonical, voter, created
    """
)
_FIND = text(
    "select id, address, canonical, voter, created from verdicts.accounts where id = :account"
)
_VOTER = text("select voter from verdicts.accounts where canonical = :canonical")
_ERASE = text("delete from verdicts.accounts where id = :account")


class Account(msgspec.Struct, frozen=True):
    """An account.

    Attributes:
        id: Names the row; sessions refer to it.
        address: The owner's.
        voter: The account's name on the log.
        created: When its owner signed in first.
    """

    id: int
    address: CheckedAddress
    voter: str
    created: datetime


def random_voter() -> str:
    """A name for the log: 16 random bytes as 22 characters, like the pseudonym of a browser."""
    return urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")


def open_account(connection: Connection, address: CheckedAddress) -> Account:
    """The account of this address, which is created at the first sign-in."""
    row = connection.execute(
        _OPEN,
        {"address": address.typed, "canonical": address.canonical, "voter": random_voter()},
    ).one()
    return _account(row)


def find_account(connection: Connection, account: int) -> Account | None:
    """The account with this id; None once it is erased."""
    row = connection.execute(_FIND, {"account": account}).one_or_none()
    return None if row is None else _account(row)


def find_voter_of(connection: Connection, canonical: str) -> str | None:
    """The name on the log of the account of a canonical address; None without an account."""
    voter: str | None = connection.scalar(_VOTER, {"canonical": canonical})
    return voter


def delete_account(connection: Connection, account: int) -> bool:
    """Delete an account with its sessions; False where it is gone already."""
    return connection.execute(_ERASE, {"account": account}).rowcount == 1


def _account(row: Any) -> Account:
    return Account(row.id, parse_address(row.address), row.voter, row.created)
