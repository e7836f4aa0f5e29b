"""The press and the weeks: open digests move with every change, settled ones reach every page."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from schemas import weeks
from schemas.events import FrozenTally
from tests.examples import NOON, a_listing, a_vote
from tests.projections.test_digest import a_freeze
from tests.publishers.test_press import House

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
    return house.press.print_all().changed == 0


def test_an_open_digest_moves_with_every_vote(house: House):
    house.print(a_vote(tool="ant"))
    assert "1 more vote so far" in house.page("/digests/2026-W47/")
    house.print(a_vote(tool="ant", voter="v-2"))
    assert "2 more votes so far" in house.page("/digests/2026-W47/")
    assert "2 more votes so far" in house.page("/digests/")
    assert is_complete(house)


def test_the_first_vote_of_a_week_makes_its_digest_the_newest_on_every_page(house: House):
    assert 'href="/digests/2026-W47/">read the newest' in house.page("/compare/ant-vs-bee/")
    house.print(a_vote(tool="ant", time=NEXT))
    for path in ("/", "/tools/bee/", "/compare/ant-vs-bee/", "/categories/developer-tools/"):
        assert 'href="/digests/2026-W48/">read the newest' in house.page(path)
    assert digests(house) == ["2026-W47", "2026-W48"]
    assert is_complete(house)


def test_a_settled_digest_stays_as_it_is_and_enters_histories_and_feeds(house: House):
    tallies = FrozenTally("ant", 7, 1, 0), FrozenTally("bee", 1, 9, 0)
    house.print(a_freeze("2026-W47", *tallies, at=NEXT))
    settled = house.page("/digests/2026-W47/")
    assert "still open" not in settled
    for tool, counts in (("ant", "7 ship / 1 skip"), ("bee", "1 ship / 9 skip")):
        assert counts in house.page(f"/tools/{tool}/")
    assert "/digests/2026-W47/" in (house.folder / "feed.xml").read_text()
    house.print(a_vote(tool="ant"))
    assert house.page("/digests/2026-W47/") == settled
    assert is_complete(house)


def test_a_week_that_is_overtaken_before_it_is_settled_has_no_page_until_then(house: House):
    house.print(a_vote(tool="ant", time=NEXT + weeks.LENGTH))
    assert "2026-W47" not in digests(house)
    house.print(a_freeze("2026-W47", FrozenTally("ant", 1, 0, 0), at=NEXT))
    assert digests(house) == ["2026-W47"]
    assert is_complete(house)
