"""A category of many tools: votes for all of them, and votes elsewhere while they are listed."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from schemas.events import Event
from streams.api.ingest.event_clock import now
from tests.bench.content import site_events
from tests.bench.load.closed import at
from tests.bench.load.steady import Plan
from tests.bench.measures.freshness import age, publisher, steady
from tests.bench.services import RUN_SECONDS, Environment, running, serving
from tests.bench.stage import Stage, put
from tests.bench.table import Row
from tests.harness.examples import a_listing
from tests.harness.waiting import Stopwatch, wait_until

RATE = 100
ELSEWHERE_RATE = 20
SMALL, SMALL_TOOLS, REVIEWERS = 4, 5, 4
WATCH_SECONDS = 0.1
WITHIN = 1 / 1.5
ALONE = "the same without the listing"


class AgeWatch(threading.Thread):
    """Watches the age of the oldest dirty page."""

    def __init__(self, database: str) -> None:
        super().__init__(daemon=True)
        self._database = database
        self.stopping = threading.Event()
        self.oldest = 0.0

    def run(self) -> None:
        """Ask until stopped."""
        with psycopg.connect(self._database, autocommit=True) as connection:
            while not self.stopping.wait(WATCH_SECONDS):
                self.oldest = max(self.oldest, age(connection) or 0.0)


def rows(stage: Stage, tools: int, seconds: float, runs: int) -> Iterator[Row]:
    """Measure both, run after run; each run lists a category of its own."""
    environment = {**stage.migrated(), "VERDICTS_NEW_VOTERS_PER_HOUR": "1000000"}
    put(stage, site_events(SMALL, SMALL_TOOLS, REVIEWERS, begin=now()))
    elsewhere = [
        Row(what=f"a vote elsewhere while {tools} tools are listed: {what}, p99", peer=ALONE,
            unit="ms", ratio=WITHIN, more_is_better=False)
        for what in ("answer", "its comparison stored")
    ]  # fmt: skip
    listing = Row(what=f"{tools} tools of a category listed, until all pages are stored",
                  peer="", unit="s")  # fmt: skip
    over = f"{RATE} votes/s over {tools} tools of a category"
    own = [
        Row(what=f"{over}: from vote sent to own page stored, {which}", peer="", unit="ms",
            below=goal)
        for which, goal in (("p50", 50), ("p99", 250))
    ]  # fmt: skip
    oldest = Row(what=f"{over}: age of the oldest dirty page", peer="", unit="s", below=30)
    rest = Row(what=f"{over}: until none is dirty afterwards", peer="", unit="s", below=60)
    with (
        running(["infra.cli", "worker"], environment),
        serving(["infra.cli", "api"], environment, "/readyz") as port,
        publisher(environment, port) as site,
    ):
        for run in range(runs):
            _measure_elsewhere(port, site, seconds, [row.theirs for row in elsewhere])
            watch = Stopwatch()
            put(stage, listings(f"crowd-{run}", tools))
            _measure_elsewhere(port, site, seconds, [row.ours for row in elsewhere])
            _wait_until_listed(site, slugs_of(f"crowd-{run}", tools)[-1], environment)
            listing.ours.append(watch.seconds)
            _measure_votes(environment, port, site, slugs_of(f"crowd-{run}", tools), seconds,
                           [row.ours for row in (*own, oldest, rest)])  # fmt: skip
    yield from (*elsewhere, listing, *own, oldest, rest)


def listings(category: str, tools: int) -> Iterator[Event]:
    """Listings of new tools of one category."""
    begin = now()
    for number, slug in enumerate(slugs_of(category, tools)):
        yield a_listing(
            slug, slug.title(), category, time=begin + number, id=f"{slug}-{begin}",
            description=f"Takes {number % 7} of {number % 11} and {number % 13} to {number % 17}.",
        )  # fmt: skip


def slugs_of(category: str, tools: int) -> list[str]:
    """The slugs of these tools, in the order in which they are listed."""
    return [f"{category}-{number}" for number in range(tools)]


def _measure_elsewhere(port: int, site: Path, seconds: float, into: list[list[float]]) -> None:
    """Vote for one tool of each small category, and watch its comparison with another."""
    pages = {
        f"tool-{category}-0": f"compare/tool-{category}-0-vs-tool-{category}-1"
        for category in range(SMALL)
    }
    outcome = steady(Plan(port, str(site), list(pages), ELSEWHERE_RATE, seconds, pages))
    into[0].append(at(outcome.answers, 0.99))
    into[1].append(at(outcome.latencies, 0.99))


def _measure_votes(
    environment: Environment,
    port: int,
    site: Path,
    tools: list[str],
    seconds: float,
    into: list[list[float]],
) -> None:
    with _watched(environment["DATABASE_URL"]) as watch:
        outcome = steady(Plan(port, str(site), tools, RATE, seconds))
    end = time.monotonic()
    _wait_until_clean(environment)
    figures = (
        at(outcome.latencies, 0.5), at(outcome.latencies, 0.99), watch.oldest,
        time.monotonic() - end,
    )  # fmt: skip
    for figure, figures_of in zip(figures, into, strict=True):
        figures_of.append(figure)


def _wait_until_listed(site: Path, last: str, environment: Environment) -> None:
    page = site / "tools" / last / "index.html"
    wait_until("the last tool has a page", page.exists, seconds=RUN_SECONDS)
    _wait_until_clean(environment)


def _wait_until_clean(environment: Environment) -> None:
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        wait_until("no page is dirty", lambda: age(connection) is None, seconds=RUN_SECONDS)


@contextmanager
def _watched(database: str) -> Iterator[AgeWatch]:
    watch = AgeWatch(database)
    watch.start()
    try:
        yield watch
    finally:
        watch.stopping.set()
        watch.join()
