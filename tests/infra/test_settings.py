from pathlib import Path

import pytest

from infra.setting_values import SettingsError
from infra.settings import VARIABLES, Settings


def settings(**environ: str) -> Settings:
    return Settings.from_environment(environ)


def test_an_empty_environment_gives_a_working_system() -> None:
    parsed = settings()
    assert (parsed.host, parsed.port, parsed.demo) == ("127.0.0.1", 8080, True)
    assert parsed.public_url == "http://127.0.0.1:8080"
    assert (
        parsed.kafka == parsed.database_url == parsed.schema_registry_url == parsed.instance == ""
    )
    assert parsed.data == Path.cwd() / ".verdicts"


def test_an_empty_value_counts_as_not_given() -> None:
    assert settings(VERDICTS_PORT="", VERDICTS_DEMO=" ") == settings()


def test_the_public_url_follows_host_and_port() -> None:
    assert settings(VERDICTS_HOST="0.0.0.0", VERDICTS_PORT="81").public_url == "http://127.0.0.1:81"
    assert settings(VERDICTS_HOST="::1").public_url == "http://[::1]:8080"
    assert settings(VERDICTS_PUBLIC_URL="https://a.example/").public_url == "https://a.example"


def test_signing_keys_rotate_newest_first() -> None:
    new, old = "n" * 32, "o" * 32
    assert settings(VERDICTS_SECRET_KEY=f"{new}, {old}").secret_keys == (new, old)


@pytest.mark.parametrize("name", ["VERDICTS_SECRET_KEY", "VERDICTS_VOTER_KEY"])
@pytest.mark.parametrize(
    "key", ["k" * 15, "replace-me-with-32-random-characters", "ChangeMe-ChangeMe-ChangeMe"]
)
def test_a_short_key_or_a_placeholder_is_refused_without_showing_it(name: str, key: str) -> None:
    with pytest.raises(SettingsError, match="give 32 random") as error:
        settings(**{name: key})
    assert str(error.value).startswith(name)
    assert key not in str(error.value)


def test_a_short_old_key_is_refused_beside_a_new_one() -> None:
    with pytest.raises(SettingsError, match="less than 16 characters"):
        settings(VERDICTS_SECRET_KEY=f"{'n' * 32},old")


def test_kafka_security_takes_the_names_of_librdkafka() -> None:
    parsed = settings(
        KAFKA_SECURITY_PROTOCOL="SASL_SSL",
        KAFKA_SASL_USERNAME="ann",
        KAFKA_SSL_CA_LOCATION="/ca.pem",
        KAFKA_BOOTSTRAP_SERVERS="a:9092, b:9092",
    )
    assert parsed.kafka == "a:9092,b:9092"
    assert parsed.kafka_security == {
        "sasl.username": "ann",
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": "/ca.pem",
    }


def test_a_proxy_is_an_address_or_a_network() -> None:
    parsed = settings(VERDICTS_TRUSTED_PROXIES="10.0.0.1/8,::1")
    assert parsed.trusted_proxies == ("10.0.0.0/8", "::1/128")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VERDICTS_PORT", "http"),
        ("VERDICTS_PORT", "0"),
        ("VERDICTS_PORT", "65536"),
        ("VERDICTS_PORT", "²"),
        ("VERDICTS_DEMO", "maybe"),
        ("VERDICTS_PUBLIC_URL", "verdicts.example"),
        ("VERDICTS_TRUSTED_PROXIES", "proxy"),
        ("VERDICTS_NEW_VOTERS_PER_HOUR", "-1"),
        ("VERDICTS_VOTER_CHANGES_PER_MINUTE", "many"),
        ("VERDICTS_API_PROCESSES", "0"),
        ("VERDICTS_API_PROCESSES", "17"),
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("SCHEMA_REGISTRY_URL", "registry"),
    ],
)
def test_a_value_that_cannot_be_meant_is_named_in_one_sentence(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as error:
        settings(**{name: value})
    assert name in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/verdicts",
        "https://a.example/?x=1",
        "https://a.example?",
        "https://a.example#top",
        "https://ann:secret@a.example",
        "https://a.example:99999",
        "https://a b.example",
        "https://",
        "https://:443",
        "http://[",
    ],
)
def test_a_public_url_is_an_origin(url: str) -> None:
    with pytest.raises(SettingsError, match="VERDICTS_PUBLIC_URL"):
        settings(VERDICTS_PUBLIC_URL=url)


def test_a_wrong_database_address_is_refused_without_showing_its_password() -> None:
    with pytest.raises(SettingsError) as error:
        settings(DATABASE_URL="mysql://ann:secret@localhost/x")
    assert "secret" not in str(error.value)


def test_a_replica_never_invents_its_own_keys() -> None:
    with pytest.raises(SettingsError, match="VERDICTS_SECRET_KEY and VERDICTS_VOTER_KEY"):
        settings().with_keys()
    given = settings(VERDICTS_SECRET_KEY="a" * 16, VERDICTS_VOTER_KEY="b" * 16)
    assert given.with_keys() is given


def test_every_variable_is_listed_once_with_its_meaning() -> None:
    names = [variable.name for variable in VARIABLES]
    assert len(names) == len(set(names))
    assert all(variable.meaning for variable in VARIABLES)
