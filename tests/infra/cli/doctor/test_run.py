import json
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import msgspec
import psycopg
import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import NewTopic
from sqlalchemy import Engine, text

from infra.cli.doctor import schema_checks
from infra.cli.doctor.finding import Finding, guarded
from infra.cli.doctor.run import examine
from infra.embedded.kafka.jars import class_path
from infra.embedded.kafka.java import java
from infra.embedded.kafka.server import Kafka
from infra.embedded.orphan_guardian import Guardian
from infra.kafka import topics
from infra.kafka.acknowledgement.in_sync_replicas import PartitionState, partition_states
from infra.kafka.client import create_admin, create_producer
from infra.kafka.offsets import LogOffsets
from infra.kafka.registry import RegistryError
from infra.postgres.engine import create_engine
from infra.settings import Settings
from projections import generations
from schemas.time import instants
from schemas.topics import DEAD_LETTERS, TOPICS, VOTES
from tests.harness.examples import a_vote
from tests.harness.kafka import CODEC, Sender, client_variables, hanging_transaction
from tests.harness.waiting import wait_until
from tests.infra.cli.doctor.findings import astray

# Nothing listens there.
NOWHERE = "127.0.0.1:1"
AT_NOWHERE = {"KAFKA_BOOTSTRAP_SERVERS": NOWHERE}


def its(
    tmp_path: Path,
    kafka: Mapping[str, str] = AT_NOWHERE,
    database: str = f"postgresql://x@{NOWHERE}/x",
) -> Settings:
    return Settings.from_environment(
        {
            "VERDICTS_DATA": str(tmp_path),
            **kafka,
            "DATABASE_URL": database,
            "VERDICTS_SECRET_KEY": "s" * 32,
            "VERDICTS_VOTER_KEY": "v" * 32,
        }
    )


def by_check(findings: list[Finding]) -> dict[str, str]:
    return {finding.check: finding.verdict for finding in findings}


@pytest.mark.integration
def test_a_working_installation_passes(
    cluster: dict[str, str], projected_url: str, tmp_path: Path
) -> None:
    findings = list(examine(its(tmp_path, cluster, projected_url), embedded=True))
    failing = {finding.check for finding in findings if finding.verdict == "fail"}
    assert failing == {"services"}  # nobody works here
    assert {"disk", "topics", "migrations", "offsets", "clock", "tokens"} <= set(by_check(findings))


@pytest.mark.integration
def test_a_hanging_transaction_is_found_with_its_producer(
    cluster: dict[str, str], projected_url: str, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    settings, name = its(tmp_path, cluster, projected_url), unique("hangs")
    create_producer(settings, {"transactional.id": name}).init_transactions(20)  # epoch 0
    with hanging_transaction(settings, (VOTES.name, 4), name):

        def look() -> Finding:
            findings = examine(settings, embedded=True)
            (finding,) = [each for each in findings if each.check == "transactions"]
            return finding

        finding = wait_until("it hangs", look, lambda each: each.verdict == "fail", seconds=20)
        assert f"The transaction '{name}' (producer id " in finding.says
        assert f"coordinator {settings.kafka}" in finding.says
        assert f"{VOTES.name}/4 at offset" in finding.says
        assert f"abort --topic {VOTES.name} --partition 4 --start-offset" in finding.do
    wait_until("its end is known", look, lambda each: each.verdict == "ok", seconds=20)


@pytest.mark.integration
def test_offsets_outside_the_log_and_topics_made_anew_are_found(
    cluster: dict[str, str], projected_url: str, tmp_path: Path
) -> None:
    engine = create_engine(projected_url, name="verdicts tests")
    _store(engine, "verdicts.votes.v1", "another-id", 5)
    _store(engine, "verdicts.reviews.v1", _id_of(cluster, "verdicts.reviews.v1"), 10**9)
    verdicts = by_check(list(examine(its(tmp_path, cluster, projected_url), embedded=True)))
    engine.dispose()
    assert (verdicts["topic ids"], verdicts["offsets"]) == ("fail", "fail")


def _store(
    engine: Engine, topic: str, topic_id: str, offset: int, table: str = "checkpoints"
) -> None:
    row = {"topic": topic, "id": topic_id, "offset": offset}
    insert = text(f"insert into {table} values (:topic, 0, :id, :offset)")
    with engine.begin() as connection:
        connection.execute(insert, row)


@pytest.mark.integration
def test_a_generation_beside_the_live_one_that_cannot_go_on_is_to_be_dropped(
    cluster: dict[str, str], projected_url: str, tmp_path: Path
) -> None:
    settings = its(tmp_path, cluster, projected_url)
    engine = create_engine(projected_url, name="verdicts tests")
    with engine.begin() as connection:
        name = generations.create(connection)
    _store(engine, "verdicts.votes.v1", "another-id", 5, f"{name}.checkpoints")
    (finding,) = astray(list(examine(settings, embedded=True)))
    assert (finding.verdict, finding.do.rpartition(": ")[2]) == (
        "warn",
        f"verdicts projections drop {name}",
    )
    with engine.begin() as connection:
        generations.drop(connection, name)
    assert astray(list(examine(settings, embedded=True))) == []
    engine.dispose()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, guardian: Guardian) -> Iterator[dict[str, str]]:
    """The variables of a client of a broker without topics."""
    folder = tmp_path_factory.mktemp("bare")
    server = Kafka(folder, java(), class_path(folder, lambda *_: None))
    child = server.start(guardian.spawn)
    yield client_variables(server)
    child.kill()
    child.wait()


@pytest.mark.integration
def test_topics_that_are_missing_are_one_finding_and_hide_no_other(
    bare: dict[str, str], projected_url: str, tmp_path: Path
) -> None:
    settings = its(tmp_path, bare, projected_url)
    findings = list(examine(settings, embedded=True))
    assert _failing(findings) == {"topics": "Run: verdicts topics apply", "services": "Start it."}
    assert {"offsets", "tokens"} <= set(by_check(findings))

    topics.apply(settings, [topic for topic in TOPICS if topic != DEAD_LETTERS])
    findings = list(examine(settings, embedded=True))
    assert _failing(findings) == {"topics": "Run: verdicts topics apply", "services": "Start it."}
    assert {"replication", "acknowledgement", "producers' clocks", "offsets"} <= set(
        by_check(findings)
    )
    assert "dead letters" not in by_check(findings)


def _failing(findings: list[Finding]) -> dict[str, str]:
    return {finding.check: finding.do for finding in findings if finding.verdict == "fail"}


@pytest.mark.integration
def test_an_event_of_the_far_future_is_found_with_its_position(
    cluster: dict[str, str], projected_url: str, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    settings, name = its(tmp_path, cluster, projected_url), unique("forged")
    forged = a_vote(voter=name, id=name, time=instants.parse("9999-12-31T23:59:59Z"))
    sent = Sender(cluster).send_raw(VOTES.name, name.encode(), CODEC.encode(forged))
    position = f"{VOTES.name}/{sent.partition()}/{sent.offset()}"

    def finding() -> Finding:
        findings = examine(settings, embedded=True)
        return next(each for each in findings if each.check == "event times")

    assert (finding().verdict, "Not applied" in finding().says) == ("warn", True)
    engine = create_engine(projected_url, name="verdicts tests")
    with engine.begin() as connection:
        connection.execute(
            text(
                "insert into projections_1.checkpoints values"
                " (:topic, :partition, 'id', :offset, :latest)"
            ),
            {
                "topic": VOTES.name,
                "partition": sent.partition(),
                "offset": (sent.offset() or 0) + 1,
                "latest": forged.time,
            },
        )
    engine.dispose()
    assert finding().verdict == "fail"
    assert f"'{name}' (vote.cast of 9999-12-31T23:59:59Z) at {position}" in finding().says


@pytest.mark.integration
def test_a_check_that_cannot_be_made_is_a_finding_and_the_others_follow(
    cluster: dict[str, str], projected_url: str, tmp_path: Path
) -> None:
    engine = create_engine(projected_url, name="verdicts tests")
    with engine.begin() as connection:
        connection.exec_driver_sql("alter table verdicts.heartbeats rename to lost")
    engine.dispose()
    findings = list(examine(its(tmp_path, cluster, projected_url), embedded=True))
    (broken,) = (finding for finding in findings if finding.verdict == "fail")
    assert broken.check == "services"
    assert broken.says.startswith("The database refuses this (relation ")
    assert {"changes", "tokens", "offsets", "dead letters"} <= set(by_check(findings))


def _id_of(cluster: dict[str, str], topic: str) -> str:
    return LogOffsets(Settings.from_environment(cluster)).topic_ids([topic])[topic]


@pytest.mark.integration
def test_for_a_database_without_tables_the_advice_is_to_migrate(
    cluster: dict[str, str], fresh_database: str, tmp_path: Path
) -> None:
    findings = list(examine(its(tmp_path, cluster, fresh_database), embedded=True))
    (finding,) = (finding for finding in findings if finding.verdict == "fail")
    assert finding.do == "Run: verdicts migrate"


def test_servers_that_do_not_answer_are_one_finding_each(tmp_path: Path) -> None:
    findings = [
        finding for finding in examine(its(tmp_path), embedded=False) if finding.verdict == "fail"
    ]
    assert [finding.check for finding in findings] == ["broker", "database"]
    assert all("does not answer" in finding.says for finding in findings)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (KafkaException(KafkaError(KafkaError._TIMED_OUT)), "Kafka does not answer ("),
        (KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)), "Kafka refuses this ("),
        (psycopg.OperationalError("connection refused\nat all"), "The database does not answer ("),
        (psycopg.errors.InsufficientPrivilege("not yours"), "The database refuses this (not yours"),
        (OSError(5, "Input/output error"), "This cannot be looked at ("),
        (KeyError(), "This cannot be looked at (KeyError)."),
    ],
)
def test_whatever_fails_is_a_finding_of_its_check(error: Exception, says: str) -> None:
    def look() -> list[Finding]:
        raise error

    (finding,) = guarded("its name", look)
    assert (finding.check, finding.verdict) == ("its name", "fail")
    assert finding.says.startswith(says)
    assert "\n" not in finding.says


@pytest.mark.integration
def test_the_state_of_each_partition_has_its_replicas(
    kafka: dict[str, str], unique: Callable[[str], str]
) -> None:
    settings = Settings.from_environment(kafka)
    client, name = create_admin(settings), unique("topic")
    client.create_topics([NewTopic(name, 2, 1)])[name].result(10)
    topics.is_empty(settings, [name])  # returns once every partition has a leader
    assert partition_states(client, [name]) == [
        PartitionState(name, number, replicas=1, in_sync=1, leader=True) for number in (0, 1)
    ]


def registry(newest: dict[str, int]) -> httpx.MockTransport:
    """A registry that knows our schemas as version 1, and for some subjects a newer one."""

    def answer(request: httpx.Request) -> httpx.Response:
        subject = request.url.path.split("/")[2]
        version = 1 if request.method == "POST" else newest.get(subject, 1)
        return httpx.Response(200, content=json.dumps({"version": version}))

    return httpx.MockTransport(answer)


def test_a_newer_foreign_schema_in_the_registry_is_noticed() -> None:
    assert schema_checks.unregistered("http://registry", registry({})) == []
    other = registry({"verdicts.votes.v1-value": 2})
    assert schema_checks.unregistered("http://registry", other) == ["verdicts.votes.v1-value"]


def test_the_published_schemas_are_not_edited() -> None:
    assert schema_checks.edited_schemas() == []


@pytest.mark.parametrize("status", [200, 404, 500])
def test_a_server_that_answers_like_no_registry_is_an_error(status: int) -> None:
    page = httpx.MockTransport(lambda _: httpx.Response(status, text="<h1>Welcome</h1>"))
    with pytest.raises(RegistryError, match="registry"):
        schema_checks.unregistered("http://registry", page)


def test_a_subject_that_the_registry_does_not_know_is_not_ours_there() -> None:
    unknown = httpx.MockTransport(lambda _: httpx.Response(404, json={"error_code": 40401}))
    assert "verdicts.votes.v1-value" in schema_checks.unregistered("http://registry", unknown)


class Website(BaseHTTPRequestHandler):
    """Somebody who is no registry."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<h1>Welcome</h1>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def website() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Website)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_registry_that_is_none_hides_no_other_finding(website: str, tmp_path: Path) -> None:
    settings = msgspec.structs.replace(its(tmp_path), schema_registry_url=website)
    findings = list(examine(settings, embedded=False))
    assert [finding.check for finding in findings if finding.verdict == "fail"] == [
        "broker",
        "schemas",
        "database",
    ]
    (schemas,) = (finding for finding in findings if finding.check == "schemas")
    assert "SCHEMA_REGISTRY_URL" in schemas.do
