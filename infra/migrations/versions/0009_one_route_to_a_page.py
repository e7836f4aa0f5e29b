"""No checkpoints of the publisher: the transaction that changes a record marks its pages.

Changes that were relayed and not marked yet are lost with the checkpoints, so the whole site is
marked where a publisher has read any. A trace has a row for each of its stages, which may come in
any order.
"""

from alembic import op

revision = "0009"
down_revision = "0008"

SQL = """
insert into verdicts.dirty (kind, key)
select 'site', '' where exists (select from verdicts.publisher_checkpoints);
drop table verdicts.publisher_checkpoints;

drop table verdicts.traces;
create unlogged table verdicts.traces (
    stage  text        not null,
    kind   text        not null,
    key    text        not null,
    parent text        not null,
    at     timestamptz not null default clock_timestamp(),
    primary key (stage, kind, key, parent)
);
"""


def upgrade() -> None:
    """Mark the site, drop the checkpoints, and make the table of traces anew."""
    op.execute(SQL)
