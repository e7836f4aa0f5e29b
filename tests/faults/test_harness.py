"""What the harness does to a process has happened once it says so."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from tests.faults.harness.services import Service

_BUSY = """
import threading
def count():
    while True:
        pass
for _ in range(4):
    threading.Thread(target=count, daemon=True).start()
print(flush=True)
threading.Event().wait()
"""


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Service]:
    """A process whose main thread sleeps while others work."""

    def spawn(_: list[str], **options: Any) -> Any:
        options["stdout"] = subprocess.PIPE
        process = subprocess.Popen([sys.executable, "-c", _BUSY], **options)
        assert process.stdout
        process.stdout.readline()
        return process

    service = Service("busy", {}, tmp_path / "log", cast("Any", spawn)).start()
    yield service
    service.kill()


def test_a_paused_process_does_nothing_more(busy: Service) -> None:
    for _ in range(20):
        busy.pause()
        assert psutil.Process(busy.pid).status() == psutil.STATUS_STOPPED
        busy.resume()
