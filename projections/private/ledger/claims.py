"""Digest mails from claim to outcome: the rows of `verdicts.mail_ledger`."""

from collections.abc import Sequence
from typing import Literal

import msgspec
from sqlalchemy import Connection, text

LedgerState = Literal["queued", "sending", "sent", "refused", "ambiguous"]

# The index of queued mails has them in this order, so a claim reads as many as it takes. A planner
# that knows little of a ledger that was filled just now would join and sort all of them each time.
_IN_ORDER_OF_INDEX = text("set local enable_sort = off")
# The claim takes the address as it is now: a subscriber who left meanwhile has none.
_CLAIM = text(
    """
    update verdicts.mail_ledger as mail
    set state = 'sending', attempts = mail.attempts + 1, term = :term, changed = clock_timestamp()
    from (
        select mail.week, mail.subscriber, owner.address, owner.topics, owner.frequency,
            account.voter
        from verdicts.mail_ledger as mail
        join verdicts.mail_issues as issue using (week)
        left join verdicts.subscribers as owner on owner.id = mail.subscriber
            and owner.unsubscribed is null
            and not exists (select from verdicts.suppressions where id = owner.id)
        left join verdicts.accounts as account on account.canonical = owner.canonical
        where mail.state = 'queued' and mail.week = any(:weeks) and issue.state = 'sending'
            and mail.due <= statement_timestamp()
            and (issue.late_allowed
                or mail.due > statement_timestamp() - make_interval(hours => :cutoff))
            and not coalesce(split_part(owner.canonical, '@', -1) = any(:blocked), false)
        order by mail.due, mail.subscriber limit :limit for update of mail skip locked
    ) as next
    where mail.week = next.week and mail.subscriber = next.subscriber and mail.state = 'queued'
    returning mail.week, mail.subscriber, mail.attempts as attempt,
        coalesce(next.address, '') as address, coalesce(next.topics, '{}') as topics,
        coalesce(next.frequency, 'weekly') as frequency, coalesce(next.voter, '') as voter
    """
)
_SETTLE = text(
    """
    update verdicts.mail_ledger as mail
    set state = result.state, reply = result.reply, changed = clock_timestamp(),
        attempts = mail.attempts - result.untried, bounce = result.bounce,
        due = case when result.pause > 0
            then clock_timestamp() + make_interval(secs => result.pause) else mail.due end
    from unnest(
        cast(:weeks as text[]), cast(:subscribers as text[]), cast(:attempts as int[]),
        cast(:states as text[]), cast(:replies as text[]), cast(:pauses as float8[]),
        cast(:untried as int[]), cast(:bounces as text[])
    ) as result (week, subscriber, attempt, state, reply, pause, untried, bounce)
    where mail.week = result.week and mail.subscriber = result.subscriber
        and mail.attempts = result.attempt and mail.state in ('sending', 'ambiguous')
        and mail.term = coalesce(cast(:term as bigint), mail.term)
    """
)
_ROWS = text(
    "select subscriber, state, attempts, term from verdicts.mail_ledger where week = :week"
)
_RESOLVE = text(
    """
    update verdicts.mail_ledger
    set state = cast(:state as text), reply = :reply, changed = clock_timestamp(),
        due = case when :state = 'queued' then clock_timestamp() else due end
    where week = :week and state = 'ambiguous'
        and (cast(:subscriber as text) is null or subscriber = :subscriber)
    """
)
_DOUBT = text(
    """
    update verdicts.mail_ledger set state = 'ambiguous', reply = :reply, changed = clock_timestamp()
    where week = :week and state = 'queued' and (
        due <= clock_timestamp()
        or (select created from verdicts.mail_issues where week = :week)
            >= (select copied from verdicts.mail_terms))
    """
)
_FORCE = text(
    """
    insert into verdicts.mail_ledger as mail
        (week, subscriber, due, attempts, state, reply, changed)
    values (:week, :subscriber, clock_timestamp(), :attempts, :state, :reply, clock_timestamp())
    on conflict (week, subscriber) do update set attempts = excluded.attempts,
        state = excluded.state, reply = excluded.reply, changed = excluded.changed
    where mail.attempts < excluded.attempts
        or mail.attempts = excluded.attempts and mail.state not in ('sent', 'refused')
    """
)
_LIST = text(
    """
    select mail.week, mail.subscriber, coalesce(owner.address, '') as address, mail.state,
        mail.attempts, mail.due, mail.changed, mail.reply, mail.bounce
    from verdicts.mail_ledger as mail
    left join verdicts.subscribers as owner on owner.id = mail.subscriber
    where mail.week = :week and (cast(:state as text) is null or mail.state = :state)
    order by mail.subscriber limit :limit
    """
)


class DigestMail(msgspec.Struct, frozen=True):
    """A claimed digest mail; the address is empty when its owner has left meanwhile.

    Attributes:
        week: Of the issue.
        subscriber: Whose mail.
        attempt: Number of this attempt.
        address: The subscriber's.
        topics: Categories; empty: all.
        frequency: Of the subscription.
        voter: The account's name on the log; empty without an account.
    """

    week: str
    subscriber: str
    attempt: int
    address: str
    topics: tuple[str, ...]
    frequency: Literal["weekly", "monthly"]
    voter: str = ""

    @property
    def name(self) -> str:
        """Its name in the journal."""
        return f"{self.week}/{self.subscriber}"


class SettledMail(msgspec.Struct, frozen=True):
    """How an attempt ended, for the ledger.

    Attributes:
        week: Of the issue.
        subscriber: Whose mail.
        attempt: Which attempt.
        state: The row's new state.
        reply: The server's answer.
        pause: Seconds until a queued mail is due again; 0 changes nothing.
        untried: 1 when the attempt does not count, else 0.
        bounce: `soft` or `hard` when the server refused the address.
    """

    week: str
    subscriber: str
    attempt: int
    state: LedgerState
    reply: str = ""
    pause: float = 0.0
    untried: int = 0
    bounce: Literal["", "soft", "hard"] = ""


class LedgerRow(msgspec.Struct, frozen=True):
    """How far a mail is."""

    subscriber: str
    state: LedgerState
    attempts: int
    term: int


def claim_mails(
    connection: Connection,
    term: int,
    limit: int,
    cutoff_hours: int,
    weeks: Sequence[str],
    blocked: Sequence[str] = (),
) -> list[DigestMail]:
    """Claim the mails of some weeks that are due, oldest first; none to the `blocked` domains."""
    row = {
        "term": term,
        "limit": limit,
        "cutoff": cutoff_hours,
        "weeks": list(weeks),
        "blocked": list(blocked),
    }
    connection.execute(_IN_ORDER_OF_INDEX)
    rows = connection.execute(_CLAIM, row).mappings().all()
    return [msgspec.convert(dict(each), DigestMail) for each in rows]


def settle_mails(
    connection: Connection, results: Sequence[SettledMail], term: int | None = None
) -> None:
    """Record how attempts ended, in one statement.

    Args:
        connection: In a transaction of the caller.
        results: At most one for each mail.
        term: That claimed them: what another term has claimed since is left alone. None: any.
    """
    row = {
        "term": term,
        "weeks": [each.week for each in results],
        "subscribers": [each.subscriber for each in results],
        "attempts": [each.attempt for each in results],
        "states": [each.state for each in results],
        "replies": [each.reply for each in results],
        "pauses": [each.pause for each in results],
        "untried": [each.untried for each in results],
        "bounces": [each.bounce for each in results],
    }
    connection.execute(_SETTLE, row)


def read_rows(connection: Connection, week: str) -> dict[str, LedgerRow]:
    """All rows of an issue, by subscriber."""
    rows = connection.execute(_ROWS, {"week": week})
    return {row[0]: LedgerRow(row[0], row[1], row[2], row[3]) for row in rows}


def resolve_ambiguous(
    connection: Connection, week: str, *, resend: bool, subscriber: str | None = None
) -> int:
    """Decide on ambiguous mails: send them again, or count them as sent; return how many."""
    state, reply = ("queued", "") if resend else ("sent", "ambiguous; an operator let it be")
    row = {"week": week, "state": state, "reply": reply, "subscriber": subscriber}
    return connection.execute(_RESOLVE, row).rowcount


def doubt(connection: Connection, week: str, reply: str) -> int:
    """Count queued mails that may have gone out as ambiguous; return how many.

    These are the mails that are due. Of an issue that was started on a copy of the database they
    are all: in the original, mails may have been due at other times.

    Args:
        connection: In a transaction of the caller.
        week: Of the issue.
        reply: Why, for the rows.
    """
    return connection.execute(_DOUBT, {"week": week, "reply": reply}).rowcount


def force_row(connection: Connection, week: str, row: LedgerRow, reply: str) -> None:
    """Set a row to what the journal says, unless the ledger knows as much or more."""
    values = {
        "week": week,
        "subscriber": row.subscriber,
        "attempts": row.attempts,
        "state": row.state,
        "reply": reply,
    }
    connection.execute(_FORCE, values)


def list_mails(
    connection: Connection, week: str, state: str | None = None, limit: int = 10_000
) -> list[dict[str, object]]:
    """Mails of an issue as JSON values, by subscriber."""
    row = {"week": week, "state": state, "limit": limit}
    return [dict(each) for each in connection.execute(_LIST, row).mappings()]
