"""The press writes the pages of what changed, and no page of anything else differs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from hypothesis import Phase, given, settings
from sqlalchemy import Engine, text

from infra.metrics import REGISTRY
from infra.settings import Settings
from projections import records
from projections.outbox import Key
from publishers import dirty, press, publications
from publishers.files import SiteFiles
from publishers.press import Press
from publishers.publisher import Writer
from publishers.views.cards import card
from schemas.events import Event
from tests.conftest import empty
from tests.examples import (
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
from tests.journal import Journal
from tests.projections.histories import histories
from tests.publishers.samples import a_tool
from tests.services import eventually

pytestmark = pytest.mark.integration

# A failing example is told as it was found: to shrink one on a database takes minutes.
GENERATE = [Phase.explicit, Phase.generate]

PUBLIC_URL = "https://verdicts.example"
LATER = NOON + MINUTE


class House:
    """A press on a folder, and a journal whose changes are marked as the publisher would."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.journal = Journal(engine)
        self.press = Press(engine, SiteFiles(folder), PUBLIC_URL)

    def mark(self) -> None:
        """Mark what waits in the outbox."""
        with self.engine.begin() as connection:
            records.spread(connection)
            waiting = records.waiting(connection, 10_000)
            records.forget(connection, waiting)
            dirty.mark(connection, waiting.values())

    def print(self, *events: Event) -> press.Printed:
        """Apply events and write the pages of what they changed."""
        self.journal.apply(*events)
        self.mark()
        return print_marked(self.press)

    def pages(self) -> dict[str, bytes]:
        """Every file of the site."""
        return pages_in(self.folder)

    def page(self, path: str) -> str:
        return (self.folder / path.strip("/") / "index.html").read_text()

    def comparisons(self) -> list[str]:
        folder = self.folder / "compare"
        return sorted(it.name for it in folder.iterdir()) if folder.exists() else []


def print_marked(one: Press) -> press.Printed:
    """One round of the publisher: all pages of all marked records."""
    steps = [run() for run in (one.print_own, one.print_front, one.print_rest)]
    rendered, changed = (sum(getattr(it, name) for it in steps) for name in ("rendered", "changed"))
    return press.Printed(steps[1].marks, rendered, changed)


def pages_in(folder: Path) -> dict[str, bytes]:
    files = (it for it in folder.rglob("*") if it.is_file())
    return {str(it.relative_to(folder)): it.read_bytes() for it in files}


@pytest.fixture
def house(projected: Engine, tmp_path: Path) -> House:
    made = House(projected, tmp_path / "site")
    made.press.print_all()
    return made


@contextmanager
def unwritable(file: Path) -> Iterator[None]:
    """A file that nothing can replace; whoever tries fails, and afterwards it is not there."""
    file.unlink()
    file.mkdir()  # nothing can be renamed over a folder
    with pytest.raises(OSError, match="irectory"):
        yield
    file.rmdir()


def insects(*slugs: str) -> list[Event]:
    return [a_listing(slug, slug.title(), "insects") for slug in slugs]


def test_a_vote_is_in_the_pages_of_its_tool_and_nowhere_else(house: House):
    house.print(*insects("ant", "bee", "cow"))
    before = house.pages()
    house.print(a_vote(tool="ant"))
    after = house.pages()
    changed = {path for path in after if after[path] != before.get(path)}
    assert {"tools/ant/index.html", "compare/ant-vs-bee/index.html"} <= changed
    assert "compare/bee-vs-cow/index.html" not in changed
    assert "1 ship / 0 skip" in house.page("/compare/ant-vs-bee/")


def test_every_pair_of_a_category_is_compared_and_no_pair_across(house: House):
    house.print(*insects("bee", "ant", "a-bee"), a_listing("dog", category="pets"))
    assert house.comparisons() == ["a-bee-vs-ant", "a-bee-vs-bee", "ant-vs-bee"]


def test_a_tool_that_moves_takes_its_comparisons_along(house: House):
    house.print(*insects("ant", "bee"), a_listing("dog", category="pets"))
    house.print(a_listing("bee", "Bee", "pets", time=LATER))
    assert house.comparisons() == ["bee-vs-dog"]
    house.print(a_listing("bee", "Bee", "insects", time=LATER + 1))
    assert house.comparisons() == ["ant-vs-bee"]


def test_a_retired_tool_leaves_with_all_its_pages_and_returns_with_them(house: House):
    house.print(*insects("ant", "bee", "cow"))
    house.print(a_retirement("bee", time=LATER))
    assert house.comparisons() == ["ant-vs-cow"]
    assert not (house.folder / "tools" / "bee").exists()
    assert "/tools/bee/" not in (house.folder / "sitemap.xml").read_text()
    house.print(*insects("bee"))  # an old retry
    assert house.comparisons() == ["ant-vs-cow"]
    house.print(a_listing("bee", "Bee", "insects", time=LATER + 1))
    assert house.comparisons() == ["ant-vs-bee", "ant-vs-cow", "bee-vs-cow"]


def test_a_review_that_is_taken_back_leaves_its_reviewers_page(house: House):
    house.print(*insects("ant"), a_reviewer("ann", "Ann"), a_review(tool="ant", reviewer="ann"))
    assert "/tools/ant/" in house.page("/reviewers/ann/")
    house.print(a_retracted_review(tool="ant", reviewer="ann", time=LATER))
    assert "/tools/ant/" not in house.page("/reviewers/ann/")


def test_a_new_name_of_a_category_is_on_all_its_pages(house: House):
    house.print(*insects("ant", "bee"))
    house.print(a_category("insects", "Six Legs"))
    for path in ("/", "/tools/ant/", "/compare/ant-vs-bee/", "/categories/insects/"):
        assert "Six Legs" in house.page(path)


def test_nothing_marked_is_nothing_done(house: House):
    before = house.pages()
    assert print_marked(house.press) == press.Printed(0, 0, 0)
    assert house.pages() == before


def test_a_second_printing_changes_no_byte(house: House):
    house.print(*insects("ant", "bee"), a_vote(tool="ant"))
    before = house.pages()
    assert house.press.print_all().changed == 0
    assert house.pages() == before


def test_who_keeps_a_library_makes_once_what_stays_the_same(house: House):
    tool = a_tool()
    assert card(tool) is card(tool)


def test_several_hands_print_what_one_does(house: House, tmp_path: Path):
    house.print(*insects("ant", "bee", "cow"), a_vote(tool="ant"))
    folder = tmp_path / "several"
    several = Press(house.engine, SiteFiles(folder), PUBLIC_URL)
    assert several.print_all(hands=3).changed == len(house.pages())
    assert pages_in(folder) == house.pages()
    assert several.print_all(hands=2).changed == 0


def test_printing_all_removes_what_should_not_be_there(house: House):
    house.print(*insects("ant", "bee"))
    before = house.pages()
    stray = house.folder / "tools" / "stray" / "index.html"
    stray.parent.mkdir()
    stray.write_text("left over")
    (house.folder / "tools" / "ant" / "index.html").write_text("spoilt")
    assert house.press.print_all().changed == 2
    assert house.pages() == before
    assert not stray.parent.exists()


def test_marks_stay_when_a_page_cannot_be_written(house: House):
    house.print(*insects("ant", "bee"))
    with unwritable(house.folder / "tools" / "ant" / "index.html"):
        house.print(a_vote(tool="ant"))
    assert print_marked(house.press).marks
    assert house.press.print_all().changed == 0


def test_a_mark_that_comes_while_pages_are_made_is_kept(house: House):
    house.print(*insects("ant", "bee"))
    house.journal.apply(a_vote(tool="ant"))
    house.mark()

    def another_mark(_: str) -> None:
        with house.engine.begin() as connection:
            dirty.mark(connection, [Key("tool", "bee")])

    disturbed = Press(house.engine, Disturbed(house.folder, another_mark), PUBLIC_URL)
    printed = print_marked(disturbed)
    assert printed.marks == 1
    assert print_marked(house.press).marks == printed.rendered


class Disturbed(SiteFiles):
    """Files with which something happens whenever one was stored; notes their paths."""

    def __init__(self, root: Path, happens: Callable[[str], None]) -> None:
        super().__init__(root)
        self.stored: list[str] = []
        self._happens = happens

    def put(self, path: str, content: bytes | None) -> bool:
        changed = super().put(path, content)
        self.stored.append(path)
        self._happens(path)
        return changed


def test_a_tools_own_page_does_not_wait_for_the_comparisons_of_another(house: House):
    house.print(*insects("ant", "bee", "cow", "doe"))

    def another_vote(path: str) -> None:
        time.sleep(press.LOOK_SECONDS)
        if path == "/compare/ant-vs-bee/" and len(files.stored) == 2:
            house.journal.apply(a_vote(tool="doe", voter="v-2"))
            house.mark()

    files = Disturbed(house.folder, another_vote)
    slow = Press(house.engine, files, PUBLIC_URL)
    slow.print_all()
    files.stored.clear()
    house.journal.apply(a_vote(tool="ant"))
    house.mark()
    print_marked(slow)
    own = ["/tools/ant/", "/compare/ant-vs-bee/", "/tools/doe/", "/compare/ant-vs-cow/"]
    assert files.stored[:4] == own
    assert "/compare/bee-vs-doe/" not in files.stored  # Its mark is for the next round.
    print_marked(slow)
    assert files.stored.count("/compare/bee-vs-doe/") == 1
    assert house.press.print_all().changed == 0


def test_what_is_found_while_the_rest_is_written_is_printed_without_another_mark(
    house: House, migrated: str
):
    house.print(*insects("ant", "bee"), a_listing("cow", category="pets"))
    late = [a_listing("dog", category="pets")]

    def a_late_listing(path: str) -> None:
        time.sleep(press.LOOK_SECONDS)
        if path == "/" and writer.active and late:  # a vote changes it among the rest alone
            house.journal.apply(late.pop())
            house.mark()

    slow = Press(house.engine, Disturbed(house.folder, a_late_listing), PUBLIC_URL)
    writer = Writer(Settings.from_environment({"DATABASE_URL": migrated}), slow, "1")
    writer.start()
    try:
        eventually(lambda: writer.active)
        house.journal.apply(a_vote(tool="ant", voter="v-2"))
        house.mark()
        eventually(house.comparisons, lambda it: it == ["ant-vs-bee", "cow-vs-dog"], seconds=10)
    finally:
        writer.stop()


def test_pages_that_were_written_for_hearsay_are_counted_too(house: House, migrated: str):
    house.print(*insects("ant", "bee"))
    writer = Writer(Settings.from_environment({"DATABASE_URL": migrated}), house.press, "1")
    writer.start()
    try:
        eventually(lambda: writer.active)
        before = written()
        house.journal.apply(a_vote(tool="ant"))  # nobody marks it
        # Its own page and its comparison, each with two twins.
        eventually(lambda: written() - before, lambda it: it == 6, seconds=20)
        assert "1 ship" in house.page("/compare/ant-vs-bee/")
    finally:
        writer.stop()


def written() -> float:
    """How many pages this process has counted as written."""
    return REGISTRY.get_sample_value("verdicts_pages_rendered_total", {"outcome": "written"}) or 0


def test_the_printing_with_which_a_publisher_begins_is_counted_too(house: House, migrated: str):
    house.print(*insects("ant", "bee"))
    folder = house.folder.with_name("new")
    one = Press(house.engine, SiteFiles(folder), PUBLIC_URL)
    writer = Writer(Settings.from_environment({"DATABASE_URL": migrated}), one, "1")
    before = written()
    writer.start()
    try:
        eventually(lambda: writer.active)
        assert written() - before == len(house.pages())
    finally:
        writer.stop()


def test_a_page_that_two_marks_ask_for_is_written_once(house: House):
    house.print(*insects("ant", "bee"))
    files = Disturbed(house.folder, lambda _: None)
    one = Press(house.engine, files, PUBLIC_URL)
    one.print_all()
    files.stored.clear()
    house.journal.apply(a_vote(tool="ant"))
    house.mark()
    one.print_own()
    house.journal.apply(a_vote(tool="bee"))
    house.mark()
    one.print_own()
    one.print_front()
    assert files.stored.count("/compare/ant-vs-bee/") == 1
    assert "1 ship / 0 skip" in house.page("/compare/ant-vs-bee/")


def test_what_sums_up_several_marked_tools_is_written_once(house: House):
    house.print(*insects("ant", "bee", "cow"))
    files = Disturbed(house.folder, lambda _: None)
    one = Press(house.engine, files, PUBLIC_URL)
    one.print_all()
    house.journal.apply(a_vote(tool="ant"), a_vote(tool="bee"))
    house.mark()
    one.print_own()
    one.print_front()
    files.stored.clear()
    one.print_rest()
    assert "/" in files.stored
    assert sorted(files.stored) == sorted(set(files.stored))
    assert house.press.print_all().changed == 0


def test_a_mark_without_a_change_writes_nothing_but_tells_who_waits(house: House, migrated: str):
    house.print(*insects("ant", "bee"), a_vote(tool="ant"))
    with house.engine.begin() as connection:
        connection.execute(text("update tallies set version = nextval('verdicts.version')"))
        dirty.mark(connection, [Key("tool", "ant")])
    with heard(migrated) as messages:
        assert house.press.print_own() == press.Printed(1, 0, 0)
        assert house.press.print_front() == press.Printed(1, 0, 0)
        assert [message.split()[0] for message in messages()] == ["ant"]


def test_what_is_heard_of_is_written_at_once_and_its_mark_then_writes_nothing(
    house: House, migrated: str
):
    house.print(*insects("ant", "bee"))
    named = {Key("tool", "ant"), Key("tool", "never-listed"), Key("category", "nothing")}
    house.press.take_over(hearsay=lambda: named)
    house.journal.apply(a_vote(tool="ant"))
    with heard(migrated) as messages:
        house.press.print_own()
        assert "1 ship / 0 skip" in house.page("/tools/ant/")
        assert house.press.print_front().changed
        assert "1 ship / 0 skip" in house.page("/compare/ant-vs-bee/")
        assert [message.split()[0] for message in messages()] == ["ant"]
        assert not house.press.rest_waits
        named.clear()
        house.mark()
        assert house.press.print_own() == press.Printed(1, 0, 0)
        assert house.press.print_front() == press.Printed(1, 0, 0)
        assert not messages()
    assert house.press.print_rest().changed
    assert house.press.print_all().changed == 0


@contextmanager
def heard(database: str) -> Iterator[Callable[[], list[str]]]:
    """Listens for published versions; gives a function that tells what came so far."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"listen {publications.CHANNEL}".encode())
        yield lambda: [notice.payload for notice in connection.notifies(timeout=0.2)]


def test_who_waits_for_a_tool_hears_its_version_once_its_own_pages_stand(
    house: House, migrated: str
):
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


def test_who_waits_for_a_tool_does_not_wait_for_what_machines_read(house: House, migrated: str):
    house.print(*insects("ant", "bee"))
    twin = house.folder / "compare" / "ant-vs-bee" / "index.json"
    with heard(migrated) as messages:
        with unwritable(twin):
            house.print(a_vote(tool="ant"))
        assert "1 ship / 0 skip" in house.page("/compare/ant-vs-bee/")
        assert [message.split()[0] for message in messages()] == ["ant"]
        assert print_marked(house.press).marks
    assert house.press.print_all().changed == 0


class Voters:
    """A press whose pages others vote on while it writes, as long as they are told to."""

    def __init__(self, house: House) -> None:
        house.print(*insects("ant", "bee", "cow", "doe"))
        self._house = house
        self._number = 0
        self.vote_on = True
        self.files = Disturbed(house.folder, self._happens)
        self.press = Press(house.engine, self.files, PUBLIC_URL)
        self.press.print_all()
        self.files.stored.clear()

    def vote(self, tool: str) -> None:
        self._number += 1
        self._house.journal.apply(a_vote(tool=tool, voter=f"v-{self._number}"))
        self._house.mark()

    def _happens(self, path: str) -> None:
        if path.startswith("/compare/ant-") and self.vote_on:
            time.sleep(press.LOOK_SECONDS)
            self.vote("cow")


TWIN = "/compare/ant-vs-bee/index.json"


def test_while_others_wait_for_pages_what_machines_read_waits_for_them(house: House):
    voters = Voters(house)
    voters.vote("ant")
    voters.press.print_own()
    voters.press.print_front()
    assert "/compare/ant-vs-bee/" in voters.files.stored
    assert TWIN not in voters.files.stored
    voters.vote_on = False
    voters.press.print_front()
    assert voters.files.stored.index("/compare/bee-vs-cow/") < voters.files.stored.index(TWIN)
    voters.press.print_rest()
    assert house.press.print_all().changed == 0


def test_under_votes_without_end_what_machines_read_waits_for_about_a_second(house: House):
    voters = Voters(house)
    voters.vote("ant")
    voters.press.print_own()

    def is_written() -> bool:
        voters.press.print_front()
        voters.vote("ant")
        return TWIN in voters.files.stored

    eventually(is_written, seconds=10)


def test_a_review_that_comes_late_enters_the_history_alone(house: House):
    said = a_review(80, tool="ant", reviewer="ann", time=LATER)
    house.print(*insects("ant"), a_reviewer("ann", "Ann"), said)
    house.print(a_review(10, "skip", tool="ant", reviewer="ann", time=NOON), a_vote(tool="ant"))
    assert "went from Skip to Ship" in house.page("/tools/ant/")
    assert house.press.print_all().changed == 0


def test_bytes_do_not_depend_on_versions(house: House):
    events = [*insects("ant", "bee"), a_vote(tool="ant"), a_bookmark(tool="ant")]
    house.print(*events)
    before = house.pages()
    house.print(a_vote("skip", tool="ant", time=LATER))
    house.print(a_vote(tool="ant", time=LATER + 1), a_retracted_vote(voter="v-2", tool="bee"))
    assert house.pages() == before


BEFORE: dict[str, int] = {"time": -10}
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
):
    @settings(max_examples=20, deadline=None, derandomize=True, database=None, phases=GENERATE)
    @given(histories(8))
    def holds(history: list[Event]) -> None:
        empty(projected)
        house = House(projected, tmp_path_factory.mktemp("site"))
        house.press.print_all()
        house.print(*start)
        for event in history:
            house.print(event)
        before = house.pages()
        house.press.print_all()
        assert house.pages() == before

    holds()
