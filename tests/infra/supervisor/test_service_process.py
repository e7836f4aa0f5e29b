"""What a service is started with."""

import msgspec
import pytest

from infra.setting_values import kafka_security
from infra.settings import Settings
from infra.supervisor.service_process import service_environment


def test_a_service_gets_the_credentials_of_its_own_broker_and_of_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KAFKA_SASL_OAUTHBEARER_CONFIG", "of another cluster")
    monkeypatch.setenv("KAFKA_SASL_PASSWORD", "of another cluster")
    own = {"security.protocol": "SASL_PLAINTEXT", "sasl.password": "of this one"}
    settings = msgspec.structs.replace(Settings.from_environment({}), kafka_security=own)
    environment = service_environment(settings, metrics="", instance="")
    assert kafka_security(environment) == own
