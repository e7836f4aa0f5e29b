"""The publisher's own library is that of the database, and reads no more than it must."""

import pytest
from sqlalchemy import Engine

from projections.write.outbox import RecordKey
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


class Stockroom:
    """A library that is renewed after events, as if these had marked some tools."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._journal = Journal(engine)
        self._journal.apply(*CONTENT)
        self.held = self._read(InMemoryContent(), RecordKey("site", ""))

    def renew(self, *events: Event, marked: str) -> dict[str, bool]:
        """What changed: whether only votes and bookmarks did, by tool."""
        self._journal.apply(*events)
        before, self.held = self.held, self._read(self.held, RecordKey("tool", marked))
        return {it.slug: it.only_tallies for it in content_cache.diff(before, self.held)}

    def _read(self, held: InMemoryContent, marked: RecordKey) -> InMemoryContent:
        with self._engine.connect() as connection:
            return content_cache.refresh(connection, held, [marked]) or content_cache.load(
                connection
            )


@pytest.fixture
def room(projected: Engine) -> Stockroom:
    return Stockroom(projected)


def test_cached_content_equals_the_database(room: Stockroom, projected: Engine) -> None:
    with projected.connect() as connection:
        agree(room.held, DatabaseContent(connection))
        for slug in ("ant", "bee", "dodo"):
            assert room.held.history(slug) == DatabaseContent(connection).history(slug)
        assert room.held.newest_digest() == DatabaseContent(connection).newest_digest()


def test_a_vote_or_a_bookmark_reads_only_its_tool(room: Stockroom) -> None:
    bee = room.held.tool("bee")
    changed = room.renew(a_vote(tool="ant", voter="v-2"), a_bookmark(tool="ant"), marked="ant")
    assert changed == {"ant": True}
    assert room.held.tool("bee") is bee
    ant = room.held.tool("ant")
    assert ant
    assert (ant.community.votes, ant.bookmarks) == (2, 1)
    assert ant in room.held.tools_in("insects")


def test_parts_that_no_vote_changes_stay_the_same_objects(room: Stockroom) -> None:
    """What is made of a review, or of a history, is made once for each object."""
    before = room.held.tool("ant")
    room.renew(a_review(70, tool="ant", reviewer="zoe"), marked="ant")
    reviewed, history = room.held.tool("ant"), room.held.history("ant")
    room.renew(a_vote(tool="ant", voter="v-2"), marked="ant")
    after = room.held.tool("ant")
    assert reviewed
    assert after
    assert reviewed.panel is not (before and before.panel)
    assert reviewed.panel.reviews
    assert after.panel is reviewed.panel
    assert room.held.history("ant") is history


def test_refreshing_unchanged_tools_changes_nothing(room: Stockroom) -> None:
    assert room.renew(marked="ant") == {}
    assert room.renew(marked="unheard-of") == {}


def test_any_other_change_reads_everything_and_finds_the_differences(room: Stockroom) -> None:
    review = a_review(90, tool="ant", reviewer="zoe")
    changed = room.renew(review, a_vote(tool="bee"), a_category("undefined", "Pets"), marked="ant")
    assert changed == {"ant": False, "bee": True, "cat": False}


def test_an_outdated_review_changes_the_history(room: Stockroom) -> None:
    late = a_review(1, "skip", tool="bee", reviewer="ann", time=NOON - 1)
    assert room.renew(late, marked="bee") == {"bee": False}


def test_a_tool_that_moves_or_is_retired_has_moved(room: Stockroom) -> None:
    held = room.held
    room.renew(a_listing("ant", "Ant", "pets", time=LATER), a_retirement("bee"), marked="ant")
    moved = {it.slug: it.moved for it in content_cache.diff(held, room.held)}
    assert moved == {"ant": True, "bee": True}
