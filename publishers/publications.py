"""What the site shows of each tool: where it stood, what was said of it, at which version."""

import hashlib
from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import Connection

from publishers import pages
from schemas.records import Tool

CHANNEL = "published"

_FIND = (
    "select tool, category, retired, facts from verdicts.publications where tool = any(%(tools)s)"
)
_REMEMBER = """
insert into verdicts.publications (tool, category, retired, facts, version)
select * from unnest(
    %(tools)s::text[], %(categories)s::text[], %(retired)s::boolean[], %(facts)s::bytea[],
    %(versions)s::bigint[])
on conflict (tool) do update set category = excluded.category, retired = excluded.retired,
    facts = excluded.facts, version = excluded.version
"""
_NOTIFY = "select pg_notify(%(channel)s, message) from unnest(%(messages)s::text[]) as message"


class Publication(msgspec.Struct, frozen=True):
    """What the site showed of a tool: `facts` is a hash of all but votes and bookmarks."""

    category: str
    retired: bool
    facts: bytes

    @classmethod
    def of(cls, tool: Tool) -> "Publication":
        """What the site shows of this record."""
        facts = hashlib.sha256(msgspec.json.encode(pages.facts(tool))).digest()
        return cls(tool.category.slug, tool.retired is not None, facts)


def find(connection: Connection, tools: Iterable[str]) -> Mapping[str, Publication]:
    """Look up what the site showed of these tools."""
    rows = connection.exec_driver_sql(_FIND, {"tools": sorted(tools)})
    return {row.tool: Publication(row.category, row.retired, bytes(row.facts)) for row in rows}


def remember(connection: Connection, tools: Iterable[Tool]) -> None:
    """Keep what the site shows of these tools now, and tell who waits for that."""
    shown = [(tool, Publication.of(tool)) for tool in tools]
    rows = {
        "tools": [tool.tool for tool, _ in shown],
        "categories": [its.category for _, its in shown],
        "retired": [its.retired for _, its in shown],
        "facts": [its.facts for _, its in shown],
        "versions": [tool.version for tool, _ in shown],
    }
    connection.exec_driver_sql(_REMEMBER, rows)
    messages = [f"{tool.tool} {tool.version}" for tool, _ in shown]
    connection.exec_driver_sql(_NOTIFY, {"channel": CHANNEL, "messages": messages})
