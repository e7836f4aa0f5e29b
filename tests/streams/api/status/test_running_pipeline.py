"""`/status` of an API, a worker and a publisher while votes cannot reach a page."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from infra.cli.main import verdicts as command_line
from schemas.topics import VOTES
from tests.harness.kafka import at_kafka, hanging_transaction
from tests.harness.ports import free_port
from tests.harness.services import Service, environment, verdicts
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.integration

NOTICED_SECONDS = 10.0


class RunningPipeline:
    """One process of each service, and what they say of themselves."""

    def __init__(self, kafka: dict[str, str], database: str, data: Path) -> None:
        self.settings = at_kafka(kafka)
        self._environment = environment(kafka=kafka, database=database, data=data)
        port = free_port()
        self._environment["VERDICTS_PORT"] = str(port)
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False
        )
        self.services = [
            Service(verdicts(name), self._environment, data / f"{name}.log").start()
            for name in ("worker", "publisher", "api")
        ]

    def get(self, path: str) -> httpx.Response | None:
        try:
            return self._client.get(path)
        except httpx.TransportError:
            return None

    def await_status(self, status: int, seconds: float) -> httpx.Response:
        answer = wait_until(
            f"the status is {status}",
            lambda: self.get("/status"),
            lambda got: got is not None and got.status_code == status,
            seconds=seconds,
        )
        assert answer is not None
        return answer

    def doctor(self) -> str:
        """What `verdicts doctor` prints, without line breaks."""
        examined = CliRunner().invoke(command_line, ["doctor"], env=self._environment)
        assert examined.exit_code == 1
        return " ".join(examined.output.split())

    def end(self) -> None:
        for service in self.services:
            service.end()


@pytest.fixture(scope="module")
def started(
    cluster: dict[str, str], module_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningPipeline]:
    running = RunningPipeline(cluster, module_database, tmp_path_factory.mktemp("pipeline"))
    yield running
    running.end()


@pytest.fixture
def pipeline(started: RunningPipeline) -> RunningPipeline:
    """A pipeline in which a vote reaches a page."""
    started.await_status(200, seconds=60)
    return started


def test_a_hanging_transaction_is_noticed_and_doctor_names_it_and_its_producer(
    pipeline: RunningPipeline,
) -> None:
    with hanging_transaction(pipeline.settings, (VOTES.name, 4), "hangs-for-ever", keys=60):
        answer = pipeline.await_status(503, NOTICED_SECONDS)
        (reason,) = answer.json()["reasons"]
        assert reason.startswith("A transaction that is open for ")
        assert f"stops all reading of {VOTES.name}/4 at offset" in reason
        ready = pipeline.get("/readyz")
        assert ready is not None
        assert ready.status_code == 200  # this process can do its part
        examined = pipeline.doctor()
        assert "The transaction 'hangs-for-ever' (producer id " in examined
        assert f"stops all reading of {VOTES.name}/4 at offset" in examined
    pipeline.await_status(200, seconds=60)
