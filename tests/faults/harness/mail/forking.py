"""Mailers that are forked from a process that has imported everything: they start in no time.

A mailer started this way is a process of its own that runs the same command; a thousand of them
would else spend most of their time on imports.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from tests.harness.services import ROOT
from tests.publishers.mailer.conftest import Mailing

_SERVER = """
import os, sys
import publishers.mailer.service
from infra.cli import main

pid = 0
for line in sys.stdin:
    if line == "end\\n":
        os.waitpid(pid, 0)
        print("ended", flush=True)
        continue
    pid = os.fork()
    if pid == 0:
        sys.stdout, sys.argv = sys.stderr, ["verdicts", "mailer"]
        main()
        os._exit(0)
    print(pid, flush=True)
"""


class ForkedMailers:
    """One mailer after the other; as a context manager it ends the last one.

    Args:
        mailing: Whose issues they send.
    """

    def __init__(self, mailing: Mailing) -> None:
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT), **mailing.environment()}
        self._log: Path = mailing.data / "forked.log"

    def __enter__(self) -> "ForkedMailers":
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                [sys.executable, "-P", "-c", _SERVER],
                env=self._environment,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._pid = 0
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        self._server.communicate()
        print(self._log.read_text()[-3000:])

    def start(self) -> int:
        """Start a mailer; its process id."""
        self._pid = int(self._answer_to("start\n"))
        return self._pid

    def kill(self) -> None:
        """SIGKILL to the mailer, unless it has ended; returns when it has."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)  # not reaped yet, so the id is still its own
            self._pid = 0
            assert self._answer_to("end\n") == "ended\n"

    def _answer_to(self, line: str) -> str:
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(line)
        self._server.stdin.flush()
        return self._server.stdout.readline()
