"""The life of a whole system: how it ends, what it keeps, and what a killed worker costs."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path

import pytest

from tests.e2e.system import VERDICTS, System
from tests.harness.examples import a_category, a_listing, a_vote
from tests.harness.ports import free_port
from tests.harness.services import Service
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.e2e

END_SECONDS = 15
RECOVERY_SECONDS = 15
TOOL = "kept"
SERVICES = {"kafka", "postgres", "api", "worker", "publisher", "mailer"}
# As if everything were installed: what is tried is the recipe, not pip.
INSTALLED = f"--assume-old={sys.prefix}/.installed"
MAKE_UP = ("make", "--silent", INSTALLED, f"VENV={sys.prefix}", "up")

_voters = count(1)


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """A system for these tests alone, as they end it again and again."""
    system = System()
    try:
        yield system
    finally:
        system.remove()


@pytest.fixture
def running(system: System) -> System:
    """The system, with a tool to vote on; started with `make up` unless it runs already."""
    if not system.service or not system.service.running:
        system.start(*MAKE_UP)
    if "community" not in system.tool(TOOL):
        system.send(a_category("things", "Things"), a_listing(TOOL, "Kept", "things"))
    return system


def processes_of(system: System) -> list[int]:
    """Every process that has to do with the data folder, by what it was started with."""
    folder = os.fsencode(system.data)
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and int(entry.name) != os.getpid() and _is_about(entry, folder)
    ]


def _is_about(entry: Path, folder: bytes) -> bool:
    try:
        about = folder in (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
    except OSError:  # It has ended meanwhile, or belongs to another user.
        return False
    return about and lives(int(entry.name))


def lives(pid: int) -> bool:
    """Whether it runs; what has ended and only waits for its parent to notice does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def ends_of_everything() -> dict[str, tuple[int, bool, str]]:
    """How a run can end: the signal, whether for the whole group, and which process gets it."""
    return {
        "Ctrl-C in the terminal": (signal.SIGINT, True, "make"),
        "SIGTERM to make alone": (signal.SIGTERM, False, "make"),
        "SIGTERM to make's group": (signal.SIGTERM, True, "make"),
        "kill -9 of make": (signal.SIGKILL, False, "make"),
        "kill -9 of verdicts up": (signal.SIGKILL, False, "up"),
    }


@pytest.mark.parametrize("ending", ends_of_everything())
def test_no_process_is_left_and_the_next_start_keeps_the_votes(
    running: System, ending: str
) -> None:
    number, whole_group, target = ends_of_everything()[ending]
    running.send(a_vote(tool=TOOL, voter=f"voter-{next(_voters)}"))
    votes = running.tool(TOOL)["community"]["votes"]
    run = running.run()
    assert set(run["pids"]) == SERVICES
    assert set(run["pids"].values()) <= set(processes_of(running))
    assert running.service
    make = running.service.process
    pid = make.pid if target == "make" else child_of(make.pid)
    begin = time.monotonic()
    (os.killpg if whole_group else os.kill)(pid, number)
    make.wait(END_SECONDS)
    left = END_SECONDS - (time.monotonic() - begin)
    wait_until("all processes have ended", lambda: not processes_of(running), seconds=left)
    assert not any(lives(pid) for pid in run["pids"].values())
    running.start(*MAKE_UP)
    assert running.tool(TOOL)["community"]["votes"] == votes


def child_of(pid: int) -> int:
    """The one process that make has started."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def test_a_second_up_on_the_same_folder_is_refused_with_a_sentence(running: System) -> None:
    second = running.run_verdicts("up", VERDICTS_PORT=str(free_port()))
    assert second.returncode == 1
    assert second.stderr.startswith("verdicts: Another `verdicts up`")
    assert second.stderr.count("\n") == 1
    assert running.is_ready()


def test_a_taken_port_is_refused_with_a_sentence(running: System) -> None:
    second = running.run_verdicts("up", VERDICTS_DATA=str(running.home / "another"))
    assert second.returncode == 1
    assert f"127.0.0.1:{running.port} cannot be listened on" in second.stderr
    assert second.stderr.count("\n") == 1


class Stream(threading.Thread):
    """Sends votes of ever new voters until `stop`, and counts the acknowledged."""

    def __init__(self, system: System, tool: str) -> None:
        super().__init__()
        self._system, self._tool = system, tool
        self._stopping = threading.Event()
        self.accepted = 0
        self.refused: list[str] = []

    def run(self) -> None:
        while not self._stopping.is_set():
            votes = [a_vote(tool=self._tool, voter=f"voter-{next(_voters)}") for _ in range(20)]
            answer = self._system.post(votes, wait=0)
            if answer.is_success:
                self.accepted += len(votes)
            else:
                self.refused.append(answer.text)

    def stop(self) -> None:
        self._stopping.set()
        self.join()


@pytest.fixture
def viral(running: System) -> str:
    """A tool without votes."""
    slug = f"viral-{next(_voters)}"
    running.send(a_listing(slug, "Viral", "things"))
    return slug


@pytest.fixture
def stream(running: System, viral: str) -> Iterator[Stream]:
    votes = Stream(running, viral)
    votes.start()
    yield votes
    votes.stop()


def votes_on(system: System, tool: str) -> int:
    return int(system.tool(tool)["community"]["votes"])


def test_a_killed_worker_loses_nothing_and_doubles_nothing(
    running: System, viral: str, stream: Stream
) -> None:
    wait_until("votes are applied", lambda: votes_on(running, viral) > 100)
    worker = running.run()["pids"]["worker"]
    os.kill(worker, signal.SIGKILL)
    killed = time.monotonic()
    answer = running.post([a_vote(tool=viral, voter=f"voter-{next(_voters)}")], wait=30)
    recovery = time.monotonic() - killed
    assert answer.status_code == 200, "not applied within 30 s of the kill"
    assert recovery < RECOVERY_SECONDS
    assert running.run()["pids"]["worker"] != worker
    assert "worker was killed by signal 9" in running.logged
    assert "worker runs again" in running.logged
    wait_until("the system is ready again", running.is_ready)
    stream.stop()
    assert stream.refused == []
    wait_until("all votes are applied", lambda: votes_on(running, viral) >= stream.accepted + 1)
    # One more round through every partition: whatever was still to come twice would be there now.
    round_trip = [a_vote(tool=TOOL, voter=f"voter-{next(_voters)}") for _ in range(100)]
    assert running.post(round_trip).status_code == 200
    assert votes_on(running, viral) == stream.accepted + 1


def shares(system: System) -> list[set[int]]:
    """Which partitions of the votes each worker has, of those that have any."""
    services = system.http.get("/status").json()["services"]
    assigned = [
        set(service["detail"]["assigned"].get("verdicts.votes.v1", []))
        for service in services
        if service["service"] == "worker"
    ]
    return [share for share in assigned if share]


def are_split(split: list[set[int]], workers: int) -> bool:
    """Whether so many workers have all partitions among them, and none has another's."""
    return len(split) == workers and sorted(chain(*split)) == list(range(12))


def test_a_second_worker_shares_the_partitions_and_leaves_them_again(
    running: System, viral: str, stream: Stream
) -> None:
    environment = {k: v for k, v in running.environment.items() if k != "VERDICTS_INSTANCE"}
    log = running.home / "second-worker.txt"
    second = Service([str(VERDICTS), "worker"], environment, log).start()
    try:
        wait_until("two workers have partitions", lambda: are_split(shares(running), 2), seconds=90)
        seen = votes_on(running, viral)
        wait_until("both apply votes", lambda: votes_on(running, viral) > seen + 100)
    finally:
        second.stop()
    wait_until("one worker has all partitions", lambda: are_split(shares(running), 1), seconds=90)
    stream.stop()
    assert stream.refused == []
    wait_until("all votes are applied", lambda: votes_on(running, viral) >= stream.accepted)
    assert running.post(
        [a_vote(tool=TOOL, voter=f"voter-{next(_voters)}") for _ in range(100)]
    ).is_success
    assert votes_on(running, viral) == stream.accepted


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_the_run_names_the_new_process_of_a_killed_service(running: System, service: str) -> None:
    before = running.run()
    os.kill(before["pids"][service], signal.SIGKILL)
    wait_until(
        "the service has another pid",
        lambda: running.run()["pids"][service] != before["pids"][service],
        seconds=60,
    )
    wait_until("the system is ready again", running.is_ready, seconds=60)
    after = running.run()
    assert lives(after["pids"][service])
    running.send(a_vote(tool=TOOL, voter=f"voter-{next(_voters)}"))
