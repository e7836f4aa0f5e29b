import os
from pathlib import Path

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


def test_created_keys_are_stored_and_given_ones_are_not_written(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    created = folder.with_keys(Settings.from_environment({}))
    assert folder.with_keys(Settings.from_environment({})) == created
    given = Settings.from_environment({"VERDICTS_SECRET_KEY": "a,b", "VERDICTS_VOTER_KEY": "c"})
    assert folder.with_keys(given) == given
    assert created.voter_key not in {"", created.secret_keys[0]}
