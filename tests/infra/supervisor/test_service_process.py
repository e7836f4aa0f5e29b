"""What a service is started with."""

from pathlib import Path

import msgspec
import pytest

from infra.embedded.postgres.server import MAX_CONNECTIONS
from infra.embedded.process import spawn
from infra.setting_values import kafka_security
from infra.settings import Settings
from infra.supervisor.console import Screen
from infra.supervisor.embedded_servers import CONNECTIONS_OF_AN_API, connections_for
from infra.supervisor.services.service_process import service_environment, service_process
from publishers.mailer.service import ActiveMailer
from schemas.channels import ServiceName


def test_a_service_gets_the_credentials_of_its_own_broker_and_of_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KAFKA_SASL_OAUTHBEARER_CONFIG", "of another cluster")
    monkeypatch.setenv("KAFKA_SASL_PASSWORD", "of another cluster")
    own = {"security.protocol": "SASL_PLAINTEXT", "sasl.password": "of this one"}
    settings = msgspec.structs.replace(Settings.from_environment({}), kafka_security=own)
    environment = service_environment(settings, metrics="", instance="")
    assert kafka_security(environment) == own


def test_the_embedded_database_takes_the_connections_of_each_process_of_the_api() -> None:
    assert connections_for(1) == MAX_CONNECTIONS
    assert connections_for(4) == MAX_CONNECTIONS + 3 * CONNECTIONS_OF_AN_API


def test_the_mailer_has_the_time_to_finish_the_mails_under_way(tmp_path: Path) -> None:
    def grace(name: str) -> float:
        log = tmp_path / "service.log"
        return service_process(name, [], {}, log, Screen(), spawn).grace

    assert grace(ServiceName.API) < 10
    assert grace(ServiceName.MAILER) > ActiveMailer.stop_seconds
