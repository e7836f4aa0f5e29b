import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from confluent_kafka.admin import NewTopic
from sqlalchemy import Engine, text

from infra import topics
from infra.database import engine
from infra.doctor import looking
from infra.doctor.examination import examine
from infra.doctor.finding import Finding
from infra.log import Log
from infra.settings import Settings

# Nothing listens there.
NOWHERE = "127.0.0.1:1"


def its(
    tmp_path: Path, kafka: str = NOWHERE, database: str = f"postgresql://x@{NOWHERE}/x"
) -> Settings:
    return Settings.from_environment(
        {
            "VERDICTS_DATA": str(tmp_path),
            "KAFKA_BOOTSTRAP_SERVERS": kafka,
            "DATABASE_URL": database,
            "VERDICTS_SECRET_KEY": "s" * 32,
            "VERDICTS_VOTER_KEY": "v" * 32,
        }
    )


def by_check(findings: list[Finding]) -> dict[str, str]:
    return {finding.check: finding.verdict for finding in findings}


@pytest.mark.integration
def test_an_installation_that_works_is_found_well(
    cluster: str, projected_url: str, tmp_path: Path
) -> None:
    found = list(examine(its(tmp_path, cluster, projected_url), embedded=True))
    failing = {finding.check for finding in found if finding.verdict == "fail"}
    assert failing == {"services"}  # nobody works here
    assert {"disk", "topics", "migrations", "offsets", "clock", "tokens"} <= set(by_check(found))


@pytest.mark.integration
def test_offsets_outside_the_log_and_topics_made_anew_are_found(
    cluster: str, projected_url: str, tmp_path: Path
) -> None:
    made = engine(projected_url, name="verdicts tests")
    _store(made, "verdicts.votes.v1", "another-id", 5)
    _store(made, "verdicts.reviews.v1", _id_of(cluster, "verdicts.reviews.v1"), 10**9)
    found = by_check(list(examine(its(tmp_path, cluster, projected_url), embedded=True)))
    made.dispose()
    assert (found["topic ids"], found["offsets"]) == ("fail", "fail")


def _store(made: Engine, topic: str, topic_id: str, offset: int) -> None:
    row = {"topic": topic, "id": topic_id, "offset": offset}
    insert = text("insert into checkpoints values (:topic, 0, :id, :offset)")
    with made.begin() as connection:
        connection.execute(insert, row)


def _id_of(cluster: str, topic: str) -> str:
    return Log(Settings.from_environment({"KAFKA_BOOTSTRAP_SERVERS": cluster})).topic_ids([topic])[
        topic
    ]


@pytest.mark.integration
def test_a_database_without_tables_is_told_to_migrate(
    cluster: str, fresh_database: str, tmp_path: Path
) -> None:
    found = list(examine(its(tmp_path, cluster, fresh_database), embedded=True))
    (finding,) = (finding for finding in found if finding.verdict == "fail")
    assert finding.do == "Run: verdicts migrate"


def test_servers_that_do_not_answer_are_one_finding_each(tmp_path: Path) -> None:
    found = [it for it in examine(its(tmp_path), embedded=False) if it.verdict == "fail"]
    assert [finding.check for finding in found] == ["broker", "database"]
    assert all("does not answer" in finding.says for finding in found)


@pytest.mark.integration
def test_the_partitions_of_a_topic_tell_their_copies(
    kafka: str, unique: Callable[[str], str]
) -> None:
    settings = Settings.from_environment({"KAFKA_BOOTSTRAP_SERVERS": kafka})
    client, name = topics.admin(settings), unique("topic")
    client.create_topics([NewTopic(name, 2, 1)])[name].result(10)
    topics.is_empty(settings, [name])  # returns once every partition has a leader
    assert [str(state) for state in looking.partition_states(client, [name])] == [
        f"PartitionState(name='{name}/{number}', replicas=1, in_sync=1, leader=True)"
        for number in (0, 1)
    ]


def registry(newest: dict[str, int]) -> httpx.MockTransport:
    """A registry that knows our schemas as version 1, and for some subjects a newer one."""

    def answer(request: httpx.Request) -> httpx.Response:
        subject = request.url.path.split("/")[2]
        version = 1 if request.method == "POST" else newest.get(subject, 1)
        return httpx.Response(200, content=json.dumps({"version": version}))

    return httpx.MockTransport(answer)


def test_a_schema_that_somebody_else_registered_is_noticed() -> None:
    assert looking.unregistered("http://registry", registry({})) == []
    other = registry({"verdicts.votes.v1-value": 2})
    assert looking.unregistered("http://registry", other) == ["verdicts.votes.v1-value"]


def test_the_published_schemas_are_not_edited() -> None:
    assert looking.edited_schemas() == []
