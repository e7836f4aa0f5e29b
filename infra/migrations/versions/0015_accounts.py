"""Accounts, their sessions, links that sign in, and transfers of votes that are under way.

An account's row alone connects an address with the name under which its votes are on the log. A
transfer names voters, never a person: votes of `voter` that become those of `heir`, or that are
taken back where there is none.
"""

from alembic import op

revision = "0015"
down_revision = "0014"

SQL = """
create table verdicts.accounts (
    id        bigint      generated always as identity primary key,
    address   text        not null,
    canonical text        collate "C" not null unique,
    voter     text        collate "C" not null unique,
    created   timestamptz not null default now()
);

create table verdicts.sessions (
    id      text        primary key,
    hash    bytea       not null unique,
    account bigint      not null references verdicts.accounts on delete cascade,
    device  text        not null,
    created timestamptz not null default now(),
    seen    timestamptz not null default now(),
    expires timestamptz not null
);
create index sessions_by_account on verdicts.sessions (account);

create table verdicts.sign_in_links (
    hash      bytea       primary key,
    address   text        not null,
    canonical text        collate "C" not null,
    verifier  bytea       not null,
    expires   timestamptz not null
);
create index sign_in_links_by_address on verdicts.sign_in_links (canonical);

create table verdicts.transfers (
    voter text        collate "C" primary key,
    heir  text        collate "C",
    since timestamptz not null default clock_timestamp()
);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
