"""Resolutions of dead letters, which stay on their topic for ever."""

from alembic import op

revision = "0005"
down_revision = "0004"

SQL = """
create table verdicts.settled_letters (
    topic_id text        not null,
    letter   bigint      not null,
    outcome  text        not null check (outcome in ('replayed', 'discarded')),
    reason   text        not null,
    at       timestamptz not null default now(),
    primary key (topic_id, letter)
);
"""


def upgrade() -> None:
    """Create the table of dead letters that were replayed or discarded."""
    op.execute(SQL)
