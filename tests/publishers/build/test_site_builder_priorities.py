"""What the press writes first and what later, and when those hear of it who wait."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import text

from infra.settings import Settings
from infra.telemetry.metrics import REGISTRY
from projections.write import changed_keys
from projections.write.outbox import RecordKey
from publishers.build import site_builder
from publishers.build.site_builder import SiteBuilder
from publishers.build.site_files import SiteFiles
from publishers.publisher import ActivePublisher
from schemas.channels import Channel
from tests.harness.examples import a_listing, a_vote
from tests.harness.waiting import wait_until
from tests.publishers.builder_fixture import (
    PUBLIC_URL,
    Disturbed,
    House,
    insects,
    print_marked,
    unwritable,
)

pytestmark = pytest.mark.integration


def test_a_tools_own_page_does_not_wait_for_the_comparisons_of_another(house: House) -> None:
    house.print(*insects("ant", "bee", "cow", "doe"))

    def another_vote(path: str) -> None:
        time.sleep(site_builder.LOOK_SECONDS)
        if path == "/compare/ant-vs-bee/" and len(files.stored) == 2:
            house.journal.apply(a_vote(tool="doe", voter="v-2"))

    files = Disturbed(house.folder, another_vote)
    slow = SiteBuilder(house.engine, files, PUBLIC_URL)
    slow.build_all()
    files.stored.clear()
    house.journal.apply(a_vote(tool="ant"))
    print_marked(slow)
    own = ["/tools/ant/", "/compare/ant-vs-bee/", "/tools/doe/", "/compare/ant-vs-cow/"]
    assert files.stored[:4] == own
    assert "/compare/bee-vs-doe/" not in files.stored  # Its mark is for the next round.
    print_marked(slow)
    assert files.stored.count("/compare/bee-vs-doe/") == 1
    assert house.press.build_all().changed == 0


def test_what_is_found_while_the_rest_is_written_is_printed_without_another_mark(
    house: House, migrated: str
) -> None:
    house.print(*insects("ant", "bee"), a_listing("cow", category="pets"))
    late = [a_listing("dog", category="pets")]

    def a_late_listing(path: str) -> None:
        time.sleep(site_builder.LOOK_SECONDS)
        if path == "/" and writer.active and late:  # a vote changes it among the rest alone
            house.journal.apply(late.pop())

    slow = SiteBuilder(house.engine, Disturbed(house.folder, a_late_listing), PUBLIC_URL)
    writer = ActivePublisher(Settings.from_environment({"DATABASE_URL": migrated}), slow, "1")
    writer.start()
    try:
        wait_until("the publisher leads", lambda: writer.active)
        house.journal.apply(a_vote(tool="ant", voter="v-2"))
        wait_until(
            "the comparisons are written",
            house.comparisons,
            lambda it: it == ["ant-vs-bee", "cow-vs-dog"],
            seconds=10,
        )
    finally:
        writer.stop()


def test_a_mark_that_comes_while_pages_are_made_is_kept(house: House) -> None:
    house.print(*insects("ant", "bee"))
    house.journal.apply(a_vote(tool="ant"))

    def another_mark(_: str) -> None:
        with house.engine.begin() as connection:
            changed_keys.mark(connection, [RecordKey("tool", "bee")])

    disturbed = SiteBuilder(house.engine, Disturbed(house.folder, another_mark), PUBLIC_URL)
    printed = print_marked(disturbed)
    assert printed.marks == 1
    assert print_marked(house.press).marks == printed.rendered


def test_a_mark_without_a_change_writes_nothing_but_tells_who_waits(
    house: House, migrated: str
) -> None:
    house.print(*insects("ant", "bee"), a_vote(tool="ant"))
    with house.engine.begin() as connection:
        connection.execute(text("update tallies set version = nextval('verdicts.version')"))
        changed_keys.mark(connection, [RecordKey("tool", "ant")])
    with heard(migrated) as messages:
        assert house.press.build_tool_pages() == site_builder.BuildStats(1, 0, 0)
        assert house.press.build_dependent_pages() == site_builder.BuildStats(1, 0, 0)
        assert [message.split()[0] for message in messages()] == ["ant"]


def test_a_change_is_announced_once_and_a_second_mark_of_it_writes_nothing(
    house: House, migrated: str
) -> None:
    house.print(*insects("ant", "bee"))
    house.journal.apply(a_vote(tool="ant"))
    mark(house, "never-listed")
    with heard(migrated) as messages:
        house.press.build_tool_pages()
        assert "1 ship / 0 skip" in house.page("/tools/ant/")
        assert house.press.build_dependent_pages().changed
        assert "1 ship / 0 skip" in house.page("/compare/ant-vs-bee/")
        assert [message.split()[0] for message in messages()] == ["ant"]
        mark(house, "ant")
        assert house.press.build_tool_pages() == site_builder.BuildStats(1, 0, 0)
        assert house.press.build_dependent_pages() == site_builder.BuildStats(1, 0, 0)
        assert not messages()
    assert house.press.build_summaries().changed
    assert house.press.build_all().changed == 0


def mark(house: House, tool: str) -> None:
    """Mark a tool that did not change."""
    with house.engine.begin() as connection:
        changed_keys.mark(connection, [RecordKey("tool", tool)])


@contextmanager
def heard(database: str) -> Iterator[Callable[[], list[str]]]:
    """Listens for published versions; gives a function that tells what came so far."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"listen {Channel.PUBLISHED}".encode())
        yield lambda: [notice.payload for notice in connection.notifies(timeout=0.2)]


def test_who_waits_for_a_tool_hears_its_version_once_its_own_pages_stand(
    house: House, migrated: str
) -> None:
    house.print(*insects("ant", "bee"))
    page = house.folder / "compare" / "ant-vs-bee" / "index.html"
    with heard(migrated) as messages:
        with unwritable(page):
            house.print(a_vote(tool="ant"))
        assert "1 ship / 0 skip" in house.page("/tools/ant/")
        assert not messages()
        print_marked(house.press)
        with house.engine.connect() as connection:
            version = connection.scalar(text("select version from tallies where tool = 'ant'"))
        assert messages() == [f"ant {version}"]


def test_who_waits_for_a_tool_does_not_wait_for_what_machines_read(
    house: House, migrated: str
) -> None:
    house.print(*insects("ant", "bee"))
    twin = house.folder / "compare" / "ant-vs-bee" / "index.json"
    with heard(migrated) as messages:
        with unwritable(twin):
            house.print(a_vote(tool="ant"))
        assert "1 ship / 0 skip" in house.page("/compare/ant-vs-bee/")
        assert [message.split()[0] for message in messages()] == ["ant"]
        assert print_marked(house.press).marks
    assert house.press.build_all().changed == 0


class Voters:
    """A press whose pages others vote on while it writes, as long as they are told to."""

    def __init__(self, house: House) -> None:
        house.print(*insects("ant", "bee", "cow", "doe"))
        self._house = house
        self._number = 0
        self.vote_on = True
        self.files = Disturbed(house.folder, self._happens)
        self.press = SiteBuilder(house.engine, self.files, PUBLIC_URL)
        self.press.build_all()
        self.files.stored.clear()

    def vote(self, tool: str) -> None:
        self._number += 1
        self._house.journal.apply(a_vote(tool=tool, voter=f"v-{self._number}"))

    def _happens(self, path: str) -> None:
        if path.startswith("/compare/ant-") and self.vote_on:
            time.sleep(site_builder.LOOK_SECONDS)
            self.vote("cow")


TWIN = "/compare/ant-vs-bee/index.json"


def test_while_others_wait_for_pages_what_machines_read_waits_for_them(house: House) -> None:
    voters = Voters(house)
    voters.vote("ant")
    voters.press.build_tool_pages()
    voters.press.build_dependent_pages()
    assert "/compare/ant-vs-bee/" in voters.files.stored
    assert TWIN not in voters.files.stored
    voters.vote_on = False
    voters.press.build_dependent_pages()
    assert voters.files.stored.index("/compare/bee-vs-cow/") < voters.files.stored.index(TWIN)
    voters.press.build_summaries()
    assert house.press.build_all().changed == 0


def test_under_votes_without_end_what_machines_read_waits_for_about_a_second(house: House) -> None:
    voters = Voters(house)
    voters.vote("ant")
    voters.press.build_tool_pages()

    def is_written() -> bool:
        voters.press.build_dependent_pages()
        voters.vote("ant")
        return TWIN in voters.files.stored

    wait_until("the page is written", is_written, seconds=10)


def test_every_page_of_a_change_is_counted_once(house: House, migrated: str) -> None:
    house.print(*insects("ant", "bee"))
    writer = ActivePublisher(
        Settings.from_environment({"DATABASE_URL": migrated}), house.press, "1"
    )
    writer.start()
    try:
        wait_until("the publisher leads", lambda: writer.active)
        counted, pages = written(), house.pages()
        house.journal.apply(a_vote(tool="ant"))
        wait_until("no page is dirty", lambda: house.marks() == 0, seconds=20)
        changed = {path for path, page in house.pages().items() if page != pages[path]}
        assert {"tools/ant/index.json", "compare/ant-vs-bee/index.md"} <= changed
        wait_until(
            "every page is counted",
            lambda: written() - counted,
            lambda number: number == len(changed),
        )
        assert "1 ship" in house.page("/compare/ant-vs-bee/")
    finally:
        writer.stop()


def written() -> float:
    """How many pages this process has counted as written."""
    return REGISTRY.get_sample_value("verdicts_pages_rendered_total", {"outcome": "written"}) or 0


def test_the_printing_with_which_a_publisher_begins_is_counted_too(
    house: House, migrated: str
) -> None:
    house.print(*insects("ant", "bee"))
    folder = house.folder.with_name("new")
    one = SiteBuilder(house.engine, SiteFiles(folder), PUBLIC_URL)
    writer = ActivePublisher(Settings.from_environment({"DATABASE_URL": migrated}), one, "1")
    before = written()
    writer.start()
    try:
        wait_until("the publisher leads", lambda: writer.active)
        assert written() - before == len(house.pages())
    finally:
        writer.stop()
