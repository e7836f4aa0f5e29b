"""Categories, also those that tools name and no event defines."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select, true

from projections import tables
from schemas.facts.values import FactDefinition
from schemas.records import Category


def list_categories(connection: Connection) -> list[Category]:
    """Read every category that is defined or holds a tool, by slug."""
    undefined = (
        select(tables.tools.c.category)
        .distinct()
        .where(tables.tools.c.category.not_in(select(tables.categories.c.category)))
    )
    categories = [_to_category(row) for row in connection.execute(select(tables.categories))]
    categories += [_undefined(slug) for slug in connection.scalars(undefined)]
    return sorted(categories, key=lambda category: category.category)


def find_category(connection: Connection, slug: str) -> Category | None:
    """Read one category, defined or named by a tool."""
    defined = select(tables.categories).where(tables.categories.c.category == slug)
    if (row := connection.execute(defined).first()) is not None:
        return _to_category(row)
    tools = select(true()).where(tables.tools.c.category == slug).limit(1)
    return _undefined(slug) if connection.execute(tools).first() else None


def _to_category(row: Row[Any]) -> Category:
    facts = msgspec.convert(row.facts or [], list[FactDefinition])
    return Category(row.category, row.name, row.description, row.version, facts)


def _undefined(slug: str) -> Category:
    return Category(slug, slug, "", 0)
