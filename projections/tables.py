"""The tables of one generation of projections.

They live in a schema of their own, which can be dropped and filled again from the log. Keys
compare as bytes (`collate "C"`), so that every server sorts them alike and two transactions
that touch the same rows touch them in the same order.

The permanent schema `verdicts` holds what outlives a generation. One module owns the SQL of each:

| table | owner |
|---|---|
| `generation`, `generations` | `projections.generations` |
| `outbox` | `projections.write.outbox` |
| `dirty` | `projections.write.dirty_records` |
| `version` (a sequence) | `projections.write.tallies`, and the upserts of other versioned tables |
| `tokens` | `projections.private.tokens` |
| `hourly_counts` | `projections.private.hourly_counts` |
| `subscribers`, `suppressions` | `projections.private.subscribers` |
| `accounts` | `projections.private.accounts.people` |
| `sessions` | `projections.private.accounts.sessions` |
| `sign_in_links` | `projections.private.accounts.sign_in_links` |
| `transfers` | `projections.private.accounts.transfers` |
| `settled_letters` | `streams.deadletters.replay` |
| `heartbeats` | `infra.postgres.heartbeats` |
| `traces` | `infra.telemetry.tracing` |
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()


def _key(name: str) -> Column[str]:
    return Column(name, Text(collation="C"), primary_key=True)


def _target(*, nullable: bool = False) -> Column[str]:
    return Column("target", Text(collation="C"), nullable=nullable)


def _stamp() -> Column[bytes]:
    return Column("stamp", LargeBinary, nullable=False)


def _version() -> Column[int]:
    return Column("version", BigInteger, nullable=False)


def columns_without_stamp(table: Table) -> list[Column[Any]]:
    """List the columns of a table but the stamp, which repeats their data."""
    return [column for column in table.columns if column.name != "stamp"]


categories = Table(
    "categories",
    metadata,
    _key("category"),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("facts", JSONB),
    _version(),
    _stamp(),
)
removals = Table("removals", metadata, _key("category"), _target(nullable=True), _stamp())
tools = Table(
    "tools",
    metadata,
    _key("tool"),
    Column("name", Text, nullable=False),
    Column("category", Text(collation="C"), nullable=False, index=True),
    Column("tagline", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("pricing", Text, nullable=False),
    Column("entry", Text, nullable=False),
    Column("best_for", Text),
    Column("url", Text),
    Column("facts", JSONB),
    _stamp(),
)
first_listings = Table(
    "first_listings", metadata, _key("tool"), Column("time", BigInteger, nullable=False), _stamp()
)
retirements = Table(
    "retirements",
    metadata,
    _key("tool"),
    Column("time", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    _stamp(),
)
merges = Table(
    "merges",
    metadata,
    _key("tool"),
    _target(),
    Column("time", BigInteger, nullable=False),
    Column("reason", Text),
    _stamp(),
)
reviewers = Table(
    "reviewers",
    metadata,
    _key("reviewer"),
    Column("name", Text, nullable=False),
    Column("motto", Text, nullable=False),
    Column("position", Integer, nullable=False),
    _version(),
    _stamp(),
)
departures = Table(
    "departures",
    metadata,
    _key("reviewer"),
    Column("time", BigInteger, nullable=False),
    Column("reason", Text),
    _stamp(),
)
revisions = Table(
    "revisions",
    metadata,
    _key("tool"),
    _key("reviewer"),
    _key("revision"),
    Column("time", BigInteger, nullable=False),
    Column("retracted", Boolean, nullable=False),
    Column("score", Integer),
    Column("verdict", Text),
    Column("body", Text, nullable=False),
    Column("pros", JSONB),
    Column("cons", JSONB),
    Column("disclosure", Text),
    _stamp(),
    Index("revisions_by_reviewer", "reviewer", "tool"),
    Index("revisions_by_time", "time"),
)
ballots = Table(
    "ballots",
    metadata,
    _key("voter"),
    _key("tool"),
    Column("choice", SmallInteger, nullable=False),
    _stamp(),
    Index("ballots_by_tool", "tool"),  # a merge counts the ballots of the tools that it joins
)
bookmarks = Table(
    "bookmarks",
    metadata,
    _key("voter"),
    _key("tool"),
    Column("kept", Boolean, nullable=False),
    Column("time", BigInteger, nullable=False),
    _stamp(),
    Index("bookmarks_by_tool", "tool"),
)
digests = Table(
    "digests",
    metadata,
    _key("week"),
    Column("time", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("tallies", JSONB, nullable=False),
    _version(),
    _stamp(),
)
# What merges and removals resolve to (`projections.aliases`). A tool with other names has a
# row of its own here, so that its group is one query.
aliases = Table(
    "aliases",
    metadata,
    _key("alias"),
    Column("tool", Text(collation="C"), nullable=False, index=True),
)
category_aliases = Table(
    "category_aliases",
    metadata,
    _key("alias"),
    Column("category", Text(collation="C"), nullable=False, index=True),
)
tallies = Table(
    "tallies",
    metadata,
    _key("tool"),
    Column("ship", BigInteger, nullable=False),
    Column("skip", BigInteger, nullable=False),
    Column("bookmarks", BigInteger, nullable=False),
    _version(),
)
# The tally of a tool with other names, once per voter; `tallies` counts each name by itself.
group_tallies = Table(
    "group_tallies",
    metadata,
    _key("tool"),
    Column("ship", BigInteger, nullable=False),
    Column("skip", BigInteger, nullable=False),
    Column("bookmarks", BigInteger, nullable=False),
)
checkpoints = Table(
    "checkpoints",
    metadata,
    _key("topic"),
    Column("partition", Integer, primary_key=True),
    Column("topic_id", Text, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
    Column("latest", BigInteger),  # the greatest event time among what was applied
)


def create_generation(connection: Connection, name: str) -> None:
    """Create the schema `name` and its tables, where they do not exist yet."""
    quoted = connection.dialect.identifier_preparer.quote(name)
    connection.execute(text(f"create schema if not exists {quoted}"))
    connection.execute(text(f"set local search_path = {quoted}"))
    metadata.create_all(connection, checkfirst=True)
    connection.execute(text("set local search_path = default"))
