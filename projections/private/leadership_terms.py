"""Leadership terms of mailers: the row of `verdicts.mail_terms`.

Only the mailer with the newest term claims digest mails.
"""

from sqlalchemy import Connection, text

_BEGIN = text("update verdicts.mail_terms set term = term + 1 returning term")
_HOLD = text("select term from verdicts.mail_terms where term = :term for share")


class TermOverError(OSError):
    """Another mailer has begun a newer term; this one must stop."""


def begin_term(connection: Connection) -> int:
    """Begin a new term, once no transaction of the former term is open; return its number."""
    return int(connection.execute(_BEGIN).scalar_one())


def require_term(connection: Connection, term: int) -> None:
    """Keep a term from ending before this transaction does.

    Raises:
        TermOverError: A newer one has begun.
    """
    if connection.execute(_HOLD, {"term": term}).first() is None:
        raise TermOverError("another mailer has taken over")
