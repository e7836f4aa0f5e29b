"""Read the records that keys in the outbox name."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select

from projections import tables
from projections.aliases import resolution
from projections.read.categories import find_category
from projections.read.reviewers import find_reviewer
from projections.read.tools import find_tools
from projections.record_keys import RecordKey
from projections.write import changed_keys, outbox, tallies
from schemas import digests
from schemas.digests import AnyRecord, Digest

_moved_into_category = select(tables.category_aliases.c.alias).where(
    tables.category_aliases.c.category == bindparam("key")
)
_named_in_category = select(tables.tools.c.tool).where(
    or_(
        tables.tools.c.category == bindparam("key"),
        tables.tools.c.category.in_(_moved_into_category),
    )
)
# Kinds that name every tool whose record shows a category's or a reviewer's name.
_SHARED = {
    "tools-of-category": _named_in_category,
    "tools-of-reviewer": select(tables.revisions.c.tool).where(
        tables.revisions.c.reviewer == bindparam("key")
    ),
}

_KEYS = {
    "tool": tables.tools.c.tool,
    "category": tables.categories.c.category,
    "reviewer": tables.reviewers.c.reviewer,
    "digest": tables.digests.c.week,
}
KINDS = tuple(_KEYS)
"""The kinds of records on the changes topic."""


def republish(connection: Connection, kinds: Iterable[str] = KINDS) -> int:
    """Queue every record of some kinds for the relay, and return their number."""
    keys = {
        RecordKey(kind, key) for kind in kinds for key in connection.scalars(select(_KEYS[kind]))
    }
    changed_keys.queue(connection, keys)
    return len(keys)


def expand_shared_keys(connection: Connection) -> None:
    """Replace keys that name many tools by the tools' own keys, and give the tools new versions.

    The transaction that writes a category cannot do this: it does not see a tool that a concurrent
    transaction puts into the category. The tools' pages become dirty too, since voters wait for the
    publisher to announce the newest version.
    """
    resolution.lock_shared(connection)
    slugs: set[str] = set()
    for kind, key in outbox.take(connection, _SHARED):
        slugs |= set(connection.scalars(_SHARED[kind], {"key": key}))
    names = resolution.query_tools(connection, slugs)()
    shown = {names.get(slug, slug) for slug in slugs}
    tallies.bump_versions(connection, (), shown)
    changed_keys.add(connection, {RecordKey("tool", slug) for slug in shown})


def look_up(
    connection: Connection, keys: Iterable[RecordKey]
) -> Mapping[RecordKey, AnyRecord | None]:
    """Read the records that keys name; None for a record that does not exist, yet or any more."""
    unique = set(keys)
    slugs = {key.key for key in unique if key.kind == "tool"}
    tools = {tool.tool: tool for tool in find_tools(connection, slugs)} if slugs else {}
    read: Any = {
        "tool": tools.get,
        "category": lambda slug: find_category(connection, slug),
        "reviewer": lambda slug: find_reviewer(connection, slug),
        "digest": lambda week: _digest(connection, week),
    }
    return {key: read[key.kind](key.key) for key in sorted(unique)}


def _digest(connection: Connection, week: str) -> Digest | None:
    """A closed week's digest; None for a quiet week, or where `/v1/digests` shows none either."""
    query = select(tables.digests).where(tables.digests.c.week == week)
    row = connection.execute(query).first()
    if row is None or not row.tallies:
        return None
    digest = digests.read(row.digest)
    return Digest.of(digest, row.version) if digest else None
