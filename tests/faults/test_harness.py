"""What the harness does to a process has happened once it says so."""

import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.harness.services import Service
from tests.harness.waiting import wait_until

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

    service = Service([sys.executable, "-c", _BUSY], {}, tmp_path / "log").start()
    wait_until("it is at work", lambda: service.logged)
    yield service
    service.kill()


def test_a_paused_process_does_nothing_more(busy: Service) -> None:
    for _ in range(20):
        busy.pause()
        assert psutil.Process(busy.pid).status() == psutil.STATUS_STOPPED
        busy.resume()
