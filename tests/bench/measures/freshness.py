"""From a vote sent by a browser to the changed bytes of its tool's page, at a steady rate."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psycopg

from streams.api.ingest.event_clock import now
from tests.bench.content import site_events
from tests.bench.load.closed import at
from tests.bench.load.steady import Outcome, Plan
from tests.bench.services import RUN_SECONDS, Environment, answers, running, serving
from tests.bench.stage import Stage, put
from tests.bench.table import Row
from tests.harness.waiting import wait_until

RATES = {10: (50, 200), 100: (50, 200), 1000: (100, 500)}
# As many to a category as the demo has on average.
CATEGORIES, TOOLS_EACH = 4, 5
WARM_RATE, WARM_SECONDS = 20, 1.0
PEER = "a loop that polls the database once a second and rebuilds"


def rows(stage: Stage, seconds: float, runs: int) -> Iterator[Row]:
    """Measure each rate with our publisher, then with the loop, run after run."""
    environment = {**stage.migrated(), "VERDICTS_NEW_VOTERS_PER_HOUR": "1000000"}
    put(stage, site_events(CATEGORIES, TOOLS_EACH, reviewers=4, begin=now()))
    p50 = {rate: _row(rate, "p50", goals[0]) for rate, goals in RATES.items()}
    p99 = {rate: _row(rate, "p99", goals[1]) for rate, goals in RATES.items()}
    theirs = stage.folder / "peer"
    with (
        running(["infra.cli", "worker"], environment),
        serving(["infra.cli", "api"], environment, "/readyz") as port,
    ):
        for _ in range(runs):
            with publisher(environment, port) as site:
                _measured(port, site, WARM_RATE, WARM_SECONDS, [], [])
                for rate in RATES:
                    _measured(port, site, rate, seconds, p50[rate].ours, p99[rate].ours)
            with _poller(environment, theirs):
                _measured(port, theirs, WARM_RATE, WARM_SECONDS, [], [])
                for rate in RATES:
                    _measured(port, theirs, rate, seconds, p50[rate].theirs, p99[rate].theirs)
    for rate in RATES:
        yield from (p50[rate], p99[rate])


def _row(rate: int, which: str, goal: float) -> Row:
    over = f"{CATEGORIES * TOOLS_EACH} tools of {CATEGORIES} categories"
    what = f"from vote sent to page changed, {rate:,} votes/s over {over}: {which}"
    return Row(what=what, peer=PEER, unit="ms", below=goal, more_is_better=False)


@contextmanager
def publisher(environment: Environment, port: int) -> Iterator[Path]:
    """A publisher whose pages are all stored; gives the site's folder."""
    with running(["infra.cli", "publisher"], environment):
        answers(port, "/status")
        with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
            wait_until("every page is stored", lambda: not age(connection), seconds=RUN_SECONDS)
        yield Path(environment["VERDICTS_DATA"]) / "site"


def age(connection: psycopg.Connection) -> float | None:
    """Seconds since the oldest change whose pages are not all stored; None without such."""
    query = (
        "select extract(epoch from clock_timestamp() - min(at))::float8 from verdicts.dirty"
        " having count(*) > 0"
    )
    row = connection.execute(query).fetchone()
    return row[0] if row else None


@contextmanager
def _poller(environment: Environment, site: Path) -> Iterator[None]:
    with running(["tests.bench.peers.poller", str(site)], environment):
        wait_until(
            "the peer's site exists", lambda: (site / "sitemap.xml").exists(), seconds=RUN_SECONDS
        )
        yield


def _measured(
    port: int, site: Path, rate: int, seconds: float, p50: list[float], p99: list[float]
) -> None:
    """Send votes for a while; every one must be answered 200 and be seen on its page."""
    tools = [
        f"tool-{category}-{number}"
        for category in range(CATEGORIES)
        for number in range(TOOLS_EACH)
    ]
    outcome = steady(Plan(port, str(site), tools, rate, seconds))
    p50.append(at(outcome.latencies, 0.5))
    p99.append(at(outcome.latencies, 0.99))


def steady(plan: Plan) -> Outcome:
    """Send votes in a process of its own.

    Raises:
        AssertionError: a vote was not answered 200.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load.steady"],
        input=msgspec.json.encode(plan),
        stdout=subprocess.PIPE,
        check=True,
    )
    outcome = msgspec.json.decode(done.stdout, type=Outcome)
    if set(outcome.statuses) != {200}:
        raise AssertionError(f"not every vote was taken: {outcome.statuses}")
    return outcome
