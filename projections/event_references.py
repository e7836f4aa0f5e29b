"""What events refer to: which of it exists, and what waits for something that does not."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection, func, select, text

from projections import tables

Kind = Literal["tool", "category", "reviewer"]

_KEYS = {
    "tool": tables.tools.c.tool,
    "category": tables.categories.c.category,
    "reviewer": tables.reviewers.c.reviewer,
}
_REVIEWS = """
select {missing} as missing, count(distinct ({other})) as number from revisions
where not exists (select from {table} where {table}.{missing} = revisions.{missing})
group by 1 order by 1
"""
_TALLIES = """
select tool as missing, ship + skip as votes, bookmarks from tallies
where ship + skip + bookmarks > 0
    and not exists (select from tools where tools.tool = tallies.tool)
order by 1
"""
_TOOLS = """
select category as missing, count(*) as number from tools
where not exists (select from categories where categories.category = tools.category)
group by 1 order by 1
"""


class Reference(NamedTuple):
    """A tool, category or reviewer by its slug."""

    kind: Kind
    slug: str


class Dangling(msgspec.Struct, frozen=True):
    """What waits for a tool, category or reviewer that no event brings.

    Attributes:
        what: What waits: `reviews`, `votes`, `bookmarks` or `tools`.
        number: How many wait.
        kind: Of what is missing.
        missing: Its slug.
    """

    what: Literal["reviews", "votes", "bookmarks", "tools"]
    number: int
    kind: Kind
    missing: str


def find_known(connection: Connection, references: Iterable[Reference]) -> set[Reference]:
    """Those of these references that exist: tools listed, categories defined, reviewers joined."""
    slugs: dict[Kind, list[str]] = {}
    for kind, slug in references:
        slugs.setdefault(kind, []).append(slug)
    return {
        Reference(kind, slug)
        for kind, members in slugs.items()
        for slug in connection.scalars(
            select(_KEYS[kind]).where(_KEYS[kind] == func.any(sorted(members)))
        )
    }


def list_dangling(connection: Connection) -> list[Dangling]:
    """Everything that no page shows because what it refers to does not exist, by what waits."""
    return [
        *_reviews_without(connection, "tool", "reviewer"),
        *_reviews_without(connection, "reviewer", "tool"),
        *_votes_without_tool(connection),
        *(
            Dangling("tools", row.number, "category", row.missing)
            for row in connection.execute(text(_TOOLS))
        ),
    ]


def _reviews_without(connection: Connection, missing: Kind, other: Kind) -> list[Dangling]:
    query = text(_REVIEWS.format(missing=missing, other=other, table=f"{missing}s"))
    return [
        Dangling("reviews", row.number, missing, row.missing) for row in connection.execute(query)
    ]


def _votes_without_tool(connection: Connection) -> list[Dangling]:
    dangling = []
    for row in connection.execute(text(_TALLIES)):
        if row.votes:
            dangling.append(Dangling("votes", row.votes, "tool", row.missing))
        if row.bookmarks:
            dangling.append(Dangling("bookmarks", row.bookmarks, "tool", row.missing))
    return dangling
