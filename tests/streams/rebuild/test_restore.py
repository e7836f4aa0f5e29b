import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from infra import migrations
from infra.embedded.kafka.jars import class_path
from infra.embedded.kafka.java import java
from infra.embedded.kafka.server import Kafka
from infra.embedded.orphan_guardian import Guardian
from infra.kafka.client import create_producer
from infra.kafka.codec import Codec
from infra.kafka.offsets import LogOffsets
from infra.kafka.reader import LogRecord
from infra.operations.log_export.export import LogExport
from infra.operations.log_export.frames import FrameWriter
from infra.operations.log_export.manifest import (
    FORMAT,
    LogFilesError,
    Manifest,
    Part,
    digest,
    path_of,
    verify,
)
from infra.operations.log_export.restore import compare, restore
from infra.postgres import engine as databases
from infra.settings import Settings
from projections import generations, tables
from publishers.build.incremental_build import SiteBuilder
from publishers.build.site_files import SiteFiles
from schemas.topics import EVENT_TOPICS, FOREVER, TOPICS, VOTES, Topic
from streams.rebuild.generation_filler import GenerationFiller
from tests.harness.examples import EVERY_TYPE, OTHER_TOOL, a_bookmark, a_listing, a_review, a_vote
from tests.harness.kafka import client_variables

NAMES = [topic.name for topic in EVENT_TOPICS]


def at(kafka: dict[str, str]) -> Settings:
    return Settings.from_environment(kafka)


@pytest.fixture
def original(cluster: dict[str, str]) -> Settings:
    """A log with every type of event, poison, and whatever other tests left there."""
    settings, codec = at(cluster), Codec()
    producer = create_producer(settings)
    votes = [a_vote(voter=f"v-{number}", id=str(number)) for number in range(500)]
    keep = [a_bookmark(voter=f"v-{number}", id=str(number)) for number in range(50)]
    other_tool = [a_listing(OTHER_TOOL, id="02"), a_review(tool=OTHER_TOOL, id="02")]
    for event in (*EVERY_TYPE, *other_tool, *votes, *keep):
        headers: list[tuple[str, str | bytes | None]]
        headers = [("ce_id", event.id.encode()), ("none", None)]
        producer.produce(
            event.data.topic.name, codec.encode(event), event.key.encode(), headers=headers
        )
    producer.produce(VOTES.name, b"poison", b"v-1")
    producer.produce(VOTES.name, None, None)
    assert not producer.flush(10)
    return settings


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, guardian: Guardian) -> Iterator[Settings]:
    """A cluster of its own, without topics."""
    folder = tmp_path_factory.mktemp("elsewhere")
    server = Kafka(folder, java(), class_path(folder, lambda *_: None))
    child = server.start(guardian.spawn)
    yield at(client_variables(server))
    child.kill()
    child.wait()


def rows(engine: Engine) -> dict[str, list[str]]:
    """Every table's rows as text, but for versions, which tell when a row was written."""
    rows_by_table = {}
    with engine.begin() as connection:
        generation = generations.find_live(connection)
        for table in tables.metadata.sorted_tables:
            if table.name != "checkpoints":
                names = ", ".join(c.name for c in table.columns if c.name != "version")
                query = f"select t::text from (select {names} from {generation}.{table.name}) as t"
                rows_by_table[table.name] = sorted(connection.scalars(text(query)))
    return rows_by_table


def pages(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def project(
    settings: Settings, database: str, site: Path
) -> tuple[dict[str, list[str]], dict[str, bytes]]:
    """Rows and pages that follow from a log."""
    migrations.migrate(database, afterwards=generations.create_missing_tables)
    engine = databases.create_engine(database, name="verdicts tests", writes=True)
    follower = GenerationFiller(settings, engine, Codec())
    log = LogOffsets(settings)
    follower.catch_up(log.ends(log.partitions_of(NAMES)), lambda _: None)
    follower.close()
    SiteBuilder(engine, SiteFiles(site), "https://verdicts.example").build_all()
    try:
        return rows(engine), pages(site)
    finally:
        engine.dispose()


@pytest.mark.integration
def test_a_restored_log_gives_the_same_projections_and_pages(
    original: Settings, elsewhere: Settings, fresh_database: str, tmp_path: Path
) -> None:
    export = tmp_path / "export"
    manifest = LogExport(original, NAMES, export).write()
    assert manifest.records == verify(export).records > 560
    assert restore(elsewhere, TOPICS, export).records == manifest.records
    assert compare(elsewhere, export).records == manifest.records

    beside = fresh_database + "_too"
    _create(fresh_database, beside)
    before = project(original, fresh_database, tmp_path / "before")
    after = project(elsewhere, beside, tmp_path / "after")
    assert before == after
    assert len(before[0]["ballots"]) >= 500
    assert any(path.startswith(("compare/", "tools/")) for path in before[1])

    with pytest.raises(LogFilesError, match=r"not empty: \d+ records"):
        restore(elsewhere, TOPICS, export)
    _differ(elsewhere, export)


def _create(address: str, beside: str) -> None:
    with databases.connect(address, "verdicts tests") as connection:
        connection.execute(f"create database {beside.rpartition('/')[2]}".encode())


def _differ(settings: Settings, export: Path) -> None:
    """A record more on the log is a difference, and is told where it stands."""
    producer = create_producer(settings)
    producer.produce(VOTES.name, b"late", b"v-1", partition=7)
    producer.flush()
    with pytest.raises(LogFilesError, match=r"verdicts\.votes\.v1/7/\d+, which is not in"):
        compare(settings, export)
    assert compare(settings, export, grown=True).records == Manifest.read(export).records


@pytest.mark.integration
def test_a_folder_in_use_is_not_written_to(original: Settings, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()
    with pytest.raises(LogFilesError, match="is in use"):
        LogExport(original, NAMES, tmp_path)


@pytest.fixture
def topic(unique: Callable[[str], str]) -> Topic:
    """A topic of the test's own, that takes small records alone."""
    small = {**FOREVER, "max.message.bytes": "1000"}
    return Topic(unique("restored"), 1, "none", "a test's records", small)


def an_export(folder: Path, topic: Topic, *values: bytes, end: int | None = None) -> Path:
    """An export of one partition, up to an offset that may lie behind its last record."""
    topic_partition = (topic.name, 0)
    path = folder / path_of(topic_partition)
    writer = FrameWriter(path)
    for offset, value in enumerate(values):
        writer.write(LogRecord(*topic_partition, offset, 1_795_000_000_000, b"key", value))
    writer.close()
    part = Part(
        path=path_of(topic_partition), topic=topic.name, partition=0, first=0,
        end=len(values) if end is None else end, records=len(values),
        bytes=path.stat().st_size, sha256=digest(path),
    )  # fmt: skip
    Manifest(
        format=FORMAT, made="2026-11-20T12:00:00Z", cluster="c", records=len(values),
        topics={topic.name: 1}, schemas=[], files=[part],
    ).write(folder)  # fmt: skip
    return folder


@pytest.mark.integration
def test_records_after_an_export_are_no_difference_where_the_log_may_have_grown(
    cluster: dict[str, str], topic: Topic, tmp_path: Path
) -> None:
    settings, export = at(cluster), an_export(tmp_path / "one", topic, b"1", b"2")
    restore(settings, [topic], export)
    compare(settings, export)
    _write(settings, topic, b"3", b"4")
    with pytest.raises(LogFilesError, match="/0/2, which is not in the export"):
        compare(settings, export)
    compare(settings, export, grown=True)
    # There were marks of transactions where it was taken from, which an import leaves out.
    compare(settings, an_export(tmp_path / "marked", topic, b"1", b"2", end=4), grown=True)


@pytest.mark.integration
def test_where_the_log_may_have_grown_every_exported_record_must_be_there(
    cluster: dict[str, str], topic: Topic, tmp_path: Path
) -> None:
    settings = at(cluster)
    restore(settings, [topic], an_export(tmp_path / "one", topic, b"1", b"2", b"3"))
    for values in ((b"1", b"other"), (b"2", b"3")):
        changed = an_export(tmp_path / str(values), topic, *values)
        with pytest.raises(LogFilesError, match="differs from"):
            compare(settings, changed, grown=True)
    longer = an_export(tmp_path / "longer", topic, b"1", b"2", b"3", b"4")
    with pytest.raises(LogFilesError, match="/0/3 of the export is missing on the log"):
        compare(settings, longer, grown=True)


@pytest.mark.integration
def test_a_failed_import_asks_for_a_fresh_start(
    cluster: dict[str, str], topic: Topic, tmp_path: Path
) -> None:
    settings, over = at(cluster), "start over with an empty cluster and database"
    with pytest.raises(LogFilesError, match=rf"did not take a record .*; {over}"):
        restore(settings, [topic], an_export(tmp_path / "large", topic, os.urandom(2_000)))
    _write(settings, topic, b"half")
    with pytest.raises(LogFilesError, match=rf"The log is not empty: 1 .*; {over}"):
        restore(settings, [topic], an_export(tmp_path / "small", topic, b"whole"))


def _write(settings: Settings, topic: Topic, *values: bytes) -> None:
    producer = create_producer(settings)
    for value in values:
        producer.produce(topic.name, value, b"key", partition=0)
    assert not producer.flush(20)
