"""The press and the weeks: open digests move with every change, settled ones reach every page."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from infra.settings import Settings
from publishers.publisher import ActivePublisher
from schemas.events import FrozenTally
from schemas.time import weeks
from tests.harness.examples import NOON, a_listing, a_retracted_vote, a_vote
from tests.harness.waiting import wait_until
from tests.projections.history.test_weekly_digests import a_freeze
from tests.publishers.builder_fixture import House

pytestmark = pytest.mark.integration

NEXT = NOON + weeks.LENGTH


@pytest.fixture
def house(projected: Engine, tmp_path: Path) -> House:
    made = House(projected, tmp_path / "site")
    made.print(a_listing("ant", "Ant"), a_listing("bee", "Bee"))
    return made


def digests(house: House) -> list[str]:
    return sorted(it.name for it in (house.folder / "digests").iterdir() if it.is_dir())


def is_complete(house: House) -> bool:
    """Whether a full printing would change nothing."""
    return house.press.build_all().changed == 0


def test_an_open_digest_moves_with_every_vote(house: House) -> None:
    house.print(a_vote(tool="ant"))
    assert "1 more vote so far" in house.page("/digests/2026-W47/")
    house.print(a_vote(tool="ant", voter="v-2"))
    assert "2 more votes so far" in house.page("/digests/2026-W47/")
    assert "2 more votes so far" in house.page("/digests/")
    assert is_complete(house)


def test_the_first_vote_of_a_week_makes_its_digest_the_newest_on_every_page(house: House) -> None:
    assert 'href="/digests/2026-W47/">read the latest' in house.page("/compare/ant-vs-bee/")
    house.print(a_vote(tool="ant", time=NEXT))
    for path in ("/", "/tools/bee/", "/compare/ant-vs-bee/", "/categories/developer-tools/"):
        assert 'href="/digests/2026-W48/">read the latest' in house.page(path)
    assert digests(house) == ["2026-W47", "2026-W48"]
    assert is_complete(house)


def test_a_settled_digest_stays_as_it_is_and_enters_histories_and_feeds(house: House) -> None:
    tallies = FrozenTally("ant", 7, 1, 0), FrozenTally("bee", 1, 9, 0)
    house.print(a_freeze("2026-W47", *tallies, at=NEXT))
    settled = house.page("/digests/2026-W47/")
    assert "in progress" not in settled
    for tool, counts in (("ant", "7 ship / 1 skip"), ("bee", "1 ship / 9 skip")):
        assert counts in house.page(f"/tools/{tool}/")
    assert "/digests/2026-W47/" in (house.folder / "feed.xml").read_text()
    house.print(a_vote(tool="ant"))
    assert house.page("/digests/2026-W47/") == settled
    assert is_complete(house)


def test_a_week_that_is_overtaken_before_it_is_settled_has_no_page_until_then(house: House) -> None:
    house.print(a_vote(tool="ant", time=NEXT + weeks.LENGTH))
    assert "2026-W47" not in digests(house)
    house.print(a_freeze("2026-W47", FrozenTally("ant", 1, 0, 0), at=NEXT))
    assert digests(house) == ["2026-W47"]
    assert is_complete(house)


def test_an_open_week_that_is_not_the_newest_comes_and_goes_on_every_page_that_shows_it(
    projected: Engine, tmp_path: Path
) -> None:
    house = House(projected, tmp_path / "site")
    house.print(
        a_freeze("2026-W46", FrozenTally("ant", 0, 0, 0), at=NOON),
        a_listing("ant", time=NOON - weeks.LENGTH),
        a_listing("bee", time=NEXT),
    )
    assert digests(house) == ["2026-W46", "2026-W48"]
    assert is_complete(house)
    house.print(a_vote(tool="ant", time=NEXT))
    assert digests(house) == ["2026-W46", "2026-W47", "2026-W48"]
    assert "/digests/2026-W47/" in house.page("/digests/2026-W46/")
    assert "/digests/2026-W47/" in (house.folder / "sitemap.xml").read_text()
    assert is_complete(house)
    house.print(a_retracted_vote(tool="ant", time=NEXT + 1))
    assert digests(house) == ["2026-W46", "2026-W48"]
    assert is_complete(house)


def test_a_week_begins_with_an_event_that_changes_no_record(house: House, migrated: str) -> None:
    house.print(a_vote(tool="ant"))
    writer = ActivePublisher(
        Settings.from_environment({"DATABASE_URL": migrated}), house.press, "1"
    )
    writer.start()
    try:
        wait_until("the publisher leads", lambda: writer.active)
        house.journal.outbox()
        house.journal.apply(a_vote(tool="ant", time=NEXT))  # the choice is the same
        assert house.journal.outbox() == []
        assert house.marks() == 0
        wait_until(
            "both digests are written",
            lambda: digests(house),
            lambda it: it == ["2026-W47", "2026-W48"],
            seconds=20,
        )
    finally:
        writer.stop()
    assert is_complete(house)


def test_while_no_week_begins_a_look_at_weeks_leaves_nothing_to_do(house: House) -> None:
    house.print(a_vote(tool="ant"))
    house.press.check_week_rollover()
    house.press.build_summaries()
    house.print(a_vote(tool="ant", voter="v-2"))
    house.press.check_week_rollover()
    assert not house.press.rest_waits
