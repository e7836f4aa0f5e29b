"""Single mails that the API asks for, such as confirmations; `verdicts mailer` sends them.

A sent or refused mail keeps no fields, since these hold the link; its row goes after a day.
"""

from alembic import op

revision = "0011"
down_revision = "0010"

SQL = """
create table verdicts.outgoing_mail (
    id        bigint generated always as identity primary key,
    kind      text        not null,
    recipient text        not null,
    fields    jsonb       not null,
    state     text        not null default 'queued'
        check (state in ('queued', 'sending', 'sent', 'refused', 'ambiguous')),
    created   timestamptz not null default clock_timestamp(),
    due       timestamptz not null default clock_timestamp(),
    changed   timestamptz not null default clock_timestamp(),
    attempts  integer     not null default 0,
    reply     text        not null default ''
);
create index on verdicts.outgoing_mail (due) where state = 'queued';
create index on verdicts.outgoing_mail (changed) where state <> 'queued';
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(SQL)
