"""From keys in the outbox to the records that they name."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, select

from projections import tables
from projections.read.categories import find_category
from projections.read.reviewers import find_reviewer
from projections.read.tools import find_tools
from projections.write import changed_keys, tallies
from projections.write.outbox import RecordKey
from schemas.records import AnyRecord, Digest

# Kinds that stand for every tool that shows a category's or a reviewer's name.
_SHARED = {
    "tools-of-category": (tables.tools.c.tool, tables.tools.c.category),
    "tools-of-reviewer": (tables.revisions.c.tool, tables.revisions.c.reviewer),
}
_TAKE_SHARED = "delete from verdicts.outbox where kind = any(%(kinds)s) returning kind, key"
_WAITING = "select id, kind, key from verdicts.outbox order by id limit %(limit)s"
_FORGET = """
with forgotten as (delete from verdicts.outbox where id = any(%(ids)s))
select set_config('synchronous_commit', 'off', true)
"""


def expand_shared_keys(connection: Connection) -> None:
    """Replace keys that stand for many tools by the tools' own, with a new version each.

    The tools are found here and not where the category was written: a tool that a concurrent
    transaction put into it was not visible there. Their pages are marked too: voters wait for the
    publisher to announce the newest version.
    """
    taken = connection.exec_driver_sql(_TAKE_SHARED, {"kinds": list(_SHARED)}).all()
    found: set[str] = set()
    for kind, key in taken:
        tool, shown = _SHARED[kind]
        found |= set(connection.scalars(select(tool).where(shown == key)))
    tallies.bump_versions(connection, found)
    changed_keys.add(connection, {RecordKey("tool", slug) for slug in found})


def pending(connection: Connection, limit: int) -> dict[int, RecordKey]:
    """Look up the oldest keys in the outbox, by their ids."""
    rows = connection.exec_driver_sql(_WAITING, {"limit": limit})
    return {row.id: RecordKey(row.kind, row.key) for row in rows}


def delete_published(connection: Connection, ids: Iterable[int]) -> None:
    """Delete keys that were published, in a transaction that does nothing else.

    It waits for no disk. Keys that come back with a server that fell over are published again.
    """
    connection.exec_driver_sql(_FORGET, {"ids": list(ids)})


def look_up(
    connection: Connection, keys: Iterable[RecordKey]
) -> Mapping[RecordKey, AnyRecord | None]:
    """Read the records that keys name; None where there is no such record (yet, or any more)."""
    wanted = set(keys)
    slugs = {key.key for key in wanted if key.kind == "tool"}
    tools = {tool.tool: tool for tool in find_tools(connection, slugs)} if slugs else {}
    one: Any = {
        "tool": tools.get,
        "category": lambda slug: find_category(connection, slug),
        "reviewer": lambda slug: find_reviewer(connection, slug),
        "digest": lambda week: _digest(connection, week),
    }
    return {key: one[key.kind](key.key) for key in sorted(wanted)}


def _digest(connection: Connection, week: str) -> Digest | None:
    chosen = select(tables.digests).where(tables.digests.c.week == week)
    row = connection.execute(chosen).first()
    if row is None or not row.tallies:  # a quiet week has no digest
        return None
    return Digest(row.week, True, row.digest, row.version)
