"""No flag on marks: the publisher knows from memory which of them only summaries still wait for."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Drop what nobody reads any more."""
    op.execute("alter table verdicts.dirty drop column rest")
