"""What waits in the mailer's queues, for its metrics."""

from typing import Literal

import msgspec
from sqlalchemy import Connection, text

# A digest mail that is later than the cut-off waits for an operator, and `doctor` tells of it.
_QUEUES = text(
    """
    select 'single' as kind, count(*) as mails,
        coalesce(extract(epoch from clock_timestamp() - min(created)), 0)::float8 as age
    from verdicts.outgoing_mail where state = 'queued'
    union all
    select 'digest', count(*),
        coalesce(extract(epoch from clock_timestamp() - min(mail.due)), 0)::float8
    from verdicts.mail_ledger as mail join verdicts.mail_issues as issue using (week)
    where mail.state = 'queued' and mail.due <= clock_timestamp() and issue.state = 'sending'
        and (issue.late_allowed
            or mail.due > clock_timestamp() - make_interval(hours => :cutoff))
    """
)
_AMBIGUOUS = text("select count(*) from verdicts.mail_ledger where state = 'ambiguous'")


class MailQueue(msgspec.Struct, frozen=True):
    """Mails of a kind that are due and not sent; `age` is the oldest one's in seconds."""

    kind: Literal["single", "digest"]
    mails: int
    age: float


class MailQueues(msgspec.Struct, frozen=True):
    """All queues, and how many digest mails wait for a decision."""

    queues: tuple[MailQueue, ...]
    ambiguous: int


def read_queues(connection: Connection, cutoff_hours: int) -> MailQueues:
    """Read the queues; mails later than the cut-off are left out."""
    rows = connection.execute(_QUEUES, {"cutoff": cutoff_hours})
    queues = tuple(MailQueue(row.kind, row.mails, row.age) for row in rows)
    return MailQueues(queues, int(connection.execute(_AMBIGUOUS).scalar_one()))
