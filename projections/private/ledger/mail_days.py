"""Digest mails that each mail server was offered per day: the rows of `verdicts.mail_days`.

Providers distrust a host that suddenly sends much. A new one warms up: its daily limit grows with
each day on which it has sent.
"""

import msgspec
from sqlalchemy import Connection, text

GROWTH = 1.5
NO_LIMIT = 1_000_000_000

_READ = text(
    """
    select count(*) filter (where sent.day < today.day) as days,
        coalesce(sum(sent.mails) filter (where sent.day = today.day), 0) as mails
    from verdicts.mail_days as sent,
        (select (clock_timestamp() at time zone 'UTC')::date) as today (day)
    where sent.server = :server and sent.mails > 0
    """
)
_ADD = text(
    """
    insert into verdicts.mail_days as days (server, day, mails)
    values (:server, (clock_timestamp() at time zone 'UTC')::date, :mails)
    on conflict (server, day) do update set mails = greatest(0, days.mails + excluded.mails)
    """
)


class MailDay(msgspec.Struct, frozen=True):
    """Days before today (UTC) on which a server was offered mails, and today's mails."""

    days: int
    mails: int


def read_day(connection: Connection, server: str) -> MailDay:
    """How far a server's warm-up is."""
    row = connection.execute(_READ, {"server": server}).one()
    return MailDay(row.days, row.mails)


def count_mails(connection: Connection, server: str, mails: int) -> None:
    """Count mails for today; a negative number takes some back that were not offered."""
    connection.execute(_ADD, {"server": server, "mails": mails})


def daily_limit(first: int, days: int) -> int:
    """Mails that a server may get on a day, `days` days of sending after its first."""
    # After 60 days nothing is limited in practice, and the power would grow beyond any number.
    return int(first * GROWTH**days) if days < 60 else NO_LIMIT
