"""Content from the database equals the content in memory that the tests of pages use."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from projections.read.categories import list_categories
from projections.read.reviewers import list_reviewers
from projections.read.tools import list_tools
from publishers.content.database_content import DatabaseContent, open_snapshot
from publishers.content.in_memory_content import InMemoryContent
from publishers.content.shared_index import SharedIndexes
from publishers.content.site_content import SiteContent
from publishers.views.search.search_index import SearchIndex
from publishers.views.tools.similar_tools import SimilarTools
from schemas.events import Event
from schemas.records import Authored
from schemas.topics import CATALOG, VOTES
from tests.harness.examples import (
    MINUTE,
    NOON,
    a_category,
    a_listing,
    a_retirement,
    a_review,
    a_reviewer,
    a_vote,
)
from tests.harness.journal import Journal

pytestmark = pytest.mark.integration

CONTENT: list[Event] = [
    a_category("insects", "Insects"),
    a_category("empty", "Empty"),
    a_reviewer("zoe", "Zoe", 1),
    a_reviewer("ann", "Ann", 2),
    a_reviewer("new", "New", 3),
    a_listing("bee", "Bee", "insects"),
    a_listing("ant", "Ant", "insects"),
    a_listing("cat", "Cat", "undefined"),
    a_listing("dodo", "Dodo", "insects"),
    a_retirement("dodo", time=NOON + MINUTE),
    a_review(80, tool="bee", reviewer="zoe"),
    a_review(70, tool="bee", reviewer="ann"),
    a_review(60, tool="ant", reviewer="ann"),
    a_review(50, tool="dodo", reviewer="ann"),
    a_vote(tool="ant"),
]
SLUGS = ["ant", "bee", "cat", "dodo", "unknown"]


def in_memory(engine: Engine) -> InMemoryContent:
    with engine.connect() as connection:
        tools = [*list_tools(connection), *list_tools(connection, retired=True)]
        return InMemoryContent(tools, list_categories(connection), list_reviewers(connection))


def by_tool(authored: list[Authored]) -> list[Authored]:
    return sorted(authored, key=lambda authored: authored.tool)


def agree(first: SiteContent, second: SiteContent) -> None:
    assert first.tools() == second.tools()
    assert first.retired() == second.retired()
    assert first.categories() == second.categories()
    assert first.reviewers() == second.reviewers()
    for slug in SLUGS:
        assert first.tool(slug) == second.tool(slug)
    for slug in ("insects", "empty", "undefined", "unknown"):
        assert first.tools_in(slug) == second.tools_in(slug)
        assert first.category(slug) == second.category(slug)
    for slug in ("zoe", "ann", "new", "unknown"):
        assert first.reviewer(slug) == second.reviewer(slug)
        assert by_tool(first.reviews_by(slug)) == by_tool(second.reviews_by(slug))


def test_content_from_the_database_equals_content_in_memory(projected: Engine) -> None:
    Journal(projected).apply(*CONTENT)
    with open_snapshot(projected) as content:
        agree(content, in_memory(projected))


def test_answers_do_not_depend_on_earlier_questions(projected: Engine) -> None:
    Journal(projected).apply(*CONTENT)
    with open_snapshot(projected) as content:
        category = content.tools_in("insects")
        content.tools()
        assert content.tools_in("insects") == category
        agree(content, in_memory(projected))


def test_content_shows_one_snapshot_during_later_writes(projected: Engine) -> None:
    journal = Journal(projected)
    journal.apply(*CONTENT)
    with open_snapshot(projected) as content:
        before = content.tool("ant")
        assert before
        journal.apply(a_vote(tool="bee"), a_listing("emu", "Emu", "insects"))
        bee = content.tool("bee")
        assert bee
        assert bee.community.votes == 0
        assert content.tool("emu") is None
        assert "emu" not in [tool.tool for tool in content.tools()]


def test_an_empty_site_has_empty_content(projected: Engine) -> None:
    with projected.connect() as connection:
        agree(DatabaseContent(connection), InMemoryContent())


def test_indexes_are_made_again_only_when_the_catalogue_changes(projected: Engine) -> None:
    catalog = Journal(projected, (CATALOG.name, 0))
    catalog.apply(*CONTENT)
    votes = Journal(projected, (VOTES.name, 0))
    shared = SharedIndexes()

    def indexes() -> tuple[SimilarTools, SearchIndex]:
        with open_snapshot(projected, shared) as content:
            return content.similar_tools(), content.search_index()

    first = indexes()
    votes.apply(a_vote(tool="bee"))
    assert indexes() == first
    catalog.apply(a_listing("emu", "Emu", "birds"))
    similar, search = indexes()
    assert similar is not first[0]
    assert search.matching_tools("emu") == ["emu"]


def test_tools_that_are_read_ahead_are_read_at_once(projected: Engine) -> None:
    Journal(projected).apply(*CONTENT)
    with statements(projected) as sent, open_snapshot(projected) as content:
        content.read_ahead(["ant", "bee", "unknown"])
        before = len(sent)
        assert [content.tool(slug) for slug in ("unknown", "ant")] == [None, content.tool("ant")]
        content.read_ahead(["bee"])
        assert len(sent) == before


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    sent: list[str] = []

    def note(*arguments: Any) -> None:
        sent.append(arguments[2])

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)
