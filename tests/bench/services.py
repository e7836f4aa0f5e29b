"""Our own services as processes of a benchmark, and whether what they did is right."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import psycopg

from infra.kafka.offsets import LogOffsets
from infra.settings import Settings
from tests.harness.ports import free_port
from tests.harness.services import Service, python
from tests.harness.waiting import wait_until

RUN_SECONDS = 600.0
LIVE = "projections_1"
Environment = dict[str, str]


@contextmanager
def running(command: list[str], environment: Environment) -> Iterator[Service]:
    """A Python module as a process, ended afterwards: `running(["infra.cli", "worker"], …)`."""
    service = Service(python(*command), environment, Path(os.devnull)).start()
    try:
        yield service
    finally:
        service.stop()


@contextmanager
def serving(command: list[str], environment: Environment, path: str) -> Iterator[int]:
    """A process that listens on a free port; gives the port once `path` answers 200."""
    port = free_port()
    with running(command, {**environment, "VERDICTS_PORT": str(port)}):
        answers(port, path)
        yield port


def answers(port: int, path: str) -> None:
    """Wait until a path answers 200."""

    def fine() -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=2).status_code == 200
        return False

    wait_until(f"{path} answers", fine, seconds=RUN_SECONDS)


def applied(connection: psycopg.Connection, topic: str, schema: str = LIVE) -> int:
    """How many records of a topic a generation has applied; 0 without tables."""
    sql = f"select coalesce(sum(next_offset), 0)::bigint from {schema}.checkpoints where topic = %s"
    try:
        row = connection.execute(sql.encode(), [topic]).fetchone()
    except psycopg.errors.UndefinedTable:
        return 0
    return int(row[0]) if row else 0


def rate_of(connection: psycopg.Connection, topic: str, total: int, schema: str = LIVE) -> float:
    """Look how far the checkpoints are; records a second from the assignment to the last batch.

    A checkpoint's row appears when its partition is assigned. To begin at the first commit would
    leave out what was decoded until then, which is much where many batches are under way.
    """
    sql = f"select count(*), sum(next_offset) from {schema}.checkpoints where topic = %s".encode()
    deadline, began, done = time.monotonic() + RUN_SECONDS, 0.0, 0
    while time.monotonic() < deadline:
        try:
            checkpoints, done = connection.execute(sql, [topic]).fetchone() or (0, 0)
        except psycopg.errors.UndefinedTable:
            checkpoints = 0
        if checkpoints and not began:
            began = time.monotonic()
        if checkpoints and done >= total:
            return total / (time.monotonic() - began)
        time.sleep(0.005)
    raise TimeoutError(f"{done} of {total} records were applied in {RUN_SECONDS} s")


def require_ballots(connection: psycopg.Connection, ballots: int, schema: str = LIVE) -> None:
    """Refuse a time whose result is wrong: the tallies must hold just these ballots."""
    row = connection.execute(
        f"select sum(ship + skip)::bigint from {schema}.tallies".encode()
    ).fetchone()
    if row is None or row[0] != ballots:
        raise AssertionError(f"the tallies hold {row and row[0]} ballots, not {ballots}")


def records(environment: Environment, topic: str) -> int:
    """How many records were ever written to a topic."""
    log = LogOffsets(Settings.from_environment(environment))
    return sum(log.ends(log.partitions_of([topic])).values())


class Memory(threading.Thread):
    """Samples the resident memory of a process, in megabytes, until it ends or we stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process(pid)
        self._stopping = threading.Event()
        self.samples: list[float] = []

    def run(self) -> None:
        with suppress(psutil.Error):
            while not self._stopping.wait(0.1):
                self.samples.append(self._process.memory_info().rss / 1e6)

    def __enter__(self) -> "Memory":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.join()

    @property
    def peak(self) -> float:
        """The greatest sample."""
        return max(self.samples, default=0.0)

    @property
    def growth(self) -> float:
        """The last quarter's mean to that of the second quarter: 1 where memory is flat."""
        quarter = len(self.samples) // 4
        if not quarter:
            return 1.0
        second, last = self.samples[quarter : 2 * quarter], self.samples[-quarter:]
        return sum(last) / sum(second)


def output_of(module: str, *arguments: str, environment: Environment, program: str = "") -> str:
    """Run a module to its end and give what it printed."""
    done = subprocess.run(
        [program or sys.executable, "-m", module, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{module} failed: {done.stderr[-2000:]}")
    return done.stdout
