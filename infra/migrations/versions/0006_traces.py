"""Where a trace goes on behind the outbox, whose keys say nothing of the event they came from."""

from alembic import op

revision = "0006"
down_revision = "0005"

# Written only where an exporter of traces is configured, and worth nothing after a crash.
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
    """Make the table of traces that are under way."""
    op.execute(SQL)
