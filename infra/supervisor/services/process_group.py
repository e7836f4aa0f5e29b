"""Several processes of one service behind one port, so that it uses more than one processor.

Each process listens on the port, and the kernel shares out new connections among them. They count
in files of a temporary folder, so that each of them can expose the sums of all.
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
from infra.supervisor.services.service_process import GRACE_SECONDS
from infra.supervisor.signals import StopRequested, StopSignals
from infra.supervisor.supervisor import Service, Supervisor
from infra.telemetry.metrics import SHARED_FOLDER

MEMBER_GRACE_SECONDS = GRACE_SECONDS - 1.0
"""Less than `verdicts up` gives the whole service."""
CHECK_SECONDS = 0.2

log = structlog.get_logger(__name__)


class GroupFailedError(VerdictsError):
    """No process of the group stays up; their own log lines say why."""


def run_group(
    name: str, command: Sequence[str], processes: int, environment: Mapping[str, str]
) -> None:
    """Run processes of a service until a signal asks for their end; one that ends starts again.

    Args:
        name: The service's, for log lines.
        command: Starts one process, which ends with this one.
        processes: How many.
        environment: The environment of each; the folder of the shared metrics is added.

    Raises:
        GroupFailedError: Each process ended three times in a row soon after its start. None runs.
    """
    supervisor = Supervisor(_LoggedReport(), on_change=lambda: None)
    signals = StopSignals(supervisor.kill)
    names = [f"{name}-{number}" for number in range(1, processes + 1)]
    with TemporaryDirectory(prefix=f"verdicts-{name}-", ignore_cleanup_errors=True) as folder:
        shared = {**environment, SHARED_FOLDER: folder}
        members = [_member(each, command, shared, Path(folder)) for each in names]
        try:
            signals.listen()
            for member in members:
                supervisor.run(member)
            while not all(member.keeps_failing for member in members):
                time.sleep(CHECK_SECONDS)
            signals.stopping = True
            raise GroupFailedError(f"No process of {name} stays up; the log lines above say why.")
        except StopRequested:
            pass
        finally:
            supervisor.stop([names])


def _member(
    name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path
) -> Service:
    def start() -> Child:
        folder.mkdir(exist_ok=True)  # it may have been cleared away as an old temporary file
        if member.pid is not None:  # the streams that it had open count no longer
            mark_process_dead(member.pid, str(folder))  # type: ignore[no-untyped-call]
        return spawn(list(command), env=environment, stdin=subprocess.DEVNULL)

    member = Service(name, start, signal.SIGTERM, MEMBER_GRACE_SECONDS)
    return member


class _LoggedReport:
    """Says in the log what `verdicts up` says on its screen."""

    def warn(self, text: str) -> None:
        log.warning(text)

    def done(self, text: str) -> None:
        log.info(text)
