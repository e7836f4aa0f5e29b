"""New voters per network prefix in an hour, counted by all processes together.

An hour starts with the prefix's first new voter. Rows whose hour is over are pruned.
"""

from alembic import op

revision = "0010"
down_revision = "0009"

SQL = """
create table verdicts.new_voters (
    prefix text collate "C" primary key,
    since  timestamptz not null,
    count  integer     not null
);
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(SQL)
