import sys
from pathlib import Path

from infra.embedded.process import spawn
from infra.supervisor.supervisor import MAX_DELAY_SECONDS, Service


def test_a_first_restart_is_immediate_and_further_ones_are_delayed_more_and_more() -> None:
    service = Service("worker", lambda: spawn([sys.executable, "-c", ""]), 15, 1, Path("log"))
    delays = []
    for _ in range(9):
        service.start()
        assert service.wait() == "ended with status 0"
        delays.append(service.restart_delay)
    assert delays[:4] == [0, 0.5, 1.5, 3.5]
    assert delays == sorted(delays)
    assert delays[-1] < MAX_DELAY_SECONDS
