"""Fault 15: a publisher dies or stands still while it writes pages."""

import random
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from publishers.build.incremental_build import SiteBuilder
from publishers.build.site_files import SiteFiles
from tests.faults.harness.checks.oracle import Figures
from tests.faults.harness.checks.subscriber import require_faithful_changes
from tests.faults.harness.clients import LogClient
from tests.faults.harness.system import PUBLIC_URL, System
from tests.harness.examples import NOON, SECOND, a_category, a_listing
from tests.harness.services import Service
from tests.harness.waiting import Stopwatch, wait_until

Report = Callable[[Figures], None]

TOOLS = [f"tool-{number:02}" for number in range(14)]
_EDITION = re.compile(rb"Edition (\d+)")


def test_a_publisher_that_dies_or_stops_while_it_writes_turns_no_page_back(
    chances: random.Random, system: System, report: Report
) -> None:
    """The category's name tells the edition of every page that shows it."""
    client, site = system.log_client(), system.folder / "site"
    client.send([a_category("tools", "Edition 0", id="edition-0", time=NOON)])
    client.send(a_listing(tool, tool.title(), "tools", id=tool) for tool in TOOLS)
    system.worker()
    publisher = system.publisher("")
    edition = 0
    _published(system, site, edition)
    with _watched(site) as watcher:
        edition = _interrupted(system, client, site, edition, publisher, Service.kill)
        publisher.start()
        _published(system, site, edition)
        stopped = publisher
        edition = _interrupted(system, client, site, edition, stopped, Service.pause)
        watch = Stopwatch()
        successor = system.publisher("")
        _published(system, site, edition)
        seconds = watch.seconds
        edition += 1
        _rename(client, edition)
        _published(system, site, edition)
        stopped.resume()
        edition += 1
        _rename(client, edition)
        _published(system, site, edition)
        wait_until("the stopped one stands by", lambda: "starts over" in stopped.logged)
    assert successor.running
    assert not watcher.turned_back
    _require_as_rebuilt(system, site)
    require_faithful_changes(system)
    report(system.judged("15 publisher killed, stopped", seconds, "until its successor had all"))


def _rename(client: LogClient, edition: int) -> None:
    """Changes every page that names the category."""
    at = NOON + edition * SECOND
    client.send([a_category("tools", f"Edition {edition}", id=f"edition-{edition}", time=at)])


def _interrupted(
    system: System,
    client: LogClient,
    site: Path,
    edition: int,
    publisher: Service,
    interrupt: Callable[[Service], None],
) -> int:
    """Interrupt the publisher when some pages are of the new edition and some of the old one."""
    while True:
        edition += 1
        _rename(client, edition)
        new = partial(_shows, site, edition)
        wait_until("a page is new", new, pause=0.001)
        interrupt(publisher)
        if len(set(_editions(site).values())) > 1:
            return edition
        # It was quicker than we were: the next edition is another chance.
        publisher.resume() if publisher.running else publisher.start()
        _published(system, site, edition)


def _shows(site: Path, edition: int) -> bool:
    """Whether any page shows the edition."""
    return edition in _editions(site).values()


def _published(system: System, site: Path, edition: int) -> None:
    """Wait until every page shows the edition and no mark is left."""
    system.caught_up()
    pages = len(TOOLS) * (len(TOOLS) + 1) // 2  # each tool, and each pair of two
    wait_until(
        f"all pages show edition {edition}",
        lambda: (
            list(_editions(site).values()).count(edition) >= pages
            and set(_editions(site).values()) == {edition}
            and system.number("select count(*) from dirty") == 0
        ),
    )


def _editions(site: Path) -> dict[Path, int]:
    """The edition that each page shows; a page that is torn in two is of none.

    Only pages of tools: a closed week's keeps the name that the category had then.
    """
    editions = {}
    for page in [*site.glob("tools/*/index.html"), *site.glob("compare/*/index.html")]:
        content = page.read_bytes()
        if number := _EDITION.search(content):
            editions[page] = int(number[1]) if content.rstrip().endswith(b"</html>") else -1
    return editions


class Watcher(threading.Thread):
    """Looks at all pages over and over, and notes those that turn back to an older edition."""

    def __init__(self, site: Path) -> None:
        super().__init__(daemon=True)
        self._site = site
        self._newest: dict[Path, int] = {}
        self.stopping = threading.Event()
        self.turned_back: list[tuple[Path, int, int]] = []

    def run(self) -> None:
        while not self.stopping.is_set():
            for page, edition in _editions(self._site).items():
                newest = self._newest.setdefault(page, edition)
                if edition < newest:
                    self.turned_back.append((page, newest, edition))
                self._newest[page] = max(newest, edition)


@contextmanager
def _watched(site: Path) -> Iterator[Watcher]:
    watcher = Watcher(site)
    watcher.start()
    try:
        yield watcher
    finally:
        watcher.stopping.set()
        watcher.join()


def _require_as_rebuilt(system: System, site: Path) -> None:
    """Every file is what a full build of the same projections writes."""
    fresh = system.folder / "rebuilt"
    SiteBuilder(system.engine, SiteFiles(fresh), PUBLIC_URL).build_all()
    assert _files(site) == _files(fresh)


def _files(folder: Path) -> dict[Path, bytes]:
    return {
        file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()
    }
