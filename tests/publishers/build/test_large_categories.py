"""Categories with more pairs than are stored."""

import pytest

from publishers.content.database_content import open_snapshot
from publishers.pages import catalogue
from publishers.views.tools.rivals import CLOSEST, MAX_ALL_PAIRS
from schemas.events import Event
from tests.harness.examples import MINUTE, NOON, a_listing, a_retirement, a_vote
from tests.publishers.builder_fixture import PUBLIC_URL, BuilderFixture

pytestmark = pytest.mark.integration

SLUGS = [f"tool-{number:02}" for number in range(MAX_ALL_PAIRS + 5)]
THEMES = ("handwriting recognition", "database migrations", "birdsong", "tax forms", "poetry")


def listed(*slugs: str, theme: str = "", time: int = NOON) -> list[Event]:
    return [
        a_listing(
            slug, slug.title(), "crowded", time=time, id=f"{slug}-{time}",
            description=f"About {theme or THEMES[SLUGS.index(slug) % len(THEMES)]}.",
        )
        for slug in slugs
    ]  # fmt: skip


def test_one_tool_more_than_all_pairs_are_stored_for_removes_the_distant_ones(
    site: BuilderFixture,
) -> None:
    site.build(*listed(*SLUGS[:MAX_ALL_PAIRS]))
    every_pair = MAX_ALL_PAIRS * (MAX_ALL_PAIRS - 1) // 2
    assert len(site.comparisons()) == every_pair
    site.build(*listed(*SLUGS[MAX_ALL_PAIRS:]))
    stored = site.comparisons()
    assert len(stored) < len(SLUGS) * (len(SLUGS) - 1) // 2
    assert len(stored) <= len(SLUGS) * CLOSEST
    assert site.is_complete()
    site.build(*(a_retirement(slug, time=NOON + MINUTE) for slug in SLUGS[MAX_ALL_PAIRS:]))
    assert len(site.comparisons()) == every_pair
    assert site.is_complete()


def test_an_edited_text_moves_its_tool_nearer_to_others(site: BuilderFixture) -> None:
    site.build(*listed(*SLUGS))
    before = site.comparisons()
    site.build(*listed(SLUGS[-1], theme=THEMES[0], time=NOON + MINUTE))
    assert site.comparisons() != before
    assert site.is_complete()


def test_votes_change_no_pair(site: BuilderFixture) -> None:
    site.build(*listed(*SLUGS))
    before = site.comparisons()
    site.build(*(a_vote(tool=slug, voter=slug) for slug in SLUGS[::3]))
    assert site.comparisons() == before
    assert site.is_complete()


def test_a_pair_without_a_file_has_the_bytes_that_the_file_would_have(
    site: BuilderFixture,
) -> None:
    site.build(*listed(*SLUGS))
    one, other = next(
        (one, other)
        for one in SLUGS
        for other in SLUGS
        if one < other and f"{one}-vs-{other}" not in site.comparisons()
    )
    path = f"/compare/{one}-vs-{other}/"
    with open_snapshot(site.engine) as content:
        assert not catalogue.is_stored(content, path)
        page = catalogue.render(content, path, PUBLIC_URL)
        assert page
        assert b"index.json" in page  # it has alternates, as stored comparisons have
        assert catalogue.render(content, path + "index.json", PUBLIC_URL)
    assert path not in (site.folder / "sitemap.xml").read_text()
