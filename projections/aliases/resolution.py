"""Other names of tools and categories: what merges and removals resolve to.

Two generated tables hold the result: `aliases` (every name of a tool with other names, its own
included) and `category_aliases`. They are functions of the registers alone, so they do not depend
on the order of events. Whoever writes rows of tools holds a lock shared, and whoever changes names
holds it alone: else a vote could count for a tool whose tally was just taken over by another one.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from infra.postgres.statement_pipeline import Statements
from projections.aliases import group_tallies
from projections.folds.registers import RegisterWrite
from projections.record_keys import RecordKey

ALIAS_LOCK = 0x616C6961  # "alia"

_LOCK_SHARED = "select pg_advisory_xact_lock_shared(%(key)s, hashtext(current_schema()))"
_LOCK = "select pg_advisory_xact_lock(%(key)s, hashtext(current_schema()))"
# A tool's listings and merges are on one partition, and so are a category's events: no other
# transaction writes these rows meanwhile.
_CHANGES_NAMES = """
select exists (select from merges where tool = any(%(tools)s))
    or exists (select from removals where category = any(%(categories)s))
"""
_TOOL_LINKS = """
select merges.tool, merges.target, merges.stamp from merges left join tools using (tool)
where tools.stamp is null or tools.stamp < merges.stamp
"""
_CATEGORY_LINKS = """
select removals.category, removals.target, removals.stamp
from removals left join categories using (category)
where removals.target is not null
    and (categories.stamp is null or categories.stamp < removals.stamp)
"""
_READ = "select alias, {column} from {table}"
_REPLACE = """
with gone as (delete from {table} where alias = any(%(gone)s))
insert into {table} (alias, {column})
select * from unnest(%(aliases)s::text[], %(names)s::text[])
on conflict (alias) do update set {column} = excluded.{column}
"""
_NAMES = "select alias, tool from aliases where alias = any(%(slugs)s)"


class Link(NamedTuple):
    """A merge or removal that is newer than its tool's listing or its category's definition."""

    target: str
    stamp: bytes


def resolve(links: Mapping[str, Link]) -> dict[str, str]:
    """Follow links to their ends: the end of every slug with a link that counts.

    In a circle the link with the greatest stamp counts for nothing.
    """
    counted = dict(links)
    for slug in sorted(links):
        if circle := _find_circle(counted, slug):
            del counted[max(circle, key=lambda member: links[member].stamp)]
    return {slug: _follow(counted, slug) for slug in counted}


def _find_circle(links: Mapping[str, Link], slug: str) -> list[str]:
    """The slugs of the circle that links lead to from a slug; empty where they end."""
    path: dict[str, None] = {}
    while slug in links and slug not in path:
        path[slug] = None
        slug = links[slug].target
    return list(path)[list(path).index(slug) :] if slug in path else []


def _follow(links: Mapping[str, Link], slug: str) -> str:
    while slug in links:
        slug = links[slug].target
    return slug


def lock_shared(connection: Statements) -> None:
    """Keep the names of tools and categories as they are until this transaction ends."""
    connection.exec_driver_sql(_LOCK_SHARED, {"key": ALIAS_LOCK})


def lock(connection: Statements, writes: Mapping[str, list[RegisterWrite]]) -> bool:
    """Lock the names of tools before any of the writes; return whether these may change them."""
    changes = _may_change_names(connection, writes)
    if changes:
        connection.exec_driver_sql(_LOCK, {"key": ALIAS_LOCK})
    else:
        lock_shared(connection)
    return changes


def _may_change_names(connection: Statements, writes: Mapping[str, list[RegisterWrite]]) -> bool:
    if writes.get("merges") or writes.get("removals"):
        return True
    slugs = {
        parameter: [write.key[0] for write in writes.get(table, ())]
        for parameter, table in (("tools", "tools"), ("categories", "categories"))
    }
    if not any(slugs.values()):
        return False
    ((changes,),) = connection.exec_driver_sql(_CHANGES_NAMES, slugs).all()
    return bool(changes)


def update(connection: Statements) -> set[RecordKey]:
    """Resolve all names anew, and count the tallies of the tools whose names changed.

    Returns:
        The keys of the records that change with the names: of both tools of each merge.
    """
    changed = _replace(connection, "aliases", "tool", _TOOL_LINKS, own_names=True)
    group_tallies.recount(connection, changed)
    categories = _replace(connection, "category_aliases", "category", _CATEGORY_LINKS)
    return {
        *(RecordKey("tool", slug) for slug in changed),
        *(
            RecordKey(kind, slug)
            for slug in categories
            for kind in ("category", "tools-of-category")
        ),
    }


def _replace(
    connection: Statements, table: str, column: str, links: str, *, own_names: bool = False
) -> set[str]:
    """Store resolved names; return the slugs whose name changed, and their old and new ends."""
    stored = connection.exec_driver_sql(_READ.format(table=table, column=column))
    linked = connection.exec_driver_sql(links)
    old: dict[str, str] = dict(stored.all())
    new = resolve({slug: Link(target, bytes(stamp)) for slug, target, stamp in linked.all()})
    if own_names:
        new |= {name: name for name in new.values()}
    changed = {alias for alias in old.keys() | new.keys() if old.get(alias) != new.get(alias)}
    if changed:
        written = sorted(changed & new.keys())
        columns = {
            "gone": sorted(changed - new.keys()),
            "aliases": written,
            "names": [new[alias] for alias in written],
        }
        connection.exec_driver_sql(_REPLACE.format(table=table, column=column), columns)
    ends = {names[alias] for names in (old, new) for alias in changed & names.keys()}
    return changed | ends


def query_tools(connection: Statements, slugs: set[str]) -> Callable[[], dict[str, str]]:
    """Send the query for the tools that these slugs are names of.

    Returns:
        A function that waits for the answer: tools by slug; a tool of one name has no entry.
    """
    rows = connection.exec_driver_sql(_NAMES, {"slugs": sorted(slugs)})
    return lambda: dict(rows.all())
