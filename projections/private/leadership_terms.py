"""Leadership terms of mailers: the row of `verdicts.mail_terms`.

Only the mailer with the newest term claims digest mails. The row names the database of that term;
in a copy it still names the original.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from infra.postgres.database_identity import database_identity

_BEGIN = text(
    """
    update verdicts.mail_terms as present set term = present.term + 1, database = :database,
        copied = case when before.database in ('', :database) then present.copied
            else clock_timestamp() end
    from (select database from verdicts.mail_terms for update) as before
    returning present.term, before.database not in ('', :database) as is_copy
    """
)
_HOLD = text("select term from verdicts.mail_terms where term = :term for share")
# No term begins before the transaction ends: it might find out that the database is a copy.
_COPIED = text("select copied from verdicts.mail_terms for share")


class TermOverError(OSError):
    """Another mailer has begun a newer term; this one must stop."""


class Term(NamedTuple):
    """A new term.

    Attributes:
        number: Greater than that of any former term.
        is_copy: Whether the former term was on another database, of which this one is a copy.
    """

    number: int
    is_copy: bool


def begin_term(connection: Connection) -> Term:
    """Begin a new term, once no transaction of the former term is open."""
    identity = database_identity(connection, "verdicts.mail_terms")
    row = connection.execute(_BEGIN, {"database": identity}).one()
    return Term(row.term, row.is_copy)


def require_term(connection: Connection, term: int) -> None:
    """Keep a term from ending before this transaction does.

    Raises:
        TermOverError: A newer one has begun.
    """
    if connection.execute(_HOLD, {"term": term}).first() is None:
        raise TermOverError("another mailer has taken over")


def find_copy_time(connection: Connection) -> datetime | None:
    """When a mailer last found that its database was a copy; None for never.

    No term begins before the caller's transaction ends.
    """
    copied: datetime | None = connection.execute(_COPIED).scalar_one()
    return copied
