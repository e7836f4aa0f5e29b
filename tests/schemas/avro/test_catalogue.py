import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.kafka.codec import Codec
from schemas import topics
from schemas.avro import catalogue, compatibility
from schemas.avro.catalogue import FIRST_ID, VERSIONS, Version, fingerprint
from schemas.avro.compatibility import problems
from tests.harness.examples import avro

NAMES = [version.stem for version in VERSIONS]


class Tried(Version, frozen=True):
    """A version whose schema is written in the test."""

    tried: list[Any] = []  # noqa: RUF012 - msgspec copies it

    def schema(self) -> list[Any]:
        return self.tried


def a_second_version(of: Version, schema: list[Any], **changes: Any) -> Version:
    facts: dict[str, Any] = {
        "topic": of.topic,
        "version": 2,
        "id": 2_100_000_000,
        "sha256": fingerprint(schema),
    }
    return Tried(**facts | changes, tried=schema)


def votes() -> Version:
    return catalogue.NEWEST[topics.VOTES.name]


def with_field(schema: list[Any], **field: Any) -> list[Any]:
    """The schema with one more field in each record."""
    return [{**record, "fields": [*record["fields"], field]} for record in schema]


def test_the_catalogue_keeps_its_promises() -> None:
    assert list(problems()) == []


@pytest.mark.parametrize("version", VERSIONS, ids=NAMES)
def test_every_version_has_one_example_of_every_record(version: Version) -> None:
    names = [record["name"] for record in version.schema()]
    assert [example["record"] for example in version.examples()] == names


@pytest.mark.parametrize("version", VERSIONS, ids=NAMES)
def test_every_example_says_every_field(version: Version) -> None:
    for record, example in zip(version.schema(), version.examples(), strict=True):
        assert {field["name"] for field in record["fields"]} == set(example["value"])


@pytest.mark.parametrize("version", VERSIONS, ids=NAMES)
def test_every_example_survives_the_way_over_a_topic(version: Version) -> None:
    codec = Codec()
    for example in version.examples():
        raw = avro(version.schema(), example["record"], example["value"], version.id)
        if version.topic == topics.CHANGES:
            record = codec.decode_record(raw)
            assert codec.decode_record(codec.encode_record(record)) == record
            is_newest = catalogue.NEWEST[version.topic.name] is version
            assert (codec.encode_record(record) == raw) is is_newest
        else:
            event = codec.decode(version.topic.name, raw)
            assert codec.decode(version.topic.name, codec.encode(event)) == event
            is_newest = catalogue.NEWEST[version.topic.name] is version
            assert (codec.encode(event) == raw) is is_newest


def test_every_topic_with_a_schema_has_pinned_ids_out_of_a_registrys_reach() -> None:
    wanted = {topic.name for topic in (*topics.EVENT_TOPICS, topics.CHANGES)}
    assert {version.topic.name for version in VERSIONS} == wanted
    assert all(version.id >= FIRST_ID == 2_000_000_001 for version in VERSIONS)


def test_documentation_may_be_edited() -> None:
    schema = [{**record, "doc": "In other words."} for record in votes().schema()]
    assert fingerprint(schema) == votes().sha256


def test_an_edited_schema_is_told() -> None:
    edited = with_field(votes().schema(), name="mood", type="string", default="")
    sentences = list(
        problems((a_second_version(votes(), edited, version=1, sha256=votes().sha256),))
    )
    assert len(sentences) == 1
    assert "votes.1.avsc was edited" in sentences[0]


def test_a_compatible_new_version_is_fine_wherever_it_stands() -> None:
    schema = with_field(votes().schema(), name="mood", type="string", default="")
    newer = a_second_version(votes(), schema)
    assert list(problems((*VERSIONS, newer))) == []


def test_a_new_version_that_cannot_read_the_old_records_is_told() -> None:
    schema = with_field(votes().schema(), name="mood", type="string")
    sentences = list(problems((*VERSIONS, a_second_version(votes(), schema))))
    assert len(sentences) == 1
    assert "version 2 cannot read 1" in sentences[0]


def test_a_new_version_that_drops_a_record_is_told() -> None:
    schema = votes().schema()[:1]
    sentences = list(problems((*VERSIONS, a_second_version(votes(), schema))))
    assert any("cannot read 1" in sentence for sentence in sentences)


def test_an_id_that_is_used_twice_is_told() -> None:
    schema = with_field(votes().schema(), name="mood", type="string", default="")
    twice = a_second_version(votes(), schema, id=votes().id)
    assert any("unique" in sentence for sentence in problems((*VERSIONS, twice)))


def test_an_id_within_a_registrys_reach_is_told() -> None:
    schema = with_field(votes().schema(), name="mood", type="string", default="")
    low = a_second_version(votes(), schema, id=7)
    assert any(str(FIRST_ID) in sentence for sentence in problems((*VERSIONS, low)))


def test_a_version_that_was_left_out_is_told() -> None:
    schema = with_field(votes().schema(), name="mood", type="string", default="")
    third = a_second_version(votes(), schema, version=3)
    assert any("must count" in sentence for sentence in problems((*VERSIONS, third)))


def test_the_check_ends_with_status_1_on_an_edited_file(tmp_path: Path) -> None:
    shutil.copytree(Path(compatibility.__file__).parents[1], tmp_path / "schemas")
    check = [sys.executable, "-P", "-m", "schemas.avro.compatibility"]
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(check, env=env, capture_output=True, text=True, check=False)

    assert run().returncode == 0
    file = tmp_path / "schemas" / "avro" / "reviews.1.avsc"
    schema = json.loads(file.read_text())
    schema[0]["fields"][0]["name"] = "identifier"
    file.write_text(json.dumps(schema))
    checked = run()
    assert checked.returncode == 1
    assert "reviews.1.avsc was edited" in checked.stderr
