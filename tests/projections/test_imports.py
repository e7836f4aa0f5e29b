import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HTTP = {"granian", "httpx", "starlette"}
LOAD_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
print(*{name.partition(".")[0] for name in sys.modules})
"""


@pytest.mark.parametrize(
    ("package", "unwanted"),
    [
        ("projections", HTTP | {"aiokafka", "faust", "mode"}),
        ("schemas", HTTP | {"aiokafka", "confluent_kafka", "faust", "psycopg", "sqlalchemy"}),
    ],
)
def test_a_package_loads_no_library_of_the_layers_above_it(
    package: str, unwanted: set[str]
) -> None:
    command = [sys.executable, "-c", LOAD_ALL, package]
    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert package in loaded.split()
    assert unwanted.isdisjoint(loaded.split())


def test_every_entry_point_leads_to_infra_so_that_no_import_contract_is_bypassed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["scripts"], *project["entry-points"].values()]
    targets = [target for group in groups for target in group.values()]
    assert targets
    assert [target for target in targets if not target.startswith("infra.")] == []
