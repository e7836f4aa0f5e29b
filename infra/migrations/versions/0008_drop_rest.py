"""Drop `dirty.rest`: the publisher remembers which records only summaries wait for."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Drop the unused column."""
    op.execute("alter table verdicts.dirty drop column rest")
