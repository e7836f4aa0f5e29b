"""A whole system on a folder and a port of its own, started as a user would start it."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx

ROOT = Path(__file__).parents[2]
VERDICTS = Path(sys.executable).with_name("verdicts")

Result = TypeVar("Result")


def until(holds: Callable[[], Result], seconds: float = 30, what: str = "") -> Result:
    """What `holds` returns as soon as that is true; the time-out is for broken systems alone."""
    deadline = time.monotonic() + seconds
    while not (result := holds()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return result


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


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
        self.output = (self.home / "output.txt").open("a+")
        self.process: subprocess.Popen[bytes] | None = None
        # One client for all that is asked: each would read the machine's certificates anew.
        self.http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def start(self, *command: str) -> None:
        """Start it, with `verdicts up` unless told otherwise, and return when it is ready."""
        self.process = subprocess.Popen(
            command or (str(VERDICTS), "up", "--with-parent"),
            cwd=ROOT,
            env=self.environment,
            stdout=self.output,
            stderr=self.output,
            process_group=0,
        )
        try:
            until(self.is_ready, 120, "a system that is ready")
        except AssertionError as error:
            error.add_note(self.said())
            error.add_note(self.run_verdicts("status").stdout)
            raise

    def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.said()
        with contextlib.suppress(httpx.TransportError):
            return self.http.get("/status").status_code == 200
        return False

    def stop(self) -> None:
        """End it, by force if it must be."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def remove(self) -> None:
        self.stop()
        self.http.close()
        self.output.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def said(self) -> str:
        return Path(self.output.name).read_text()

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

    def post(self, events: list[dict[str, Any]], wait: int = 30) -> httpx.Response:
        """What `POST /v1/events` answers to the administrator."""
        token = (self.data / "admin.token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Prefer": f"wait={wait}"}
        return self.http.post("/v1/events", json=events, headers=headers)

    def send(self, *events: dict[str, Any]) -> None:
        """Send events, and return when all projections have applied them."""
        answer = self.post(list(events))
        assert answer.status_code == 200, answer.text

    def tool(self, slug: str) -> dict[str, Any]:
        return dict(self.http.get(f"/v1/tools/{slug}").json())

    def await_tally(self, slug: str, **counts: int) -> None:
        """Return when the community's counts of a tool are these."""

        def reached() -> bool:
            found = self.tool(slug)["community"]
            return all(found[name] == count for name, count in counts.items())

        until(reached, what=f"{counts} for {slug}")

    def file(self, path: str) -> Path:
        """Where the page of this path lies on disk."""
        return self.data / "site" / path.strip("/") / "index.html"

    def await_file(self, path: str, text: str = "") -> str:
        """The stored page, once it is there and says `text`."""
        file = self.file(path)

        def says() -> str:
            found = file.read_text() if file.exists() else ""
            return found if text in found else ""

        return until(says, what=f"{text!r} in {file}")
