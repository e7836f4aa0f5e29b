"""The ledger of digest mails: issues, a row per issue and subscriber, bounces, terms of mailers.

A week has one issue, so a subscriber gets at most one digest a week, whatever its frequency.
"""

from alembic import op

revision = "0013"
down_revision = "0012"

SQL = """
create table verdicts.mail_terms (
    only_row boolean primary key default true check (only_row),
    term     bigint not null default 0
);
insert into verdicts.mail_terms default values;

create table verdicts.mail_issues (
    week         text collate "C" primary key,
    state        text        not null default 'sending'
        check (state in ('sending', 'paused', 'held', 'reconciling', 'done')),
    reason       text        not null default '',
    monthly      boolean     not null default false,
    late_allowed boolean     not null default false,
    created      timestamptz not null default clock_timestamp()
);

create table verdicts.mail_ledger (
    week       text collate "C" not null references verdicts.mail_issues on delete cascade,
    subscriber text collate "C" not null,
    due        timestamptz not null,
    changed    timestamptz not null default clock_timestamp(),
    term       bigint      not null default 0,
    attempts   smallint    not null default 0,
    state      text        not null default 'queued'
        check (state in ('queued', 'sending', 'sent', 'refused', 'ambiguous')),
    bounce     text        not null default ''
        check (bounce in ('', 'soft', 'hard', 'complaint')),
    reply      text        not null default '',
    primary key (week, subscriber)
);
create index on verdicts.mail_ledger (due, subscriber) where state = 'queued';
create index on verdicts.mail_ledger (subscriber);

create table verdicts.mail_bounces (
    digest     bytea       primary key,
    received   timestamptz not null default clock_timestamp(),
    kind       text        not null
        check (kind in ('hard', 'soft', 'complaint', 'reply', 'unknown', 'forged')),
    subscriber text,
    week       text,
    detail     text        not null default ''
);
create index on verdicts.mail_bounces (received);
"""


def upgrade() -> None:
    """Create the tables."""
    op.execute(SQL)
