"""Claims of digest mails."""

import pytest
from sqlalchemy import Engine, text

from projections.private.ledger.claims import (
    LedgerRow,
    LedgerState,
    claim_mails,
    force_row,
    read_rows,
)

pytestmark = pytest.mark.integration
WEEK, MAILS, CLAIMED = "2026-W47", 5_000, 10

_FILL = """
with issue as (insert into verdicts.mail_issues (week) values (:week)), owners as (
    insert into verdicts.subscribers
        (id, address, canonical, frequency, topics, timezone, requested, confirmed, consent_source)
    select number::text, number || '@example.com', number || '@example.com', 'weekly', '{}', 'UTC',
        now(), now(), 'a test'
    from generate_series(1, :mails) as number
)
insert into verdicts.mail_ledger (week, subscriber, due)
select :week, number::text, now() - number * interval '1 second'
from generate_series(1, :mails) as number
"""
_READ = """
select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
from pg_stat_xact_user_tables where relname = 'subscribers'
"""


@pytest.mark.parametrize(
    ("ledger", "journal", "becomes"),
    [
        (("sent", 2), ("queued", 1), ("sent", 2)),
        (("queued", 2), ("sent", 1), ("queued", 2)),
        (("sent", 1), ("ambiguous", 1), ("sent", 1)),
        (("refused", 1), ("ambiguous", 1), ("refused", 1)),
        (("sending", 1), ("sent", 1), ("sent", 1)),
        (("queued", 0), ("sent", 1), ("sent", 1)),
        (("sent", 1), ("refused", 2), ("refused", 2)),
    ],
)
def test_a_journal_changes_no_row_that_knows_as_much_or_more(
    engine: Engine,
    ledger: tuple[LedgerState, int],
    journal: tuple[LedgerState, int],
    becomes: tuple[LedgerState, int],
) -> None:
    with engine.begin() as connection:
        connection.execute(text(_FILL), {"week": WEEK, "mails": 1})
        row = {"state": ledger[0], "attempts": ledger[1]}
        set_row = "update verdicts.mail_ledger set state = :state, attempts = :attempts"
        connection.execute(text(set_row), row)
        force_row(connection, WEEK, LedgerRow("1", *journal, 0), "from the journal")
        stored = read_rows(connection, WEEK)["1"]
        assert (stored.state, stored.attempts) == becomes


def test_a_claim_takes_the_oldest_mails_and_reads_no_others(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text(_FILL), {"week": WEEK, "mails": MAILS})
    with engine.begin() as connection:
        mails = claim_mails(connection, 1, CLAIMED, 72, [WEEK])
        read = connection.scalar(text(_READ))
    oldest = {str(MAILS - number) for number in range(CLAIMED)}
    assert {mail.subscriber for mail in mails} == oldest
    assert read is not None
    assert CLAIMED <= read <= 5 * CLAIMED
