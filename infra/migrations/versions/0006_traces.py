"""Trace parents of changed records, because the outbox holds only their keys."""

from alembic import op

revision = "0006"
down_revision = "0005"

# Written only if a trace exporter is configured; worthless after a crash, so unlogged.
SQL = """
create unlogged table verdicts.traces (
    kind   text        not null,
    key    text        not null,
    parent text        not null,
    at     timestamptz not null default clock_timestamp(),
    primary key (kind, key, parent)
);
"""


def upgrade() -> None:
    """Create the table of traces in progress."""
    op.execute(SQL)
