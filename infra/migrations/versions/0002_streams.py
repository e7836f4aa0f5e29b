"""What services share: the outbox, versions, dirty records, heartbeats."""

from alembic import op

revision = "0002"
down_revision = "0001"

SQL = """
create sequence verdicts.version;

create table verdicts.outbox (
    id   bigint generated always as identity primary key,
    kind text not null,
    key  text not null,
    at   timestamptz not null default clock_timestamp()
);

create table verdicts.publisher_checkpoints (
    topic       text    collate "C" not null,
    partition   integer not null,
    topic_id    text    not null,
    next_offset bigint  not null,
    primary key (topic, partition)
);

create table verdicts.dirty (
    id   bigint generated always as identity primary key,
    kind text not null,
    key  text not null,
    rest boolean not null default false,
    at   timestamptz not null default clock_timestamp()
);

create table verdicts.publications (
    tool     text    collate "C" primary key,
    category text    not null,
    retired  boolean not null,
    facts    bytea   not null,
    version  bigint  not null
);

create table verdicts.heartbeats (
    service  text        not null,
    instance text        not null,
    beat     timestamptz not null,
    detail   jsonb       not null,
    primary key (service, instance)
);
"""


def upgrade() -> None:
    """Create the permanent tables that the services share."""
    op.execute(SQL)
