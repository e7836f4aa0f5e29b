"""How many digest mails each mail server was offered on each day, for its warm-up.

The index finds what the metrics of mail ask for at each scrape.
"""

from alembic import op

revision = "0017"
down_revision = "0016"

SQL = """
create table verdicts.mail_days (
    server text collate "C" not null,
    day    date    not null,
    mails  integer not null,
    primary key (server, day)
);
create index on verdicts.mail_ledger (week) where state = 'ambiguous';
"""


def upgrade() -> None:
    """Create the table and the index."""
    op.execute(SQL)
