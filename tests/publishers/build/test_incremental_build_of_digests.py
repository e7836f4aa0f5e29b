"""The builder and the weeks: open digests move with every change, settled ones reach every page."""

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
from tests.publishers.builder_fixture import CLOCK, BuilderFixture, build_marked

pytestmark = pytest.mark.integration

NEXT = NOON + weeks.LENGTH


@pytest.fixture
def site(projected: Engine, tmp_path: Path) -> BuilderFixture:
    fixture = BuilderFixture(projected, tmp_path / "site")
    fixture.build(a_listing("ant", "Ant"), a_listing("bee", "Bee"))
    return fixture


def digests(site: BuilderFixture) -> list[str]:
    return sorted(folder.name for folder in (site.folder / "digests").iterdir() if folder.is_dir())


def test_an_open_digest_moves_with_every_vote(site: BuilderFixture) -> None:
    site.build(a_vote(tool="ant"))
    assert "1 more vote so far" in site.page("/digests/2026-W47/")
    site.build(a_vote(tool="ant", voter="v-2"))
    assert "2 more votes so far" in site.page("/digests/2026-W47/")
    assert "2 more votes so far" in site.page("/digests/")
    assert site.is_complete()


def test_the_first_vote_of_a_week_makes_its_digest_the_newest_on_every_page(
    site: BuilderFixture,
) -> None:
    assert 'href="/digests/2026-W47/">read the latest' in site.page("/compare/ant-vs-bee/")
    site.build(a_vote(tool="ant", time=NEXT))
    for path in ("/", "/tools/bee/", "/compare/ant-vs-bee/", "/categories/developer-tools/"):
        assert 'href="/digests/2026-W48/">read the latest' in site.page(path)
    assert digests(site) == ["2026-W47", "2026-W48"]
    assert site.is_complete()


def test_a_settled_digest_stays_as_it_is_and_enters_histories_and_feeds(
    site: BuilderFixture,
) -> None:
    tallies = FrozenTally("ant", 7, 1, 0), FrozenTally("bee", 1, 9, 0)
    site.build(a_freeze("2026-W47", *tallies, at=NEXT))
    settled = site.page("/digests/2026-W47/")
    assert "in progress" not in settled
    for tool, counts in (("ant", "7 ship / 1 skip"), ("bee", "1 ship / 9 skip")):
        assert counts in site.page(f"/tools/{tool}/")
    assert "/digests/2026-W47/" in (site.folder / "feed.xml").read_text()
    site.build(a_vote(tool="ant"))
    assert site.page("/digests/2026-W47/") == settled
    assert site.is_complete()


def test_a_week_that_is_overtaken_before_it_is_settled_has_no_page_until_then(
    site: BuilderFixture,
) -> None:
    site.build(a_vote(tool="ant", time=NEXT + weeks.LENGTH))
    assert "2026-W47" not in digests(site)
    site.build(a_freeze("2026-W47", FrozenTally("ant", 1, 0, 0), at=NEXT))
    assert digests(site) == ["2026-W47"]
    assert site.is_complete()


def test_an_open_week_that_is_not_the_newest_comes_and_goes_on_every_page_that_shows_it(
    projected: Engine, tmp_path: Path
) -> None:
    site = BuilderFixture(projected, tmp_path / "site")
    site.build(
        a_freeze("2026-W46", FrozenTally("ant", 0, 0, 0), at=NOON),
        a_listing("ant", time=NOON - weeks.LENGTH),
        a_listing("bee", time=NEXT),
    )
    assert digests(site) == ["2026-W46", "2026-W48"]
    assert site.is_complete()
    site.build(a_vote(tool="ant", time=NEXT))
    assert digests(site) == ["2026-W46", "2026-W47", "2026-W48"]
    assert "/digests/2026-W47/" in site.page("/digests/2026-W46/")
    assert "/digests/2026-W47/" in (site.folder / "sitemap.xml").read_text()
    assert site.is_complete()
    site.build(a_retracted_vote(tool="ant", time=NEXT + 1))
    assert digests(site) == ["2026-W46", "2026-W48"]
    assert site.is_complete()


def test_a_week_begins_with_an_event_that_changes_no_record(
    site: BuilderFixture, migrated: str
) -> None:
    site.build(a_vote(tool="ant"))
    builder = site.builder_in_real_time()
    writer = ActivePublisher(Settings.from_environment({"DATABASE_URL": migrated}), builder, "1")
    writer.start()
    try:
        wait_until("all files are checked", lambda: writer.active and builder.idle)
        site.journal.outbox()
        site.journal.apply(a_vote(tool="ant", time=NEXT))  # the choice is the same
        assert site.journal.outbox() == []
        assert site.marks() == 0
        wait_until(
            "both digests are written",
            lambda: digests(site),
            lambda weeks: weeks == ["2026-W47", "2026-W48"],
            seconds=20,
        )
        wait_until("no page waits", lambda: builder.idle)
    finally:
        writer.stop()
    assert site.is_complete()


def test_while_no_week_begins_a_look_at_weeks_leaves_nothing_to_do(site: BuilderFixture) -> None:
    site.build(a_vote(tool="ant"))
    CLOCK.seconds += 5
    build_marked(site.builder)
    site.build(a_vote(tool="ant", voter="v-2"))
    CLOCK.seconds += 5
    assert site.builder.build_next() is None
    assert site.builder.idle
