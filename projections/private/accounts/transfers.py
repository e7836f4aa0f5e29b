"""Transfers of votes and bookmarks that are not finished: the rows of `verdicts.transfers`.

A row is inserted with the decision and deleted when nothing is left to transfer, so a process that
dies in between loses nothing: any other goes on. It names voters alone.
"""

import msgspec
from sqlalchemy import Connection, text

_BEGIN = text(
    "insert into verdicts.transfers (voter, heir) values (:voter, :heir) "
    "on conflict (voter) do update set heir = "
    "case when excluded.heir is null then null else transfers.heir end "
    "returning heir"
)
_FINISH = text("delete from verdicts.transfers where voter = :voter")
_PENDING = text(
    "select voter, heir from verdicts.transfers "
    "where since <= clock_timestamp() - make_interval(secs => :seconds) order by since, voter"
)
_PENDING_FOR = text("select voter, heir from verdicts.transfers where heir = :heir order by voter")


class Transfer(msgspec.Struct, frozen=True):
    """What `voter` chose and saved becomes that of `heir`, or is taken back without an heir."""

    voter: str
    heir: str | None = None


def begin_transfer(connection: Connection, transfer: Transfer) -> Transfer:
    """Insert a transfer. The heir of one that is under way already stays, unless all goes."""
    heir = connection.scalar(_BEGIN, {"voter": transfer.voter, "heir": transfer.heir})
    return Transfer(transfer.voter, heir)


def finish_transfer(connection: Connection, voter: str) -> None:
    """Delete the transfer of a voter."""
    connection.execute(_FINISH, {"voter": voter})


def list_transfers(connection: Connection, older_than: float = 0) -> list[Transfer]:
    """Transfers that began more than so many seconds ago, the oldest first."""
    rows = connection.execute(_PENDING, {"seconds": older_than})
    return [Transfer(row.voter, row.heir) for row in rows]


def list_transfers_to(connection: Connection, heir: str) -> list[Transfer]:
    """Transfers to one voter."""
    return [
        Transfer(row.voter, row.heir) for row in connection.execute(_PENDING_FOR, {"heir": heir})
    ]
