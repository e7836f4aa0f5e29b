"""Categories, also those that tools name and no event defines."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from projections import tables
from projections.read.tools import CATEGORY, IS_DEFINED, LISTED_TOOLS
from schemas.facts.values import FactDefinition
from schemas.records import Category

_DEFINED = (
    select(tables.categories)
    .outerjoin(tables.removals, tables.removals.c.category == tables.categories.c.category)
    .where(IS_DEFINED)
)
_NAMED = LISTED_TOOLS.with_only_columns(CATEGORY.label("category")).order_by(None)


def list_categories(connection: Connection) -> list[Category]:
    """Read every category that is defined or holds a tool, by slug."""
    defined = {row.category: _to_category(row) for row in connection.execute(_DEFINED)}
    named = set(connection.scalars(_NAMED.distinct()))
    undefined = {slug: _undefined(slug) for slug in named - defined.keys()}
    return sorted((defined | undefined).values(), key=lambda category: category.category)


def find_category(connection: Connection, slug: str) -> Category | None:
    """Read one category, defined or named by a tool."""
    defined = _DEFINED.where(tables.categories.c.category == slug)
    if (row := connection.execute(defined).first()) is not None:
        return _to_category(row)
    named = _NAMED.where(CATEGORY.in_([slug])).limit(1)
    return _undefined(slug) if connection.execute(named).first() else None


def _to_category(row: Row[Any]) -> Category:
    facts = msgspec.convert(row.facts or [], list[FactDefinition])
    return Category(row.category, row.name, row.description, row.version, facts)


def _undefined(slug: str) -> Category:
    return Category(slug, slug, "", 0)
