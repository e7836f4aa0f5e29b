"""Tell marks of votes and bookmarks from those of edits."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Add the column; marks so far may be of edits."""
    op.execute("alter table verdicts.dirty add column tally boolean not null default false")
