"""A whole system on a folder and a port of its own, started as a user would start it."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx

from schemas.events import Event
from tests.harness.examples import unstamped
from tests.harness.ports import free_port
from tests.harness.services import Service
from tests.harness.waiting import wait_until

ROOT = Path(__file__).parents[2]
VERDICTS = Path(sys.executable).with_name("verdicts")

Result = TypeVar("Result")


@contextlib.contextmanager
def running_system(**environment: str) -> "Iterator[System]":
    """A system that has started, and is removed afterwards."""
    system = System(**environment)
    try:
        system.start()
        yield system
    finally:
        system.remove()


@contextlib.contextmanager
def open_to_all() -> "Iterator[System]":
    """A running system that takes any number of votes and new voters."""
    with running_system(
        VERDICTS_NEW_VOTERS_PER_HOUR="1000000", VERDICTS_VOTER_CHANGES_PER_MINUTE="0"
    ) as system:
        yield system


class System:
    """`verdicts up` with an empty log; `start` and `stop` may be called again and again."""

    def __init__(self, **environment: str) -> None:
        # Not pytest's own temporary folder: the database's user could not enter it.
        self.home = Path(tempfile.mkdtemp(prefix="verdicts-e2e-"))
        self.home.chmod(0o755)
        self.data = self.home / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            "VERDICTS_DATA": str(self.data),
            "VERDICTS_PORT": str(self.port),
            "VERDICTS_DEMO": "0",
            **environment,
        }
        self.service: Service | None = None
        # One client for all that is asked: each would read the machine's certificates anew.
        self.http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def start(self, *command: str) -> None:
        """Start it, with `verdicts up` unless told otherwise, and return when it is ready."""
        command = command or (str(VERDICTS), "up", "--with-parent")
        self.service = Service(command, self.environment, self.home / "output.txt").start()
        try:
            wait_until("the system is ready", self.is_ready, seconds=120)
        except AssertionError as error:
            error.add_note(self.logged)
            error.add_note(self.run_verdicts("status").stdout)
            raise

    def is_ready(self) -> bool:
        assert self.service
        assert self.service.running, self.service.logged
        with contextlib.suppress(httpx.TransportError):
            return self.http.get("/status").status_code == 200
        return False

    def stop(self) -> None:
        """End it, by force if it must be."""
        if self.service:
            self.service.stop()

    def remove(self) -> None:
        self.stop()
        self.http.close()
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def logged(self) -> str:
        """All that it has printed to the terminal."""
        assert self.service
        return self.service.logged

    def run(self) -> dict[str, Any]:
        return dict(json.loads((self.data / "run.json").read_text()))

    def run_verdicts(self, *verb: str, **changed: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(VERDICTS), *verb],
            cwd=ROOT,
            env={**self.environment, **changed},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def post(self, events: Iterable[Event], wait: int = 30) -> httpx.Response:
        """What `POST /v1/events` answers to the administrator; the server stamps the events."""
        token = (self.data / "admin.token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Prefer": f"wait={wait}"}
        return self.http.post("/v1/events", json=list(map(unstamped, events)), headers=headers)

    def send(self, *events: Event) -> None:
        """Send events, and return when all projections have applied them."""
        answer = self.post(events)
        assert answer.status_code == 200, answer.text

    def tool(self, slug: str) -> dict[str, Any]:
        return dict(self.http.get(f"/v1/tools/{slug}").json())

    def await_tally(self, slug: str, **counts: int) -> None:
        """Return when the community's counts of a tool are these."""

        def reached() -> bool:
            community = self.tool(slug)["community"]
            return all(community[name] == count for name, count in counts.items())

        wait_until(f"{slug} has {counts}", reached)

    def file(self, path: str) -> Path:
        """Where the page of this path lies on disk."""
        return self.data / "site" / path.strip("/") / "index.html"

    def await_file(self, path: str, text: str = "") -> str:
        """The stored page, once it is there and says `text`."""
        file = self.file(path)

        def text_when_stored() -> str:
            text_there = file.read_text() if file.exists() else ""
            return text_there if text in text_there else ""

        return wait_until(f"{file} shows {text!r}", text_when_stored)
