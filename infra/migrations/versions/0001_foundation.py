"""The permanent schema, and the pointer to the live generation of projections."""

from alembic import op

revision = "0001"
down_revision = None

SQL = """
create table verdicts.generation (
    live     text    not null,
    only_one boolean primary key default true check (only_one)
);
insert into verdicts.generation (live) values ('projections_1');
"""


def upgrade() -> None:
    """Point to a first generation; `verdicts migrate` then creates its tables."""
    op.execute(SQL)
