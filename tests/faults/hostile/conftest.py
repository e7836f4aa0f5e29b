"""One running site for the hostile tests of a module, since each start takes seconds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded.orphan_guardian import Guardian
from tests.faults.harness.brokers import Cluster
from tests.faults.harness.hostile.live_site import LiveSite
from tests.faults.harness.system import System, fresh_database


@pytest.fixture(scope="module")
def live(
    servers_folder: Path, guardian: Guardian, postgres: str, one_broker: Cluster
) -> Iterator[LiveSite]:
    """A running site on the single node."""
    with fresh_database(postgres) as url:
        folder = servers_folder / url.rpartition("/")[2]
        folder.mkdir()
        system = System(one_broker, url, folder, guardian.spawn)
        try:
            yield LiveSite(system, guardian.spawn)
        finally:
            system.close()


@pytest.fixture
def amount(request: pytest.FixtureRequest) -> int:
    """How many hostile requests of a kind."""
    return 10_000 if request.config.getoption("--every-fault") else 500
