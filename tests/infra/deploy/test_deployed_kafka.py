"""The brokers of Compose and Kubernetes, as their files configure them, ask for passwords."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

import infra
from infra.embedded import ports
from infra.embedded.kafka.configuration import JVM_OPTIONS
from infra.embedded.kafka.jars import class_path
from infra.embedded.kafka.java import java
from infra.embedded.kafka.readiness import client_settings, eager_admin
from infra.embedded.kafka.server import new_cluster_id
from infra.embedded.orphan_guardian import Guardian
from infra.setting_values import kafka_security
from tests.harness.waiting import wait_until

DEPLOY = Path(infra.__file__).parent / "deploy"
BROKER_PASSWORD, PASSWORD = "among-the-brokers", "of-the-services"
SECONDS = 3.0
# What only a cluster of three can have.
ALONE = {
    "node.id": "1",
    "log.dirs": "log",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
}
LISTENERS = ("CLIENTS", "BROKERS", "CONTROLLER")


def compose() -> tuple[dict[str, Any], dict[str, str]]:
    """The environments of a broker and of a service."""
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    return services["kafka-1"]["environment"], services["api"]["environment"]


def kubernetes() -> tuple[dict[str, Any], dict[str, str]]:
    folder = DEPLOY / "kubernetes"
    manifests = yaml.safe_load_all((folder / "kafka.yaml").read_text())
    (pod,) = (each["spec"]["template"]["spec"] for each in manifests if "Stateful" in each["kind"])
    broker = {each["name"]: each.get("value", "") for each in pod["containers"][0]["env"]}
    service = yaml.safe_load((folder / "config.yaml").read_text())["data"]
    return broker, service | {"KAFKA_SASL_PASSWORD": PASSWORD}


def filled(value: object) -> str:
    """A value with the passwords in place of their variables."""
    text = re.sub(
        r"\$\{KAFKA_BROKER_PASSWORD[^}]*\}|\$\(BROKER_PASSWORD\)", BROKER_PASSWORD, f"{value}"
    )
    return re.sub(r"\$\{KAFKA_PASSWORD[^}]*\}", PASSWORD, text)


def server_properties(environment: Mapping[str, Any]) -> dict[str, str]:
    """Kafka's properties, as its image makes them from variables."""
    names = {
        name: name.removeprefix("KAFKA_").lower().replace("_", ".").replace("...", "-")
        for name in environment
        if name.startswith("KAFKA_")
    }
    return {names[name]: filled(environment[name]) for name in names}


@pytest.fixture(params=[compose, kubernetes], ids=["compose", "kubernetes"])
def deployed(
    request: pytest.FixtureRequest, tmp_path: Path, guardian: Guardian
) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """One broker: the addresses of its listeners, and the security properties of a service."""
    broker, service = request.param()
    chosen = ports.choose(tmp_path, *LISTENERS)
    at = {name: f"{ports.LOOPBACK}:{port}" for name, port in chosen.items()}
    properties = server_properties(broker) | ALONE
    properties["listeners"] = ",".join(f"{name}://{address}" for name, address in at.items())
    properties["advertised.listeners"] = properties["listeners"].rpartition(",")[0]
    properties["controller.quorum.voters"] = f"1@{at['CONTROLLER']}"
    (tmp_path / "tmp").mkdir()
    (tmp_path / "server.properties").write_text(
        "".join(f"{name}={value}\n" for name, value in properties.items())
    )
    jars = ":".join(map(str, class_path(tmp_path, lambda *_: None)))
    program = [str(java()), *JVM_OPTIONS, "-cp", jars]
    tool = ["kafka.tools.StorageTool", "format", "-t", new_cluster_id(), "-c", "server.properties"]
    with (tmp_path / "kafka.log").open("wb") as log:
        subprocess.run([*program, *tool], cwd=tmp_path, check=True, stdout=log, stderr=log)
        kafka = [*program, "kafka.Kafka", "server.properties"]
        child = guardian.spawn(kafka, cwd=tmp_path, stdout=log, stderr=log)
    yield at, {name: filled(value) for name, value in kafka_security(service).items()}
    child.kill()
    child.wait()
    print((tmp_path / "kafka.log").read_text()[-3000:])  # shown where a test fails


def lists_topics(admin: AdminClient) -> bool:
    try:
        admin.list_topics(timeout=SECONDS)
    except KafkaException:
        return False
    return True


@pytest.mark.integration
def test_services_connect_with_their_password_and_nobody_without(
    deployed: tuple[dict[str, str], dict[str, str]],
) -> None:
    addresses, service = deployed
    broker = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "broker",
        "sasl.password": BROKER_PASSWORD,
    }
    among_brokers = eager_admin(client_settings(addresses["BROKERS"], broker))
    wait_until("the broker answers", lambda: lists_topics(among_brokers))
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    user = service["sasl.username"]
    change = UserScramCredentialUpsertion(user, info, PASSWORD.encode())
    among_brokers.alter_user_scram_credentials([change])[user].result()

    as_service = eager_admin(client_settings(addresses["CLIENTS"], service))
    wait_until("a service connects", lambda: lists_topics(as_service))
    others: list[dict[str, str]] = [
        {},
        service | {"sasl.password": "a guess"},
        broker | {"sasl.password": "?"},
    ]
    attempts = [
        eager_admin(client_settings(addresses[name], refused))
        for name in ("CLIENTS", "BROKERS")
        for refused in others
    ]
    with ThreadPoolExecutor(len(attempts)) as threads:  # a refusal takes seconds
        assert not any(threads.map(lists_topics, attempts))
