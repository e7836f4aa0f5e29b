"""Where `verdicts doctor` looks on this machine."""

import json
import os
from pathlib import Path

from click.testing import CliRunner

from infra.cli.main import verdicts
from infra.supervisor.data_folder import DataFolder, RunInfo

NOWHERE = "127.0.0.1:1"
# On another disk than any data folder is.
ELSEWHERE = "/dev"


def disks(data: Path) -> list[str]:
    result = CliRunner().invoke(verdicts, ["doctor", "--json"], env={"VERDICTS_DATA": str(data)})
    findings = json.loads(result.stdout)["findings"]
    return [
        finding["says"].rpartition(" in ")[2] for finding in findings if finding["check"] == "disk"
    ]


def test_a_database_that_does_not_run_is_looked_for_where_it_last_was(tmp_path: Path) -> None:
    assert disks(tmp_path) == [f"{tmp_path}."]
    bond = {"data": str(tmp_path), "home": ELSEWHERE, "id": "1"}
    (tmp_path / "postgres.json").write_text(json.dumps(bond))
    assert disks(tmp_path) == [f"{tmp_path}.", f"{ELSEWHERE}."]


def test_the_disk_of_a_database_that_runs_is_looked_at(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    lock = folder.lock()
    folder.write_run(
        RunInfo(
            url=f"http://{NOWHERE}",
            kafka=NOWHERE,
            database=f"postgresql://x@{NOWHERE}/x",
            pids={},
            postgres_home=ELSEWHERE,
        )
    )
    assert disks(tmp_path) == [f"{tmp_path}.", f"{ELSEWHERE}."]
    os.close(lock)
