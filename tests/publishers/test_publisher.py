"""The publisher as a process: changed records become files, and files that agree."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, text

from projections.write import dirty_records
from schemas.events import Event
from tests.harness.examples import (
    MINUTE,
    NOON,
    a_category,
    a_listing,
    a_retirement,
    a_review,
    a_reviewer,
    a_vote,
)
from tests.harness.journal import Journal
from tests.harness.services import Service, environment, start_service
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.integration

LATER = NOON + MINUTE


class PublisherGroup:
    """Projections, and publishers of one folder. No broker runs: the publisher needs none."""

    def __init__(self, database: str, engine: Engine, data: Path) -> None:
        kafka = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
        self.given: dict[str, Any] = {"kafka": kafka, "database": database, "data": data}
        self.site = data / "site"
        self.engine = engine
        self.journal = Journal(engine)
        self.publishers: list[Service] = []

    def start(self) -> Service:
        publisher = start_service("publisher", **self.given)
        self.publishers.append(publisher)
        return publisher

    def end(self) -> None:
        for publisher in self.publishers:
            publisher.stop()

    def page(self, path: str) -> str:
        file = self.site / path / "index.html"
        return file.read_text() if file.exists() else ""

    def comparisons(self) -> list[str]:
        folder = self.site / "compare"
        return sorted(file.name for file in folder.iterdir()) if folder.exists() else []

    def files(self) -> dict[str, bytes]:
        paths = (path for path in self.site.rglob("*") if path.is_file())
        return {str(path.relative_to(self.site)): path.read_bytes() for path in paths}

    def publishing(self) -> dict[int, bool]:
        """Publishers that gave a sign of life lately, by their pids, and whether they write."""
        query = text(
            "select instance, (detail ->> 'active')::boolean from verdicts.heartbeats "
            "where service = 'publisher' and beat > clock_timestamp() - interval '3 seconds'"
        )
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
        return {int(name.rpartition("-")[2]): active for name, active in rows}

    def publish_all(self) -> dict[str, int]:
        """`verdicts publish --all --json`."""
        process = subprocess.run(
            [sys.executable, "-m", "infra.cli", "publish", "--all", "--json"],
            env=environment(**self.given),
            stdout=subprocess.PIPE,
            check=True,
        )
        return msgspec.json.decode(process.stdout, type=dict[str, int])

    def start_publish_all(self) -> subprocess.Popen[bytes]:
        """`verdicts publish --all` as a process."""
        return subprocess.Popen(
            [sys.executable, "-m", "infra.cli", "publish", "--all"],
            env=environment(**self.given),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def marks(self) -> list[str]:
        """The kinds of the records whose pages are to be written."""
        with self.engine.connect() as connection:
            return list(connection.scalars(text("select kind from verdicts.dirty order by id")))

    def is_clean(self) -> bool:
        """Whether no mark waits."""
        return self.marks() == []


@pytest.fixture
def group(projected: Engine, migrated: str, tmp_path: Path) -> Iterator[PublisherGroup]:
    publishers = PublisherGroup(migrated, projected, tmp_path)
    yield publishers
    publishers.end()


def tools_in_one_category(*slugs: str, time: int = NOON) -> list[Event]:
    return [a_listing(slug, slug.title(), "insects", time=time) for slug in slugs]


def test_what_changes_becomes_pages_that_a_full_build_leaves_as_they_are(
    group: PublisherGroup,
) -> None:
    group.journal.apply(
        *tools_in_one_category("ant", "bee", "cow"),
        a_listing("dog", "Dog", "pets"),
        a_reviewer(),
        a_review(tool="ant"),
    )
    group.start()
    wait_until(
        "the comparisons are written",
        group.comparisons,
        lambda comparisons: comparisons == ["ant-vs-bee", "ant-vs-cow", "bee-vs-cow"],
    )
    group.journal.apply(a_vote(tool="ant"))
    wait_until(
        "the page shows it",
        lambda: group.page("compare/ant-vs-bee"),
        lambda page: "1 ship / 0 skip" in page,
    )
    group.journal.apply(a_listing("bee", "Bee", "pets", time=LATER))
    wait_until(
        "the comparisons are written",
        group.comparisons,
        lambda comparisons: comparisons == ["ant-vs-cow", "bee-vs-dog"],
    )
    group.journal.apply(a_retirement("cow", time=LATER), a_category("pets", "Four Legs"))
    wait_until(
        "the comparisons are written",
        group.comparisons,
        lambda comparisons: comparisons == ["bee-vs-dog"],
    )
    wait_until(
        "the page shows it",
        lambda: group.page("compare/bee-vs-dog"),
        lambda page: "Four Legs" in page,
    )
    wait_until("no page is dirty", group.is_clean)
    before = group.files()
    assert group.publish_all()["changed"] == 0
    assert group.files() == before


def test_one_publisher_writes_and_another_takes_over_when_it_ends(group: PublisherGroup) -> None:
    first = group.start()
    wait_until(
        "the publishers agree on a leader",
        group.publishing,
        lambda publishers: publishers == {first.pid: True},
    )
    second = group.start()
    both = {first.pid: True, second.pid: False}
    wait_until(
        "the publishers agree on a leader", group.publishing, lambda publishers: publishers == both
    )
    assert first.stop() == 0
    wait_until(
        "the publishers agree on a leader",
        group.publishing,
        lambda publishers: publishers == {second.pid: True},
    )
    group.journal.apply(*tools_in_one_category("ant", "bee"))
    wait_until(
        "the comparisons are written",
        group.comparisons,
        lambda comparisons: comparisons == ["ant-vs-bee"],
    )
    assert second.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_within_a_moment_and_its_heartbeat_with_it(
    group: PublisherGroup, number: signal.Signals
) -> None:
    publisher = group.start()
    wait_until(
        "the publisher leads",
        group.publishing,
        lambda publishers: publishers == {publisher.process.pid: True},
    )
    publisher.process.send_signal(number)
    assert publisher.process.wait(2) == 0
    assert group.publishing() == {}


def test_it_loads_no_consumer() -> None:
    code = "import publishers.publisher, sys; print({'faust', 'aiokafka'} & set(sys.modules))"
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout == "set()\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_full_build_that_is_broken_off_has_the_publisher_look_at_all_pages(
    group: PublisherGroup, number: signal.Signals
) -> None:
    """It may have put older pages in the place of newer ones by then."""
    group.journal.apply(*tools_in_one_category("ant", "bee"))
    page = group.site / "tools" / "ant" / "index.html"
    page.parent.mkdir(parents=True)
    os.mkfifo(page)  # whoever looks what stands there waits for us
    build = group.start_publish_all()
    pipe = wait_until("the page is opened", lambda: opened(page))
    build.send_signal(number)
    os.close(pipe)
    assert build.wait(20) != 0
    assert group.marks() == ["tool", "tool", dirty_records.SITE.kind]
    group.start()
    wait_until("no page is dirty", group.is_clean)
    assert group.publish_all()["changed"] == 0


def opened(pipe: Path) -> int:
    """A pipe that somebody reads from, opened to write to it; 0 when nobody does."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return 0
