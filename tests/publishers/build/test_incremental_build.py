"""The builder writes the pages of what changed, and no page of anything else differs."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from sqlalchemy import Engine
from structlog.testing import capture_logs

from infra.postgres.statement_pipeline import pipelined
from projections.folds.handlers import HANDLERS
from projections.folds.registers import fold
from projections.write import changed_keys, store
from publishers.build import incremental_build
from publishers.build.incremental_build import SiteBuilder
from publishers.build.site_files import SiteFiles
from publishers.views.tools.cards import card
from schemas.events import Event
from tests.conftest import empty
from tests.harness.examples import (
    MINUTE,
    NOON,
    a_bookmark,
    a_category,
    a_listing,
    a_retirement,
    a_retracted_review,
    a_retracted_vote,
    a_review,
    a_reviewer,
    a_vote,
)
from tests.harness.records import a_tool
from tests.projections.histories import histories
from tests.publishers.builder_fixture import (
    CLOCK,
    PUBLIC_URL,
    BuilderFixture,
    HookedSiteFiles,
    build_marked,
    pages_in,
    tools_in_one_category,
    unwritable,
)

pytestmark = pytest.mark.integration

# A failing example is told as it was found: to shrink one on a database takes minutes.
GENERATE = [Phase.explicit, Phase.generate]

LATER = NOON + MINUTE


def test_a_vote_is_in_the_pages_of_its_tool_and_nowhere_else(site: BuilderFixture) -> None:
    site.build(*tools_in_one_category("ant", "bee", "cow"))
    before = site.pages()
    site.build(a_vote(tool="ant"))
    after = site.pages()
    changed = {path for path in after if after[path] != before.get(path)}
    assert {"tools/ant/index.html", "compare/ant-vs-bee/index.html"} <= changed
    assert "compare/bee-vs-cow/index.html" not in changed
    assert "1 ship / 0 skip" in site.page("/compare/ant-vs-bee/")


def test_every_pair_of_a_category_is_compared_and_no_pair_across(site: BuilderFixture) -> None:
    site.build(*tools_in_one_category("bee", "ant", "a-bee"), a_listing("dog", category="pets"))
    assert site.comparisons() == ["a-bee-vs-ant", "a-bee-vs-bee", "ant-vs-bee"]


def test_a_tool_that_moves_takes_its_comparisons_along(site: BuilderFixture) -> None:
    site.build(*tools_in_one_category("ant", "bee"), a_listing("dog", category="pets"))
    site.build(a_listing("bee", "Bee", "pets", time=LATER))
    assert site.comparisons() == ["bee-vs-dog"]
    site.build(a_listing("bee", "Bee", "insects", time=LATER + 1))
    assert site.comparisons() == ["ant-vs-bee"]


def test_a_retired_tool_leaves_with_all_its_pages_and_returns_with_them(
    site: BuilderFixture,
) -> None:
    site.build(*tools_in_one_category("ant", "bee", "cow"))
    site.build(a_retirement("bee", time=LATER))
    assert site.comparisons() == ["ant-vs-cow"]
    assert not (site.folder / "tools" / "bee").exists()
    assert "/tools/bee/" not in (site.folder / "sitemap.xml").read_text()
    site.build(*tools_in_one_category("bee"))  # an old retry
    assert site.comparisons() == ["ant-vs-cow"]
    site.build(a_listing("bee", "Bee", "insects", time=LATER + 1))
    assert site.comparisons() == ["ant-vs-bee", "ant-vs-cow", "bee-vs-cow"]


def test_a_review_that_is_taken_back_leaves_its_reviewers_page(site: BuilderFixture) -> None:
    site.build(
        *tools_in_one_category("ant"),
        a_reviewer("ann", "Ann"),
        a_review(tool="ant", reviewer="ann"),
    )
    assert "/tools/ant/" in site.page("/reviewers/ann/")
    site.build(a_retracted_review(tool="ant", reviewer="ann", time=LATER))
    assert "/tools/ant/" not in site.page("/reviewers/ann/")


def test_a_new_name_of_a_category_is_on_all_its_pages(site: BuilderFixture) -> None:
    site.build(*tools_in_one_category("ant", "bee"))
    site.build(a_category("insects", "Six Legs"))
    for path in ("/", "/tools/ant/", "/compare/ant-vs-bee/", "/categories/insects/"):
        assert "Six Legs" in site.page(path)


@pytest.mark.parametrize("renamed_first", [True, False])
def test_a_tool_that_comes_into_a_category_while_that_is_renamed_shows_the_new_name(
    site: BuilderFixture, renamed_first: bool
) -> None:
    """Neither transaction sees the other's rows, and each marks what it wrote itself."""
    site.build(*tools_in_one_category("ant", "bee"))
    renaming, listing = a_category("insects", "Six Legs"), a_listing("cow", "Cow", "insects")
    first, second = (renaming, listing) if renamed_first else (listing, renaming)
    with pipelined(site.engine) as connection:
        writes = fold([second], HANDLERS)
        changed_keys.add(connection, *store.apply_writes(connection, writes))
        site.build(first)
    build_marked(site.builder)
    for path in ("/", "/tools/cow/", "/compare/ant-vs-cow/", "/categories/insects/"):
        assert "Six Legs" in site.page(path)
    assert site.is_complete()


def test_marks_from_before_a_publisher_became_active_are_not_worked_off_one_by_one(
    site: BuilderFixture,
) -> None:
    site.build(*tools_in_one_category("ant", "bee"))
    with site.engine.begin() as connection:
        connection.exec_driver_sql(
            "insert into verdicts.dirty (kind, key)"
            " select 'tool', 'ant' from generate_series(1, 10000)"
        )
    files = HookedSiteFiles(site.folder, lambda _: None)
    builder = SiteBuilder(site.engine, files, PUBLIC_URL, CLOCK)
    builder.start()
    build_marked(builder)
    pages = sorted("/" + path.removesuffix("index.html") for path in site.pages())
    assert sorted(set(files.stored)) == pages
    assert len(files.stored) < 2 * len(pages)
    assert files.stored[:2] == ["/tools/ant/", "/compare/ant-vs-bee/"]
    assert site.marks() == 0


def test_nothing_marked_is_nothing_done(site: BuilderFixture) -> None:
    before = site.pages()
    assert build_marked(site.builder) == incremental_build.BuildStats(0, 0, 0)
    assert site.pages() == before


def test_a_second_build_changes_no_byte(site: BuilderFixture) -> None:
    site.build(*tools_in_one_category("ant", "bee"), a_vote(tool="ant"))
    before = site.pages()
    assert site.is_complete()
    assert site.pages() == before


def test_who_keeps_a_library_makes_once_what_stays_the_same(site: BuilderFixture) -> None:
    tool = a_tool()
    assert card(tool) is card(tool)


def test_several_processes_build_what_one_does(site: BuilderFixture, tmp_path: Path) -> None:
    site.build(*tools_in_one_category("ant", "bee", "cow"), a_vote(tool="ant"))
    folder = tmp_path / "several"
    several = SiteBuilder(site.engine, SiteFiles(folder), PUBLIC_URL, CLOCK)
    assert several.build_all(processes=3).changed == len(site.pages())
    assert pages_in(folder) == site.pages()
    assert several.build_all(processes=2).changed == 0


def test_building_all_removes_what_should_not_be_there(site: BuilderFixture) -> None:
    site.build(*tools_in_one_category("ant", "bee"))
    before = site.pages()
    stray = site.folder / "tools" / "stray" / "index.html"
    stray.parent.mkdir()
    stray.write_text("left over")
    (site.folder / "tools" / "ant" / "index.html").write_text("spoilt")
    assert site.builder.build_all().changed == 2
    assert site.pages() == before
    assert not stray.parent.exists()


def test_marks_stay_when_a_page_cannot_be_written(site: BuilderFixture) -> None:
    site.build(*tools_in_one_category("ant", "bee"))
    with unwritable(site, site.folder / "tools" / "ant" / "index.html"):
        site.build(a_vote(tool="ant"))
    assert build_marked(site.builder).marks
    assert site.is_complete()


def test_a_folder_where_a_page_belongs_stops_no_other_page(site: BuilderFixture) -> None:
    site.build(*tools_in_one_category("ant", "bee"))
    page = site.folder / "tools" / "ant" / "index.html"
    page.unlink()
    (page / "inside").mkdir(parents=True)
    with capture_logs() as lines:
        site.build(a_vote(tool="ant"))
    assert "1 ship / 0 skip" in site.page("/compare/ant-vs-bee/")
    assert not site.marks()
    (error,) = lines
    assert (error["log_level"], error["page"]) == ("error", "/tools/ant/")
    shutil.rmtree(page)
    site.builder.build_all()
    assert site.is_complete()


def test_a_page_that_two_marks_ask_for_is_written_once(site: BuilderFixture) -> None:
    site.build(*tools_in_one_category("ant", "bee"))
    files = HookedSiteFiles(site.folder, lambda _: None)
    builder = SiteBuilder(site.engine, files, PUBLIC_URL, CLOCK)
    builder.build_all()
    files.stored.clear()
    site.journal.apply(a_vote(tool="ant"))
    build_marked(builder, until=lambda page: page.path == "/tools/ant/")
    site.journal.apply(a_vote(tool="bee"))
    build_marked(builder)
    assert files.stored.count("/compare/ant-vs-bee/") == 1
    assert "1 ship / 0 skip" in site.page("/compare/ant-vs-bee/")


def test_what_sums_up_several_marked_tools_is_written_once(site: BuilderFixture) -> None:
    site.build(*tools_in_one_category("ant", "bee", "cow"))
    files = HookedSiteFiles(site.folder, lambda _: None)
    builder = SiteBuilder(site.engine, files, PUBLIC_URL, CLOCK)
    builder.build_all()
    files.stored.clear()
    site.journal.apply(a_vote(tool="ant"), a_vote(tool="bee"))
    build_marked(builder)
    assert "/" in files.stored
    assert sorted(files.stored) == sorted(set(files.stored))
    assert site.is_complete()


def test_a_review_that_comes_late_enters_the_history_alone(site: BuilderFixture) -> None:
    review = a_review(80, tool="ant", reviewer="ann", time=LATER)
    site.build(*tools_in_one_category("ant", "bee"), a_reviewer("ann", "Ann"), review)
    site.build(a_review(10, "skip", tool="ant", reviewer="ann", time=NOON), a_vote(tool="ant"))
    assert "2 panel reviews: Skip, then Ship." in site.page("/tools/ant/")
    assert site.is_complete()


def test_bytes_do_not_depend_on_versions(site: BuilderFixture) -> None:
    events = [*tools_in_one_category("ant", "bee"), a_vote(tool="ant"), a_bookmark(tool="ant")]
    site.build(*events)
    before = site.pages()
    site.build(a_vote("skip", tool="ant", time=LATER))
    site.build(a_vote(tool="ant", time=LATER + 1), a_retracted_vote(voter="v-2", tool="bee"))
    assert site.pages() == before


BEFORE: dict[str, Any] = {"time": -10}
INHABITED: list[Event] = [
    a_category("insects", "Insects", **BEFORE),
    *(a_listing(slug, slug.title(), "insects", **BEFORE) for slug in ("ant", "bee")),
    *(a_listing(slug, slug.title(), "pets", **BEFORE) for slug in ("cat", "dog")),
    *(a_reviewer(who, who.title(), **BEFORE) for who in ("ann", "bob")),
    *(
        a_review(tool=slug, reviewer=who, **BEFORE)
        for slug in ("ant", "cat")
        for who in ("ann", "bob")
    ),
    a_vote(tool="ant", **BEFORE),
]


@pytest.mark.parametrize("start", [[], INHABITED], ids=["an empty site", "a site with life"])
def test_whatever_happens_the_pages_are_those_of_a_full_build(
    projected: Engine, tmp_path_factory: pytest.TempPathFactory, start: list[Event]
) -> None:
    @settings(max_examples=20, deadline=None, derandomize=True, database=None, phases=GENERATE)
    @given(histories(8))
    def holds(history: list[Event]) -> None:
        empty(projected)
        site = BuilderFixture(projected, tmp_path_factory.mktemp("site"))
        site.builder.build_all()
        site.build(*start)
        for event in history:
            site.build(event)
        before = site.pages()
        site.builder.build_all()
        assert site.pages() == before

    holds()
