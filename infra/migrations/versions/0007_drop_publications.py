"""Drop publications: the publisher remembers what it has written."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Drop the unused table."""
    op.execute("drop table verdicts.publications")
