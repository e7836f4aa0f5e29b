"""The cached content equals the database, and reads no more than necessary."""

import pytest
from sqlalchemy import Engine

from projections.record_keys import RecordKey
from publishers.content import content_cache
from publishers.content.database_content import DatabaseContent
from publishers.content.in_memory_content import InMemoryContent
from schemas.events import Event
from tests.harness.examples import (
    NOON,
    a_bookmark,
    a_category,
    a_listing,
    a_retirement,
    a_review,
    a_vote,
)
from tests.harness.journal import Journal
from tests.publishers.content.test_database_content import CONTENT, agree

pytestmark = pytest.mark.integration

LATER = NOON + 3_600_000_000


class CachedContent:
    """Content that is refreshed after events, as if these had marked some tools."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._journal = Journal(engine)
        self._journal.apply(*CONTENT)
        with engine.connect() as connection:
            self.content = content_cache.load(connection)

    def refresh(self, *events: Event, marked: str) -> dict[str, bool]:
        """Whether only votes and bookmarks changed, by changed tool."""
        self._journal.apply(*events)
        before, self.content = self.content, self._read(self.content, RecordKey("tool", marked))
        return {
            change.slug: change.only_tallies for change in content_cache.diff(before, self.content)
        }

    def _read(self, content: InMemoryContent, marked: RecordKey) -> InMemoryContent:
        with self._engine.connect() as connection:
            refreshed = content_cache.refresh(connection, content, [marked])
            return content_cache.load(connection) if refreshed.edited else refreshed.content


@pytest.fixture
def cache(projected: Engine) -> CachedContent:
    return CachedContent(projected)


def test_cached_content_equals_the_database(cache: CachedContent, projected: Engine) -> None:
    with projected.connect() as connection:
        agree(cache.content, DatabaseContent(connection))
        for slug in ("ant", "bee", "dodo"):
            assert cache.content.history(slug) == DatabaseContent(connection).history(slug)
        assert cache.content.newest_digest() == DatabaseContent(connection).newest_digest()


def test_a_vote_or_a_bookmark_reads_only_its_tool(cache: CachedContent) -> None:
    bee = cache.content.tool("bee")
    changed = cache.refresh(a_vote(tool="ant", voter="v-2"), a_bookmark(tool="ant"), marked="ant")
    assert changed == {"ant": True}
    assert cache.content.tool("bee") is bee
    ant = cache.content.tool("ant")
    assert ant
    assert (ant.community.votes, ant.bookmarks) == (2, 1)
    assert ant in cache.content.tools_in("insects")


def test_parts_that_no_vote_changes_stay_the_same_objects(cache: CachedContent) -> None:
    """Views are cached for the objects of reviews and histories."""
    before = cache.content.tool("ant")
    cache.refresh(a_review(70, tool="ant", reviewer="zoe"), marked="ant")
    reviewed, history = cache.content.tool("ant"), cache.content.history("ant")
    cache.refresh(a_vote(tool="ant", voter="v-2"), marked="ant")
    after = cache.content.tool("ant")
    assert reviewed
    assert after
    assert reviewed.panel is not (before and before.panel)
    assert reviewed.panel.reviews
    assert after.panel is reviewed.panel
    assert cache.content.history("ant") is history


def test_refreshing_unchanged_tools_changes_nothing(cache: CachedContent) -> None:
    assert cache.refresh(marked="ant") == {}
    assert cache.refresh(marked="unheard-of") == {}


def test_any_other_change_reads_everything_and_finds_the_differences(cache: CachedContent) -> None:
    review = a_review(90, tool="ant", reviewer="zoe")
    changed = cache.refresh(
        review, a_vote(tool="bee"), a_category("undefined", "Pets"), marked="ant"
    )
    assert changed == {"ant": False, "bee": True, "cat": False}


def test_an_outdated_review_changes_the_history(cache: CachedContent) -> None:
    late = a_review(1, "skip", tool="bee", reviewer="ann", time=NOON - 1)
    assert cache.refresh(late, marked="bee") == {"bee": False}


def test_a_listing_with_the_same_facts_changes_the_time_of_the_tool(cache: CachedContent) -> None:
    assert cache.refresh(a_listing("ant", "Ant", "insects", time=LATER), marked="ant") == {
        "ant": False
    }


def test_a_tool_that_moves_or_is_retired_has_moved(cache: CachedContent) -> None:
    before = cache.content
    cache.refresh(a_listing("ant", "Ant", "pets", time=LATER), a_retirement("bee"), marked="ant")
    moved = {change.slug: change.moved for change in content_cache.diff(before, cache.content)}
    assert moved == {"ant": True, "bee": True}


def test_votes_are_read_while_another_tool_was_edited(
    cache: CachedContent, projected: Engine
) -> None:
    before = cache.content
    Journal(projected).apply(
        a_listing("ant", "Renamed", "insects", time=LATER), a_vote(tool="bee", voter="v-9")
    )
    keys = [RecordKey("tool", "ant"), RecordKey("tool", "bee"), RecordKey("category", "insects")]
    with projected.connect() as connection:
        content, edited = content_cache.refresh(connection, before, keys)
    assert edited == {keys[0], keys[2]}
    assert content.tool("ant") is before.tool("ant")
    assert content.tool("bee") != before.tool("bee")
