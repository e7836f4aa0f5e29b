"""What the site builder writes first and what later."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from infra.settings import Settings
from infra.telemetry.metrics import REGISTRY
from projections import pipeline_state
from projections.record_keys import RecordKey
from projections.write import changed_keys
from publishers.build.incremental_build import SiteBuilder
from publishers.build.queue.mark_reader import MOST_NEW_TOOLS
from publishers.build.queue.page_queue import Priority
from publishers.build.site_files import SiteFiles
from publishers.publisher import ActivePublisher
from tests.harness.examples import a_category, a_listing, a_review, a_reviewer, a_vote
from tests.harness.waiting import wait_until
from tests.publishers.builder_fixture import (
    CLOCK,
    PUBLIC_URL,
    BuilderFixture,
    HookedSiteFiles,
    build_marked,
    tools_in_one_category,
    unwritable,
)

pytestmark = pytest.mark.integration

# So long a page takes: after two of them, marks are read and a tool's own page is due again.
PAGE_SECONDS = 0.02


class BusySite:
    """A builder to which a hook happens after each page, as a vote or a mark may come then."""

    def __init__(self, site: BuilderFixture, hook: Callable[[str], None] = lambda _: None) -> None:
        self.files = HookedSiteFiles(site.folder, self._after)
        self.builder = SiteBuilder(site.engine, self.files, PUBLIC_URL, CLOCK)
        self._hook: Callable[[str], None] = lambda _: None
        self.builder.build_all()
        self.files.stored.clear()
        self._hook = hook

    def _after(self, path: str) -> None:
        CLOCK.seconds += PAGE_SECONDS
        self._hook(path)
        self.builder.notify()


def test_a_tools_own_page_does_not_wait_for_the_comparisons_of_another(
    site: BuilderFixture,
) -> None:
    site.build(*tools_in_one_category("ant", "bee", "cow", "doe"))

    def another_vote(path: str) -> None:
        if path == "/compare/ant-vs-bee/" and len(busy.files.stored) == 2:
            site.journal.apply(a_vote(tool="doe", voter="v-2"))

    busy = BusySite(site, another_vote)
    site.journal.apply(a_vote(tool="ant"))
    build_marked(busy.builder)
    own = ["/tools/ant/", "/compare/ant-vs-bee/", "/tools/doe/", "/compare/ant-vs-cow/"]
    assert busy.files.stored[:4] == own
    assert busy.files.stored.count("/compare/bee-vs-doe/") == 1
    assert site.is_complete()


def test_a_tool_listed_while_summaries_are_built_is_compared_without_another_mark(
    site: BuilderFixture,
) -> None:
    site.build(*tools_in_one_category("ant", "bee"), a_listing("cow", category="pets"))
    late = [a_listing("dog", category="pets")]

    def a_late_listing(path: str) -> None:
        if path == "/" and late:  # a vote changes it as a summary alone
            site.journal.apply(late.pop())

    busy = BusySite(site, a_late_listing)
    site.journal.apply(a_vote(tool="ant", voter="v-2"))
    build_marked(busy.builder)
    assert site.comparisons() == ["ant-vs-bee", "cow-vs-dog"]


def test_a_mark_that_comes_while_pages_are_made_is_kept(site: BuilderFixture) -> None:
    site.build(*tools_in_one_category("ant", "bee"))
    site.journal.apply(a_vote(tool="ant"))
    files = HookedSiteFiles(site.folder, lambda _: mark(site, "bee"))
    built = build_marked(SiteBuilder(site.engine, files, PUBLIC_URL, CLOCK))
    assert built.marks == 1
    assert site.journal.dirty() == [("tool", "bee")] * built.rendered


def test_a_mark_without_a_change_changes_nothing(site: BuilderFixture) -> None:
    site.build(*tools_in_one_category("ant", "bee"), a_vote(tool="ant"))
    with site.engine.begin() as connection:
        connection.execute(text("update tallies set version = nextval('verdicts.version')"))
    mark(site, "ant")
    assert build_marked(site.builder).changed == 0
    assert site.marks() == 0


def test_a_second_mark_of_a_change_changes_nothing(site: BuilderFixture) -> None:
    site.build(*tools_in_one_category("ant", "bee"))
    site.journal.apply(a_vote(tool="ant"))
    mark(site, "never-listed")
    assert build_marked(site.builder).marks == 2
    assert "1 ship / 0 skip" in site.page("/tools/ant/")
    assert "1 ship / 0 skip" in site.page("/compare/ant-vs-bee/")
    mark(site, "ant")
    again = build_marked(site.builder)
    assert (again.marks, again.changed) == (1, 0)
    assert site.is_complete()


def mark(site: BuilderFixture, tool: str) -> None:
    """Mark a tool that did not change."""
    with site.engine.begin() as connection:
        changed_keys.mark(connection, [RecordKey("tool", tool)])


def test_what_people_read_does_not_wait_for_a_page_that_cannot_be_written(
    site: BuilderFixture,
) -> None:
    site.build(*tools_in_one_category("ant", "bee"))
    page = site.folder / "compare" / "ant-vs-bee" / "index.html"
    with unwritable(site, page):
        site.build(a_vote(tool="ant"))
    assert "1 ship / 0 skip" in site.page("/tools/ant/")
    assert site.marks()
    build_marked(site.builder)
    assert site.is_complete()


def test_what_people_read_does_not_wait_for_what_machines_read(site: BuilderFixture) -> None:
    site.build(*tools_in_one_category("ant", "bee"))
    alternate = site.folder / "compare" / "ant-vs-bee" / "index.json"
    with unwritable(site, alternate):
        site.build(a_vote(tool="ant"))
    assert "1 ship / 0 skip" in site.page("/compare/ant-vs-bee/")
    assert build_marked(site.builder).marks
    assert site.is_complete()


ALTERNATE = "/compare/ant-vs-bee/index.json"


def test_while_people_wait_for_pages_what_machines_read_waits_for_them(
    site: BuilderFixture,
) -> None:
    site.build(*tools_in_one_category("ant", "bee", "cow", "doe"))

    def a_vote_for_another(path: str) -> None:
        if path == "/compare/ant-vs-doe/":
            site.journal.apply(a_vote(tool="cow", voter="v-2"))

    busy = BusySite(site, a_vote_for_another)
    site.journal.apply(a_vote(tool="ant"))
    build_marked(busy.builder)
    stored = busy.files.stored
    assert stored.index("/compare/ant-vs-doe/") < stored.index("/compare/bee-vs-cow/")
    assert stored.index("/compare/bee-vs-cow/") < stored.index(ALTERNATE)
    assert site.is_complete()


def test_under_votes_without_end_what_machines_read_waits_for_a_second_or_two(
    site: BuilderFixture,
) -> None:
    site.build(*tools_in_one_category("ant", "bee", "cow", "doe"))
    voters = iter(range(10_000))
    busy = BusySite(
        site, lambda _: site.journal.apply(a_vote(tool="cow", voter=f"v-{next(voters)}"))
    )
    site.journal.apply(a_vote(tool="ant"))
    began = CLOCK.seconds
    build_marked(busy.builder, until=lambda page: page.path == ALTERNATE)
    stored = busy.files.stored
    assert stored.index("/compare/bee-vs-cow/") < stored.index(ALTERNATE)
    assert CLOCK.seconds - began < 3.0


def test_a_busy_tools_page_is_built_thirty_times_a_second_and_not_for_each_vote(
    site: BuilderFixture,
) -> None:
    site.build(*tools_in_one_category("ant", "bee"))
    voters = iter(range(10_000))
    busy = BusySite(
        site, lambda _: site.journal.apply(a_vote(tool="ant", voter=f"v-{next(voters)}"))
    )
    site.journal.apply(a_vote(tool="ant"))
    began = CLOCK.seconds
    build_marked(busy.builder, until=lambda _: CLOCK.seconds > began + 2.0)
    assert 20 <= busy.files.stored.count("/tools/ant/") <= 70


def test_summaries_are_built_once_for_several_changes(site: BuilderFixture) -> None:
    site.build(*tools_in_one_category("ant", "bee"), a_listing("cow", category="pets"))
    busy = BusySite(site)
    for voter in range(5):
        site.journal.apply(a_vote(tool="ant", voter=f"v-{voter}"))
        build_marked(busy.builder, until=lambda page: page.priority == Priority.PEOPLE)
    build_marked(busy.builder)
    assert busy.files.stored.count("/categories/insects/") < 5
    assert site.is_complete()


def test_every_page_of_a_change_is_counted_once(site: BuilderFixture, migrated: str) -> None:
    site.build(*tools_in_one_category("ant", "bee"))
    with active_publisher(site.builder_in_real_time(), migrated):
        counted, pages = written(), site.pages()
        site.journal.apply(a_vote(tool="ant"))
        wait_until("no page is dirty", lambda: site.marks() == 0, seconds=20)
        changed = {path for path, page in site.pages().items() if page != pages[path]}
        assert {"tools/ant/index.json", "compare/ant-vs-bee/index.md"} <= changed
        wait_until(
            "every page is counted",
            lambda: written() - counted,
            lambda number: number == len(changed),
        )
        assert "1 ship" in site.page("/compare/ant-vs-bee/")


def test_the_check_of_all_files_with_which_a_publisher_begins_is_counted_too(
    site: BuilderFixture, migrated: str
) -> None:
    site.build(*tools_in_one_category("ant", "bee"))
    builder = SiteBuilder(site.engine, SiteFiles(site.folder.with_name("new")), PUBLIC_URL)
    before = written()
    with active_publisher(builder, migrated):
        wait_until("all files are checked", lambda: site.marks() == 0, seconds=20)
        assert written() - before == len(site.pages())


@contextmanager
def active_publisher(builder: SiteBuilder, database: str) -> Iterator[None]:
    """A publisher that leads."""
    publisher = ActivePublisher(Settings.from_environment({"DATABASE_URL": database}), builder, "1")
    publisher.start()
    try:
        wait_until("the publisher leads", lambda: publisher.active)
        yield
    finally:
        publisher.stop()


def written() -> float:
    """How many pages this process has counted as written."""
    return REGISTRY.get_sample_value("verdicts_pages_rendered_total", {"outcome": "written"}) or 0


def test_a_vote_passes_a_catalogue_that_is_being_imported(site: BuilderFixture) -> None:
    site.build(*tools_in_one_category("ant", "bee"))
    imported = [a_listing(f"pet-{number}", category="pets") for number in range(12)]

    def a_vote_meanwhile(path: str) -> None:
        if len(busy.files.stored) == 5:
            site.journal.apply(a_vote(tool="ant"))

    busy = BusySite(site, a_vote_meanwhile)
    site.journal.apply(*imported)
    build_marked(busy.builder)
    stored = busy.files.stored
    assert stored[5:8].count("/tools/ant/") == 1
    assert stored.index("/compare/ant-vs-bee/") < 10
    assert site.is_complete()


def test_only_backfill_is_left_of_a_listing_while_it_is_built(site: BuilderFixture) -> None:
    site.build(*tools_in_one_category("ant", "bee"))
    site.journal.apply(a_listing("cow", category="insects"), a_vote(tool="ant"))
    build_marked(site.builder, until=lambda page: page.priority == Priority.BACKFILL)
    assert backfill(site) == {"cow": True}
    build_marked(site.builder)
    assert backfill(site) == {}
    assert site.is_complete()


def test_an_edit_of_a_tool_on_the_site_is_shown_before_any_backfill(site: BuilderFixture) -> None:
    site.build(*tools_in_one_category("ant", "bee"))
    busy = BusySite(site)
    site.journal.apply(a_category("insects", "Six Legs"))
    build_marked(busy.builder, until=lambda page: page.priority == Priority.BACKFILL)
    site.journal.apply(a_review(tool="ant"), a_reviewer())
    busy.files.stored.clear()
    build_marked(busy.builder)
    assert busy.files.stored[:2] == ["/tools/ant/", "/compare/ant-vs-bee/"]
    assert site.is_complete()


def test_after_a_start_changes_from_before_come_first_and_all_files_are_checked(
    site: BuilderFixture,
) -> None:
    site.build(*tools_in_one_category("ant", "bee", "cow"))
    (site.folder / "tools/bee/index.html").write_text("of another version")
    for stray in ("tools/stray/index.html", ".hidden", "no page.txt"):
        (site.folder / stray).parent.mkdir(exist_ok=True)
        (site.folder / stray).write_text("left over")
    site.journal.apply(a_vote(tool="cow"))
    files = HookedSiteFiles(site.folder, lambda _: None)
    builder = SiteBuilder(site.engine, files, PUBLIC_URL, CLOCK)
    builder.start()
    assert files.stored == []
    build_marked(builder, until=lambda page: page.priority == Priority.BACKFILL)
    assert files.stored[0] == "/tools/cow/"
    assert "1 ship" in site.page("/tools/cow/")
    assert backfill(site) == {"": True}
    build_marked(builder)
    assert site.marks() == 0
    assert not (site.folder / ".hidden").exists()
    assert site.is_complete()


def test_a_start_over_loses_nothing_and_no_age(site: BuilderFixture) -> None:
    site.build(*tools_in_one_category("ant", "bee"))
    site.journal.apply(a_listing("cow", category="insects"))
    with site.engine.begin() as connection:
        connection.execute(text("update verdicts.dirty set at = at - interval '1 hour'"))
    build_marked(site.builder, until=lambda page: page.priority == Priority.BACKFILL)
    builder = SiteBuilder(site.engine, SiteFiles(site.folder), PUBLIC_URL, CLOCK)
    builder.acquire()
    builder.start()
    with site.engine.connect() as connection:
        ages = {queue.name: queue.age for queue in pipeline_state.queues(connection)}
    assert ages["backfill"] >= 3600
    build_marked(builder)
    assert site.comparisons() == ["ant-vs-bee", "ant-vs-cow", "bee-vs-cow"]
    assert site.is_complete()


def backfill(site: BuilderFixture) -> dict[str, bool]:
    """The keys of all marks, and whether only backfill is left of each."""
    with site.engine.connect() as connection:
        rows = connection.execute(text("select key, backfill from verdicts.dirty")).all()
    return {row.key: row.backfill for row in rows}


def test_a_vote_is_shown_before_the_last_of_many_tools_that_are_listed_at_once(
    site: BuilderFixture,
) -> None:
    site.build(*tools_in_one_category("ant", "bee"))
    busy = BusySite(site)
    count = 3 * MOST_NEW_TOOLS
    site.journal.apply(*(a_listing(f"new-{n}", category=f"c-{n // 20}") for n in range(count)))
    site.journal.apply(a_vote(tool="ant"))
    build_marked(busy.builder)
    stored = busy.files.stored
    assert stored.index("/compare/ant-vs-bee/") < MOST_NEW_TOOLS
    assert {f"/tools/new-{n}/" for n in range(count)} <= {*stored}
    assert site.marks() == 0
    assert site.is_complete()
