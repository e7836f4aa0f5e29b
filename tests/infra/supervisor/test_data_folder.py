import os
import stat
from pathlib import Path

import pytest

from infra.setting_values import SettingsError, kafka_environment
from infra.settings import Settings
from infra.supervisor.data_folder import DataFolder, RunInfo, attach


def test_given_addresses_are_not_replaced_by_those_of_a_running_system(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    descriptor = folder.lock()
    run = RunInfo(url="u", kafka="k:1", database="postgresql://d", pids={}, public_url="https://v")
    folder.write_run(run)
    settings = attach(
        Settings.from_environment(
            {"VERDICTS_DATA": str(tmp_path), "DATABASE_URL": "postgresql://mine"}
        )
    )
    os.close(descriptor)
    assert (settings.kafka, settings.database_url) == ("k:1", "postgresql://mine")
    assert settings.public_url == "https://v"


def test_the_properties_of_kafka_hold_what_a_client_needs(tmp_path: Path) -> None:
    security = {"security.protocol": "SASL_PLAINTEXT", "sasl.password": "a=b"}
    given = {"KAFKA_BOOTSTRAP_SERVERS": "k:1", **kafka_environment(security)}
    folder = DataFolder(tmp_path)
    folder.write_kafka_properties(Settings.from_environment(given))
    lines = (tmp_path / "kafka.properties").read_text().splitlines()
    expected = {"bootstrap.servers": "k:1", **security}
    assert dict(line.split("=", 1) for line in lines) == expected
    assert folder.read_kafka_security() == security
    assert mode(tmp_path / "kafka.properties") == 0o600


def test_created_keys_are_stored_and_given_ones_are_not_written(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    created = folder.with_keys(Settings.from_environment({}))
    assert folder.with_keys(Settings.from_environment({})) == created
    keys = {"VERDICTS_SECRET_KEY": f"{'a' * 16},{'b' * 16}", "VERDICTS_VOTER_KEY": "c" * 16}
    given = Settings.from_environment(keys)
    assert folder.with_keys(given) == given
    assert created.voter_key not in {"", created.secret_keys[0]}


def test_a_short_key_in_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "voter.key").write_text("short\n")
    with pytest.raises(SettingsError, match=r"voter\.key holds a key of less than 16"):
        DataFolder(tmp_path).with_keys(Settings.from_environment({}))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_created_data_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "parent" / "data")
    assert mode(folder.path) == 0o700
    assert mode(tmp_path / "parent") != 0o700
    assert folder.make_private() == []


def test_an_open_data_folder_is_closed_with_a_line_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    names = ("admin.token", "voter.key", "logs/api.log", "logs/api.1.log")
    for path in (tmp_path, *(tmp_path / name for name in names)):
        path.touch()
        path.chmod(0o755 if path.is_dir() else 0o644)
    lines = DataFolder(tmp_path).make_private()
    assert mode(tmp_path) == 0o700
    assert {mode(tmp_path / name) for name in names} == {0o600}
    assert [line.split(";")[0] for line in lines] == [
        f"{tmp_path} was open to other users",
        f"{tmp_path / 'admin.token'} was readable for others",
        f"{tmp_path / 'voter.key'} was readable for others",
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
def test_a_cluster_of_another_user_in_the_folder_stays_reachable(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").touch()
    os.chown(tmp_path / "postgres" / "PG_VERSION", 65534, 65534)
    tmp_path.chmod(0o755)
    assert "its mode is now 0711" in DataFolder(tmp_path).make_private()[0]
    assert mode(tmp_path) == 0o711
