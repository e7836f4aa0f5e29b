"""Bearer tokens, stored as hashes."""

from alembic import op

revision = "0003"
down_revision = "0002"

SQL = """
create table verdicts.tokens (
    id        text        primary key,
    name      text        not null,
    role      text        not null check (role in ('editor', 'gateway', 'admin')),
    namespace text,
    hash      bytea       not null,
    created   timestamptz not null default now(),
    revoked   timestamptz,
    check ((role = 'gateway') = (namespace is not null))
);
"""


def upgrade() -> None:
    """Create the table of tokens."""
    op.execute(SQL)
