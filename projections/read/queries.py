"""What is read from the projections: whole records, and the little that the API asks for.

Here the references between registers are resolved: a review counts once its tool is listed and
its reviewer has joined, a retirement is over when the tool was listed later, a category that
nobody defined shows its slug.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    func,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import distinct_on

from infra.postgres.pipeline import Statements
from projections import tables
from projections.folds.ordering import time_of
from projections.folds.votes import NAMES
from schemas.records import (
    Authored,
    Category,
    CategoryName,
    Choice,
    Community,
    Panel,
    Review,
    Reviewer,
    Tool,
)
from schemas.time.instants import to_datetime


class ToolTally(msgspec.Struct, frozen=True):
    """A listed tool's counts as they stand."""

    tool: str
    community: Community
    bookmarks: int
    version: int


class SavedTool(msgspec.Struct, frozen=True):
    """A tool that a reader keeps, and since when."""

    tool: str
    name: str
    tagline: str
    time: datetime


class OwnVote(msgspec.Struct, frozen=True):
    """A voter's choice for a tool, and when it was made."""

    tool: str
    name: str
    choice: Choice
    time: datetime


def _shown(table: Table) -> list[Column[Any]]:
    """All columns but the stamp, which holds the data once more."""
    return [column for column in table.columns if column.name != "stamp"]


_retired = and_(
    tables.retirements.c.tool.is_not(None), tables.retirements.c.stamp > tables.tools.c.stamp
)
_counts = [
    func.coalesce(tables.tallies.c[name], 0).label(name)
    for name in ("ship", "skip", "bookmarks", "version")
]
_tools: Select[Any] = (
    select(
        *_shown(tables.tools),
        tables.categories.c.name.label("category_name"),
        tables.first_listings.c.time.label("listed"),
        tables.retirements.c.time.label("retired"),
        tables.retirements.c.reason.label("retired_reason"),
        _retired.label("is_retired"),
        *_counts,
    )
    .select_from(tables.tools)
    .join(tables.first_listings, tables.first_listings.c.tool == tables.tools.c.tool)
    .outerjoin(tables.retirements, tables.retirements.c.tool == tables.tools.c.tool)
    .outerjoin(tables.categories, tables.categories.c.category == tables.tools.c.category)
    .outerjoin(tables.tallies, tables.tallies.c.tool == tables.tools.c.tool)
    .order_by(tables.tools.c.tool)
)


def _current(condition: ColumnElement[bool]) -> Any:
    """The newest revision of each review that meets the condition, unless it is a retraction."""
    newest = (
        select(*_shown(tables.revisions))
        .where(condition)
        .ext(distinct_on(tables.revisions.c.tool, tables.revisions.c.reviewer))
        .order_by(
            tables.revisions.c.tool, tables.revisions.c.reviewer, tables.revisions.c.stamp.desc()
        )
        .subquery()
    )
    return (
        select(newest, tables.reviewers.c.name.label("reviewer_name"))
        .join(tables.reviewers, tables.reviewers.c.reviewer == newest.c.reviewer)
        .where(~newest.c.retracted)
        .order_by(tables.reviewers.c.position, tables.reviewers.c.reviewer, newest.c.tool)
    )


# Put together once: to do so takes longer than to run them for a tool or two.
_reviews_of_tools = _current(tables.revisions.c.tool == func.any(bindparam("tools")))
_named_tools = _tools.where(tables.tools.c.tool == func.any(bindparam("tools")))
_tallies = (
    select(tables.tools.c.tool, *_counts)
    .outerjoin_from(tables.tools, tables.tallies, tables.tallies.c.tool == tables.tools.c.tool)
    .where(tables.tools.c.tool == func.any(bindparam("tools")))
)


def tool(connection: Connection, slug: str) -> Tool | None:
    """One listed tool, also a retired one."""
    found = tools_named(connection, [slug])
    return found[0] if found else None


def tools(
    connection: Connection, *, limit: int | None = None, after: str = "", retired: bool = False
) -> list[Tool]:
    """Listed tools by slug, from behind `after`: those on the site, or else the retired ones."""
    chosen = _tools.where(tables.tools.c.tool > after, _retired == retired)
    return _with_reviews(connection, connection.execute(chosen.limit(limit)))


def listings(connection: Connection, *, retired: bool | None = False) -> Sequence[Row[Any]]:
    """Listed tools by slug as rows without reviews: on the site, retired, or (None) both."""
    chosen = _tools if retired is None else _tools.where(_retired == retired)
    return connection.execute(chosen).all()


def on_site() -> Select[Any]:
    """A query for the rows of `listings`, to be asked further."""
    return _tools.where(~_retired)


def tools_in(connection: Connection, category: str) -> list[Tool]:
    """The tools on the site in one category, by slug."""
    chosen = _tools.where(tables.tools.c.category == category, ~_retired)
    return _with_reviews(connection, connection.execute(chosen))


def tools_named(connection: Statements, slugs: Iterable[str]) -> list[Tool]:
    """Listed tools with these slugs, also retired ones, by slug."""
    asked = {"tools": sorted(slugs)}
    rows = connection.execute(_named_tools, asked)
    return _reviewed(rows.all(), connection.execute(_reviews_of_tools, asked).all())


def _with_reviews(connection: Connection, rows: Iterable[Row[Any]]) -> list[Tool]:
    found = list(rows)
    asked = {"tools": [row.tool for row in found]}
    return _reviewed(found, connection.execute(_reviews_of_tools, asked).all() if found else ())


def _reviewed(tools: Iterable[Row[Any]], reviews: Iterable[Row[Any]]) -> list[Tool]:
    of_tools: dict[str, list[Review]] = defaultdict(list)
    for row in reviews:
        of_tools[row.tool].append(_review(row))
    return [_tool(row, of_tools[row.tool]) for row in tools]


def _tool(row: Row[Any], reviews: list[Review]) -> Tool:
    return Tool(
        tool=row.tool,
        name=row.name,
        category=CategoryName(row.category, row.category_name or row.category),
        tagline=row.tagline,
        description=row.description,
        pricing=row.pricing,
        entry=row.entry,
        best_for=row.best_for or row.tagline,
        url=row.url,
        listed=to_datetime(row.listed),
        retired=to_datetime(row.retired) if row.is_retired else None,
        retired_reason=row.retired_reason if row.is_retired else None,
        panel=Panel.of(reviews),
        community=Community.of(row.ship, row.skip),
        bookmarks=row.bookmarks,
        version=row.version,
    )


def _review(row: Row[Any]) -> Review:
    return Review(
        reviewer=row.reviewer,
        name=row.reviewer_name,
        score=row.score,
        verdict=row.verdict,
        body=row.body,
        pros=row.pros,
        cons=row.cons,
        disclosure=row.disclosure,
        time=to_datetime(row.time),
    )


def categories(connection: Connection) -> list[Category]:
    """Every category that is defined or holds a tool, by slug."""
    undefined = (
        select(tables.tools.c.category)
        .distinct()
        .where(tables.tools.c.category.not_in(select(tables.categories.c.category)))
    )
    defined = [_category(row) for row in connection.execute(select(tables.categories))]
    named = [Category(slug, slug, "", 0) for slug in connection.scalars(undefined)]
    return sorted([*defined, *named], key=lambda category: category.category)


def category(connection: Connection, slug: str) -> Category | None:
    """One category; one that only tools name has its slug as its name."""
    row = connection.execute(
        select(tables.categories).where(tables.categories.c.category == slug)
    ).first()
    if row is not None:
        return _category(row)
    held = select(true()).where(tables.tools.c.category == slug).limit(1)
    return Category(slug, slug, "", 0) if connection.execute(held).first() else None


def _category(row: Row[Any]) -> Category:
    return Category(row.category, row.name, row.description, row.version)


def reviewers(connection: Connection) -> list[Reviewer]:
    """The panel in its order."""
    order = tables.reviewers.c.position, tables.reviewers.c.reviewer
    return [_reviewer(row) for row in connection.execute(select(tables.reviewers).order_by(*order))]


def reviewer(connection: Connection, slug: str) -> Reviewer | None:
    """One member of the panel."""
    row = connection.execute(
        select(tables.reviewers).where(tables.reviewers.c.reviewer == slug)
    ).first()
    return _reviewer(row) if row else None


def _reviewer(row: Row[Any]) -> Reviewer:
    return Reviewer(row.reviewer, row.name, row.motto, row.position, row.version)


def reviews_by(connection: Connection, slug: str) -> list[Authored]:
    """A reviewer's current reviews of the tools on the site, newest first."""
    current = {
        row.tool: _review(row)
        for row in connection.execute(_current(tables.revisions.c.reviewer == slug))
    }
    chosen = _tools.where(tables.tools.c.tool == func.any(list(current)))
    found = [
        Authored(row.tool, row.name, current[row.tool])
        for row in connection.execute(chosen)
        if not row.is_retired
    ]
    return sorted(found, key=lambda it: (-it.review.time.timestamp(), it.tool))


def tallies(connection: Connection, slugs: Iterable[str]) -> dict[str, ToolTally]:
    """The counts of those of these tools that are listed."""
    rows = connection.execute(_tallies, {"tools": list(slugs)})
    return {row.tool: _tally(row) for row in rows}


def _tally(row: Row[Any]) -> ToolTally:
    return ToolTally(row.tool, Community.of(row.ship, row.skip), row.bookmarks, row.version)


def choices_of(connection: Connection, voter: str) -> dict[str, Choice]:
    """A voter's choices by tool."""
    chosen = select(tables.ballots.c.tool, tables.ballots.c.choice).where(
        tables.ballots.c.voter == voter
    )
    rows = connection.execute(chosen.order_by(tables.ballots.c.tool))
    return {row.tool: NAMES[row.choice] for row in rows if row.choice in NAMES}


def bookmarks_of(connection: Connection, voter: str) -> list[str]:
    """The listed tools that a reader keeps, the last kept first."""
    chosen = (
        select(tables.bookmarks.c.tool)
        .join(tables.tools, tables.tools.c.tool == tables.bookmarks.c.tool)
        .where(tables.bookmarks.c.voter == voter, tables.bookmarks.c.kept)
        .order_by(tables.bookmarks.c.time.desc(), tables.bookmarks.c.tool)
    )
    return list(connection.scalars(chosen))


def kept_by(connection: Connection, voter: str) -> list[SavedTool]:
    """The listed tools that a reader keeps, with their names, the last kept first."""
    rows, tools = tables.bookmarks, tables.tools
    chosen = (
        select(rows.c.tool, rows.c.time, tools.c.name, tools.c.tagline)
        .join(tools, tools.c.tool == rows.c.tool)
        .where(rows.c.voter == voter, rows.c.kept)
        .order_by(rows.c.time.desc(), rows.c.tool)
    )
    return [
        SavedTool(row.tool, row.name, row.tagline, to_datetime(row.time))
        for row in connection.execute(chosen)
    ]


def votes_of(connection: Connection, voter: str) -> list[OwnVote]:
    """A voter's choices for listed tools, with their names, the last made first."""
    rows, tools = tables.ballots, tables.tools
    chosen = (
        select(rows.c.tool, rows.c.choice, rows.c.stamp, tools.c.name)
        .join(tools, tools.c.tool == rows.c.tool)
        .where(rows.c.voter == voter, rows.c.choice.in_(NAMES))
        .order_by(rows.c.stamp.desc(), rows.c.tool)
    )
    return [
        OwnVote(row.tool, row.name, NAMES[row.choice], to_datetime(time_of(row.stamp)))
        for row in connection.execute(chosen)
    ]


def applied(connection: Connection, topics: Sequence[str]) -> dict[tuple[str, int], int]:
    """The offset of the first record not applied yet, by topic and partition."""
    chosen = select(tables.checkpoints).where(tables.checkpoints.c.topic == func.any(list(topics)))
    return {(row.topic, row.partition): row.next_offset for row in connection.execute(chosen)}
