"""Subscribers of the digests, the addresses that get no mail, and counts per hour for any purpose.

The counts of new voters move: their hours start again.
"""

from alembic import op

revision = "0012"
down_revision = "0011"

SQL = """
create table verdicts.subscribers (
    id              text collate "C" primary key,
    address         text        not null,
    canonical       text collate "C" not null unique,
    frequency       text        not null check (frequency in ('weekly', 'monthly')),
    topics          text[]      not null,
    timezone        text        not null,
    paused_until    date,
    requested       timestamptz not null,
    confirmed       timestamptz not null,
    consent_source  text        not null,
    unsubscribed    timestamptz,
    soft_bounces    integer     not null default 0
);
create table verdicts.suppressions (
    id      text collate "C" primary key,
    reason  text        not null
        check (reason in ('unsubscribed', 'erased', 'bounce', 'complaint', 'operator')),
    source  text        not null,
    since   timestamptz not null default now()
);
create table verdicts.hourly_counts (
    purpose text collate "C" not null,
    key     text collate "C" not null,
    since   timestamptz not null,
    count   integer     not null,
    primary key (purpose, key)
);
drop table verdicts.new_voters;
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
