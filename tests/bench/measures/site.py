"""The whole site from nothing, and all pages of one tool that changes, against Hugo."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from confluent_kafka import Producer

from infra.kafka.client import create_producer
from infra.kafka.codec import Codec
from infra.postgres.engine import create_engine
from infra.settings import Settings
from publishers.content.database_content import open_snapshot
from schemas.events import Event, VoteCast
from schemas.topics import CATALOG, REVIEWS
from tests.bench import hugo
from tests.bench.content import site_events
from tests.bench.services import RUN_SECONDS, Environment, applied, running
from tests.bench.stage import NOON, Stage, put, run, send
from tests.bench.table import Row, missing
from tests.harness.waiting import wait_until

TOOL = "tool-0-0"
REVIEWERS = 4


def rows(stage: Stage, categories: int, tools: int, runs: int) -> Iterator[Row]:
    """Build both sites in turn, then let one tool change while the publisher runs."""
    environment = stage.migrated()
    put(stage, site_events(categories, tools, REVIEWERS))
    pages = f"{categories} categories of {tools} tools"
    whole = Row(what=f"site of {pages}: full build", peer="Hugo, full build", unit="s",
                ratio=0.5, more_is_better=False)  # fmt: skip
    own, rest = (
        Row(what=f"site of {pages}: one vote, until {what}", peer="Hugo, full build", unit="s",
            ratio=goal, more_is_better=False)
        for what, goal in (("all pages about its tool stand, alternates too", 100.0),
                           ("home, rankings, feeds and sitemap stand too", None))
    )  # fmt: skip
    program = hugo.program()
    with (
        running(["infra.cli", "worker"], environment),
        psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection,
    ):
        listed = REVIEWERS + categories + categories * tools
        reviewed = categories * tools * REVIEWERS
        wait_until(
            "the catalog is applied",
            lambda: applied(connection, CATALOG.name) == listed,
            seconds=RUN_SECONDS,
        )
        wait_until(
            "all reviews are applied",
            lambda: applied(connection, REVIEWS.name) == reviewed,
            seconds=RUN_SECONDS,
        )
        theirs = stage.folder / "hugo"
        with open_snapshot(create_engine(environment["DATABASE_URL"], idle_seconds=0)) as library:
            hugo.write_site(library, theirs)
        for _ in range(runs):
            whole.ours.append(_full_build(environment, categories, tools))
            if program:
                whole.theirs.append(hugo.build(program, theirs))
                _require_pages(theirs / "public", categories, tools)
        site = Path(environment["VERDICTS_DATA"]) / "site"
        producer = _producer(stage)
        with running(["infra.cli", "publisher"], environment):
            wait_until(
                "the publisher has written everything",
                lambda: _idle(connection),
                seconds=RUN_SECONDS,
            )
            for number in range(runs):
                first, last = _change(connection, producer, site, tools, number)
                own.ours.append(first)
                rest.ours.append(last)
    own.theirs = rest.theirs = whole.theirs
    if not program:
        yield missing(whole.what, whole.peer, "no hugo")
    yield from (whole, own, rest)


def _full_build(environment: Environment, categories: int, tools: int) -> float:
    """`verdicts publish --all` into an empty folder, as an operator gives it; seconds."""
    site = Path(environment["VERDICTS_DATA"]) / "site"
    shutil.rmtree(site, ignore_errors=True)
    began = time.monotonic()
    run(["publish", "--all"], environment)
    seconds = time.monotonic() - began
    _require_pages(site, categories, tools)
    return seconds


def _require_pages(site: Path, categories: int, tools: int) -> None:
    """Refuse a time for a site that lacks pages, or their alternates, or a review."""
    listed = categories * tools
    wanted = {"compare": listed * (tools - 1) // 2, "tools": listed, "reviewers": REVIEWERS}
    for kind, count in wanted.items():
        number = len(list((site / kind).glob("*/index.html")))
        if number != count:
            raise AssertionError(f"{site} has {number} pages of {kind}, not {count}")
    pair = site / "compare" / "tool-0-0-vs-tool-0-1"
    page, alternates = (pair / "index.html").read_text(), ("index.json", "index.md")
    if page.count("/100 · ") != 2 * REVIEWERS or not all(
        (pair / alternate).exists() for alternate in alternates
    ):
        raise AssertionError(f"{pair} does not show both tools' reviews, or lacks its alternates")


def _idle(connection: psycopg.Connection) -> bool:
    """Whether a publisher is active and nothing is left to be written."""
    row = connection.execute(
        "select exists (select from verdicts.heartbeats where service = 'publisher'"
        " and detail->>'active' = 'true') and not exists (select from verdicts.dirty)"
        " and not exists (select from verdicts.outbox)"
    ).fetchone()
    return row == (True,)


def _producer(stage: Stage) -> Producer:
    producer = create_producer(
        Settings.from_environment({"KAFKA_BOOTSTRAP_SERVERS": stage.kafka}), {"linger.ms": 0}
    )
    producer.list_topics(timeout=10)
    return producer


def _change(
    connection: psycopg.Connection, producer: Producer, site: Path, tools: int, number: int
) -> tuple[float, float]:
    """Send one vote; seconds until the last page about its tool, and until the last page of all.

    The files' own times are read afterwards, so that no watcher takes processor time.
    """
    vote = VoteCast(tool=TOOL, voter=f"voter-{number}", choice="ship")
    began = time.time()
    send(producer, Codec(), Event(f"vote-{number}", NOON + number, vote))
    producer.flush()
    shown, page = f"data-community-ship>{number + 1}<", site / "tools" / TOOL / "index.html"
    wait_until(
        "the tool's page shows the vote",
        lambda: shown in page.read_text(),
        seconds=RUN_SECONDS,
        pause=0.01,
    )
    wait_until("everything is written", lambda: _idle(connection), seconds=RUN_SECONDS)
    folders = (f"tools/{TOOL}", f"compare/{TOOL}-vs-*", f"compare/*-vs-{TOOL}")
    about = [file for folder in folders for file in site.glob(f"{folder}/*")]
    compared = [file for file in about if file.match("compare/*/index.html")]
    if len(compared) != tools - 1 or not all(shown in file.read_text() for file in compared):
        raise AssertionError("not every comparison shows the vote")
    written = [file.stat().st_mtime for file in site.rglob("*") if file.is_file()]
    return max(file.stat().st_mtime for file in about) - began, max(written) - began
