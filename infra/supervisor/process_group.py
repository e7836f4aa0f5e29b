"""Several processes of one service behind one port, so that it uses more than one processor.

Each process listens on the port, and the kernel shares out new connections among them. They count
in files that they share, so that each of them can expose the sums of all.
"""

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from prometheus_client.multiprocess import mark_process_dead

from infra.embedded.process import Child, spawn
from infra.errors import VerdictsError
from infra.supervisor.signals import StopRequested, StopSignals
from infra.supervisor.supervisor import Service, Supervisor
from infra.telemetry.metrics import SHARED_VALUES

GRACE_SECONDS = 6.5
"""Less than the group itself is given, so that no process outlives it."""
CHECK_SECONDS = 0.2

log = structlog.get_logger(__name__)


class GroupFailedError(VerdictsError):
    """A process of the group keeps failing; its own log lines say why."""


def run_group(
    name: str, command: Sequence[str], processes: int, environment: Mapping[str, str]
) -> None:
    """Run processes of a service until a signal asks for their end; one that ends starts again.

    Args:
        name: The service's, for log lines.
        command: Starts one process, which ends with this one.
        processes: How many.
        environment: Of each process.

    Raises:
        GroupFailedError: A process failed three times in a row. All have ended.
    """
    with TemporaryDirectory(prefix=f"verdicts-{name}-") as values:
        shared = {**environment, SHARED_VALUES: values}
        members = [
            _member(f"{name}-{number}", command, shared, Path(values))
            for number in range(1, processes + 1)
        ]
        _run_until_stopped(members)


def _member(
    name: str, command: Sequence[str], environment: Mapping[str, str], values: Path
) -> Service:
    def start() -> Child:
        if member.pid is not None:  # what it had open has ended with it
            mark_process_dead(member.pid, str(values))  # type: ignore[no-untyped-call]
        return spawn(list(command), env=environment, stdin=subprocess.DEVNULL)

    member = Service(name, start, signal.SIGTERM, GRACE_SECONDS)
    return member


def _run_until_stopped(members: Sequence[Service]) -> None:
    supervisor = Supervisor(_LoggedReport(), on_change=lambda: None)
    signals = StopSignals(supervisor.kill)
    try:
        signals.listen()
        for member in members:
            supervisor.run(member)
        while (failing := supervisor.failing) is None:
            time.sleep(CHECK_SECONDS)
        raise GroupFailedError(f"{failing.name} keeps failing; its log lines above say why.")
    except StopRequested:
        pass
    finally:
        signals.stopping = True
        supervisor.stop([[member.name for member in members]])


class _LoggedReport:
    """Says in the log what `verdicts up` says on its screen."""

    def warn(self, text: str) -> None:
        log.warning(text)

    def done(self, text: str) -> None:
        log.info(text)
