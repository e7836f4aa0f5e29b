"""Set marks apart of which only backfill is left."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the column; marks so far are no backfill."""
    op.execute("alter table verdicts.dirty add column backfill boolean not null default false")
