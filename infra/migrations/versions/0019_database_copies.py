"""Remember which database mailers worked with, so that a restored one is noticed."""

from alembic import op

revision = "0019"
down_revision = "0018"

SQL = """
alter table verdicts.mail_terms
    add column database text collate "C" not null default '',
    add column copied   timestamptz;
"""


def upgrade() -> None:
    """Add the columns; the next mailer writes its database into them."""
    op.execute(SQL)
