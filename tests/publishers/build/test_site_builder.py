"""The press writes the pages of what changed, and no page of anything else differs."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from sqlalchemy import Engine

from infra.postgres.pipeline import pipelined
from projections.folds.handlers import HANDLERS
from projections.folds.registers import fold
from projections.write import changed_keys, store
from publishers.build import site_builder
from publishers.build.site_builder import SiteBuilder
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
from tests.projections.histories import histories
from tests.publishers.builder_fixture import (
    PUBLIC_URL,
    Disturbed,
    House,
    insects,
    pages_in,
    print_marked,
    unwritable,
)
from tests.publishers.samples import a_tool

pytestmark = pytest.mark.integration

# A failing example is told as it was found: to shrink one on a database takes minutes.
GENERATE = [Phase.explicit, Phase.generate]

LATER = NOON + MINUTE


def test_a_vote_is_in_the_pages_of_its_tool_and_nowhere_else(house: House) -> None:
    house.print(*insects("ant", "bee", "cow"))
    before = house.pages()
    house.print(a_vote(tool="ant"))
    after = house.pages()
    changed = {path for path in after if after[path] != before.get(path)}
    assert {"tools/ant/index.html", "compare/ant-vs-bee/index.html"} <= changed
    assert "compare/bee-vs-cow/index.html" not in changed
    assert "1 ship / 0 skip" in house.page("/compare/ant-vs-bee/")


def test_every_pair_of_a_category_is_compared_and_no_pair_across(house: House) -> None:
    house.print(*insects("bee", "ant", "a-bee"), a_listing("dog", category="pets"))
    assert house.comparisons() == ["a-bee-vs-ant", "a-bee-vs-bee", "ant-vs-bee"]


def test_a_tool_that_moves_takes_its_comparisons_along(house: House) -> None:
    house.print(*insects("ant", "bee"), a_listing("dog", category="pets"))
    house.print(a_listing("bee", "Bee", "pets", time=LATER))
    assert house.comparisons() == ["bee-vs-dog"]
    house.print(a_listing("bee", "Bee", "insects", time=LATER + 1))
    assert house.comparisons() == ["ant-vs-bee"]


def test_a_retired_tool_leaves_with_all_its_pages_and_returns_with_them(house: House) -> None:
    house.print(*insects("ant", "bee", "cow"))
    house.print(a_retirement("bee", time=LATER))
    assert house.comparisons() == ["ant-vs-cow"]
    assert not (house.folder / "tools" / "bee").exists()
    assert "/tools/bee/" not in (house.folder / "sitemap.xml").read_text()
    house.print(*insects("bee"))  # an old retry
    assert house.comparisons() == ["ant-vs-cow"]
    house.print(a_listing("bee", "Bee", "insects", time=LATER + 1))
    assert house.comparisons() == ["ant-vs-bee", "ant-vs-cow", "bee-vs-cow"]


def test_a_review_that_is_taken_back_leaves_its_reviewers_page(house: House) -> None:
    house.print(*insects("ant"), a_reviewer("ann", "Ann"), a_review(tool="ant", reviewer="ann"))
    assert "/tools/ant/" in house.page("/reviewers/ann/")
    house.print(a_retracted_review(tool="ant", reviewer="ann", time=LATER))
    assert "/tools/ant/" not in house.page("/reviewers/ann/")


def test_a_new_name_of_a_category_is_on_all_its_pages(house: House) -> None:
    house.print(*insects("ant", "bee"))
    house.print(a_category("insects", "Six Legs"))
    for path in ("/", "/tools/ant/", "/compare/ant-vs-bee/", "/categories/insects/"):
        assert "Six Legs" in house.page(path)


@pytest.mark.parametrize("renamed_first", [True, False])
def test_a_tool_that_comes_into_a_category_while_that_is_renamed_shows_the_new_name(
    house: House, renamed_first: bool
) -> None:
    """Neither transaction sees the other's rows, and each marks what it wrote itself."""
    house.print(*insects("ant", "bee"))
    renaming, listing = a_category("insects", "Six Legs"), a_listing("cow", "Cow", "insects")
    first, second = (renaming, listing) if renamed_first else (listing, renaming)
    with pipelined(house.engine) as connection:
        writes = fold([second], HANDLERS)
        changed_keys.add(connection, store.apply_writes(connection, writes))
        house.print(first)
    print_marked(house.press)
    for path in ("/", "/tools/cow/", "/compare/ant-vs-cow/", "/categories/insects/"):
        assert "Six Legs" in house.page(path)
    assert house.press.build_all().changed == 0


def test_marks_from_before_a_publisher_became_active_are_not_worked_off_one_by_one(
    house: House,
) -> None:
    house.print(*insects("ant", "bee"))

    def another_mark(path: str) -> None:
        if path == "/tools/bee/":
            house.journal.apply(a_vote(tool="bee"))

    with house.engine.begin() as connection:
        connection.exec_driver_sql(
            "insert into verdicts.dirty (kind, key)"
            " select 'tool', 'ant' from generate_series(1, 10000)"
        )
    files = Disturbed(house.folder, another_mark)
    builder = SiteBuilder(house.engine, files, PUBLIC_URL)
    assert builder.catch_up().rendered == len(house.pages())
    assert house.journal.dirty() == [("tool", "bee")]


def test_nothing_marked_is_nothing_done(house: House) -> None:
    before = house.pages()
    assert print_marked(house.press) == site_builder.BuildStats(0, 0, 0)
    assert house.pages() == before


def test_a_second_printing_changes_no_byte(house: House) -> None:
    house.print(*insects("ant", "bee"), a_vote(tool="ant"))
    before = house.pages()
    assert house.press.build_all().changed == 0
    assert house.pages() == before


def test_who_keeps_a_library_makes_once_what_stays_the_same(house: House) -> None:
    tool = a_tool()
    assert card(tool) is card(tool)


def test_several_hands_print_what_one_does(house: House, tmp_path: Path) -> None:
    house.print(*insects("ant", "bee", "cow"), a_vote(tool="ant"))
    folder = tmp_path / "several"
    several = SiteBuilder(house.engine, SiteFiles(folder), PUBLIC_URL)
    assert several.build_all(hands=3).changed == len(house.pages())
    assert pages_in(folder) == house.pages()
    assert several.build_all(hands=2).changed == 0


def test_printing_all_removes_what_should_not_be_there(house: House) -> None:
    house.print(*insects("ant", "bee"))
    before = house.pages()
    stray = house.folder / "tools" / "stray" / "index.html"
    stray.parent.mkdir()
    stray.write_text("left over")
    (house.folder / "tools" / "ant" / "index.html").write_text("spoilt")
    assert house.press.build_all().changed == 2
    assert house.pages() == before
    assert not stray.parent.exists()


def test_marks_stay_when_a_page_cannot_be_written(house: House) -> None:
    house.print(*insects("ant", "bee"))
    with unwritable(house.folder / "tools" / "ant" / "index.html"):
        house.print(a_vote(tool="ant"))
    assert print_marked(house.press).marks
    assert house.press.build_all().changed == 0


def test_a_page_that_two_marks_ask_for_is_written_once(house: House) -> None:
    house.print(*insects("ant", "bee"))
    files = Disturbed(house.folder, lambda _: None)
    one = SiteBuilder(house.engine, files, PUBLIC_URL)
    one.build_all()
    files.stored.clear()
    house.journal.apply(a_vote(tool="ant"))
    one.build_tool_pages()
    house.journal.apply(a_vote(tool="bee"))
    one.build_tool_pages()
    one.build_dependent_pages()
    assert files.stored.count("/compare/ant-vs-bee/") == 1
    assert "1 ship / 0 skip" in house.page("/compare/ant-vs-bee/")


def test_what_sums_up_several_marked_tools_is_written_once(house: House) -> None:
    house.print(*insects("ant", "bee", "cow"))
    files = Disturbed(house.folder, lambda _: None)
    one = SiteBuilder(house.engine, files, PUBLIC_URL)
    one.build_all()
    house.journal.apply(a_vote(tool="ant"), a_vote(tool="bee"))
    one.build_tool_pages()
    one.build_dependent_pages()
    files.stored.clear()
    one.build_summaries()
    assert "/" in files.stored
    assert sorted(files.stored) == sorted(set(files.stored))
    assert house.press.build_all().changed == 0


def test_a_review_that_comes_late_enters_the_history_alone(house: House) -> None:
    said = a_review(80, tool="ant", reviewer="ann", time=LATER)
    house.print(*insects("ant"), a_reviewer("ann", "Ann"), said)
    house.print(a_review(10, "skip", tool="ant", reviewer="ann", time=NOON), a_vote(tool="ant"))
    assert "went from Skip to Ship" in house.page("/tools/ant/")
    assert house.press.build_all().changed == 0


def test_bytes_do_not_depend_on_versions(house: House) -> None:
    events = [*insects("ant", "bee"), a_vote(tool="ant"), a_bookmark(tool="ant")]
    house.print(*events)
    before = house.pages()
    house.print(a_vote("skip", tool="ant", time=LATER))
    house.print(a_vote(tool="ant", time=LATER + 1), a_retracted_vote(voter="v-2", tool="bee"))
    assert house.pages() == before


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
def test_whatever_happens_the_pages_are_those_of_a_full_printing(
    projected: Engine, tmp_path_factory: pytest.TempPathFactory, start: list[Event]
) -> None:
    @settings(max_examples=20, deadline=None, derandomize=True, database=None, phases=GENERATE)
    @given(histories(8))
    def holds(history: list[Event]) -> None:
        empty(projected)
        house = House(projected, tmp_path_factory.mktemp("site"))
        house.press.build_all()
        house.print(*start)
        for event in history:
            house.print(event)
        before = house.pages()
        house.press.build_all()
        assert house.pages() == before

    holds()
