"""The cached content equals the database, and reads no more than necessary."""

from collections.abc import Sequence

import pytest
from sqlalchemy import Engine

from projections.record_keys import RecordKey
from publishers.content import content_cache
from publishers.content.database_content import DatabaseContent
from publishers.content.in_memory_content import InMemoryContent
from schemas.events import DEMO_ID_PREFIX, Event
from tests.harness.examples import (
    NOON,
    a_bookmark,
    a_listing,
    a_merge,
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

    def refresh(self, *events: Event, marked: str, tally: bool = False) -> dict[str, bool]:
        """Whether only votes and bookmarks changed, by changed tool.

        With `tally` the mark says that no more has changed.
        """
        return self.refresh_all(*events, marked=[marked], tally=tally)

    def refresh_all(
        self, *events: Event, marked: Sequence[str], tally: bool = False
    ) -> dict[str, bool]:
        """The same where several tools are marked."""
        self._journal.apply(*events)
        before = self.content
        keys = [RecordKey("tool", slug) for slug in marked]
        edited = [] if tally else keys
        with self._engine.connect() as connection:
            self.content, unread = content_cache.refresh(connection, before, keys, edited)
            if unread:  # as the builder does
                self.content = content_cache.load(connection)
        return {
            change.slug: change.only_tallies for change in content_cache.diff(before, self.content)
        }

    def loaded(self) -> InMemoryContent:
        with self._engine.connect() as connection:
            return content_cache.load(connection)


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


def test_a_newer_merge_into_the_same_tool_is_read(cache: CachedContent) -> None:
    cache.refresh(a_merge("ant", "bee", "Sold.", time=LATER), marked="bee")
    assert [merge.reason for merge in cache.content.merges()] == ["Sold."]
    cache.refresh(a_merge("ant", "bee", "Renamed.", time=LATER + 1), marked="bee")
    assert [merge.reason for merge in cache.content.merges()] == ["Renamed."]
    merges = cache.content.merges()
    cache.refresh(a_vote(tool="ant", voter="v-2"), marked="bee")
    assert cache.content.merges() is merges


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


def test_content_after_votes_equals_the_database(cache: CachedContent) -> None:
    votes = [a_vote(tool="ant", voter="v-2"), a_vote("skip", tool="bee"), a_bookmark(tool="ant")]
    history = cache.content.history("ant")
    changed = cache.refresh_all(*votes, marked=["ant", "bee"], tally=True)
    assert changed == {"ant": True, "bee": True}
    agree(cache.content, cache.loaded())
    assert cache.content.history("ant") is history


def test_the_mark_of_a_tally_reads_no_more_of_a_tool_that_is_known(cache: CachedContent) -> None:
    review = a_review(90, tool="ant", reviewer="zoe")
    assert cache.refresh(review, marked="ant", tally=True) == {}
    listing, vote = a_listing("eel", "Eel", "insects", time=LATER), a_vote(tool="eel")
    assert cache.refresh(listing, vote, marked="eel", tally=True) == {"eel": False}
    assert cache.refresh(a_vote(tool="unheard-of"), marked="unheard-of", tally=True) == {}


def test_an_edit_reads_only_its_tool(cache: CachedContent) -> None:
    bee = cache.content.tool("bee")
    review = a_review(90, tool="ant", reviewer="zoe")
    assert cache.refresh(review, a_vote(tool="bee"), marked="ant") == {"ant": False}
    assert cache.content.tool("bee") is bee
    assert cache.refresh(marked="bee") == {"bee": True}


EDITS = {
    "a review": ([a_review(90, tool="ant", reviewer="zoe")], ["ant"]),
    "a late review": ([a_review(1, "skip", tool="bee", reviewer="ann", time=NOON - 1)], ["bee"]),
    "a new tool": ([a_listing("eel", "Eel", "insects", time=LATER)], ["eel"]),
    "a tool of a new category": ([a_listing("eel", "Eel", "fish", time=LATER)], ["eel"]),
    "the only tool of a category leaves it": (
        [a_listing("cat", "Cat", "insects", time=LATER)], ["cat"],
    ),
    "a retirement": ([a_retirement("bee")], ["bee"]),
    "a tool of the demo": (
        [a_listing("eel", "Eel", "pets", time=LATER, id=f"{DEMO_ID_PREFIX}1")], ["eel"],
    ),
    "another text, and a vote for another tool": (
        [
            a_listing("ant", "Ant", "insects", time=LATER, description="Swims like an eel."),
            a_vote(tool="bee", voter="v-9"),
        ],
        ["ant", "bee"],
    ),
    "a merge": ([a_merge("bee", "ant", time=LATER)], ["ant", "bee"]),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_content_after_an_edit_equals_the_database(cache: CachedContent, edit: str) -> None:
    events, marked = EDITS[edit]
    similar = cache.content.similar_tools()
    for tool in cache.content.tools():
        similar.of(tool)
        cache.content.rivals(tool.tool)
    cache.refresh_all(*events, marked=marked)
    content, loaded = cache.content, cache.loaded()
    agree(content, loaded)
    assert content.retired() == loaded.retired()
    assert content.histories() == loaded.histories()
    assert content.demo_tools() == loaded.demo_tools()
    for tool in loaded.tools():
        assert content.similar_tools().of(tool) == loaded.similar_tools().of(tool)
        assert content.rivals(tool.tool) == loaded.rivals(tool.tool)


def test_other_records_are_left_to_read_everything(cache: CachedContent, projected: Engine) -> None:
    keys = [RecordKey("category", "insects"), RecordKey("reviewer", "ann"), RecordKey("site", "")]
    with projected.connect() as connection:
        content, unread = content_cache.refresh(connection, cache.content, keys, keys)
    assert content is cache.content
    assert unread == {*keys[:2]}


def test_an_outdated_review_changes_the_history(cache: CachedContent) -> None:
    late = a_review(1, "skip", tool="bee", reviewer="ann", time=NOON - 1)
    assert cache.refresh(late, marked="bee") == {"bee": False}


def test_a_listing_with_the_same_facts_changes_the_time_of_the_tool(cache: CachedContent) -> None:
    assert cache.refresh(a_listing("ant", "Ant", "insects", time=LATER), marked="ant") == {
        "ant": False
    }


def test_a_tool_that_moves_or_is_retired_has_moved(cache: CachedContent) -> None:
    before = cache.content
    cache.refresh_all(
        a_listing("ant", "Ant", "pets", time=LATER), a_retirement("bee"), marked=["ant", "bee"]
    )
    moved = {change.slug: change.moved for change in content_cache.diff(before, cache.content)}
    assert moved == {"ant": True, "bee": True}
