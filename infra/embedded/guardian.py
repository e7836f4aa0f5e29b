"""Nothing outlives its supervisor: a process that waits for its end, then ends what it started.

A supervisor that is killed with SIGKILL cannot clean up, and a child that runs as another user
does not get the kernel's parent-death signal. So a guardian in a session of its own reads a pipe
whose other end the supervisor alone holds. Each line names a process; when the pipe closes, for
whatever reason, all of them are ended. What was started in the moment before its line was written
is found by a mark in its environment.
"""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
from typing import IO

import msgspec
import psutil

from infra.embedded.process import Child, Identity, end, identify

MARK = "VERDICTS_SUPERVISED_BY"
GRACE_SECONDS = 5.0


class Guardian:
    """Starts children that end when this process does, however it ends."""

    def __init__(self, keep_open: tuple[int, ...] = ()) -> None:
        """Start the guarding process.

        Args:
            keep_open: Descriptors that it holds until everything has ended, such as a lock's.
        """
        self._mark = secrets.token_hex(8)
        self._keep_open = keep_open
        self._known: list[Identity] = []
        self._process = self._start()

    def spawn(
        self, command: list[str], *, stop_signal: int = signal.SIGTERM, **options: object
    ) -> Child:
        """Start a child in a session of its own, under guard (see `process.Spawn`)."""
        given = options.pop("env", None)
        env = {**(given if isinstance(given, dict) else os.environ), MARK: self._mark}
        child: Child = subprocess.Popen(command, start_new_session=True, env=env, **options)  # type: ignore[call-overload]
        if identity := identify(child.pid, stop_signal):
            self._known.append(identity)
            self._tell(identity)
        return child

    def renew(self) -> bool:
        """Start the guarding process again if it has died, and say whether it had."""
        if self._process.poll() is None:
            return False
        self._process = self._start()
        self._known = [one for one in self._known if one.process]
        for one in self._known:
            self._tell(one)
        return True

    def close(self) -> None:
        """End all children, and return when they have ended."""
        assert self._process.stdin
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait()

    def _start(self) -> Child:
        return subprocess.Popen(
            [sys.executable, "-P", __file__, self._mark],
            stdin=subprocess.PIPE,
            start_new_session=True,
            pass_fds=self._keep_open,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def _tell(self, identity: Identity) -> None:
        assert self._process.stdin
        with contextlib.suppress(OSError):  # It has died: `renew` will tell the next one.
            self._process.stdin.write(msgspec.json.encode(identity) + b"\n")
            self._process.stdin.flush()


def guard(lines: IO[bytes], mark: str) -> None:
    """Read identities until the pipe closes, then end them all."""
    known = [msgspec.json.decode(line, type=Identity) for line in lines if line.endswith(b"\n")]
    unknown = [one for one in _marked(mark) if one.pid not in {known.pid for known in known}]
    end([*known, *unknown], GRACE_SECONDS)


def _marked(mark: str) -> list[Identity]:
    """Every process that carries our mark and may be looked at."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == mark:
                found.append(Identity(process.pid, process.create_time()))
    return found


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    guard(sys.stdin.buffer, sys.argv[1])
