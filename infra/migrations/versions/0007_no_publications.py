"""No table of publications: the publisher knows from memory what it has written of a tool."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Drop what nobody reads any more."""
    op.execute("drop table verdicts.publications")
