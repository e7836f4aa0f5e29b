"""The guardian, a process that ends orphans: the children of a supervisor that has died.

A supervisor that is killed with SIGKILL cannot clean up, and a child that runs as another user
does not get the kernel's parent-death signal. The guardian runs in a session of its own and reads
a pipe; the supervisor alone holds the other end. Each line names a child. When the pipe closes, for
any reason, the guardian ends all children. A tag in the environment identifies a child that was
started just before its line was written.
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

from infra.embedded.environment import server_environment
from infra.embedded.process import Child, Identity, end_all, identify

TAG_VARIABLE = "VERDICTS_SUPERVISED_BY"
GRACE_SECONDS = 5.0


class Guardian:
    """Starts children that end when this process ends, however it ends."""

    def __init__(self, keep_open: tuple[int, ...] = ()) -> None:
        """Start the guardian process.

        Args:
            keep_open: Descriptors that the guardian keeps open until all children have ended, such
                as that of a lock.
        """
        self._tag = secrets.token_hex(8)
        self._keep_open = keep_open
        self._children: list[Identity] = []
        self.process = self._start()

    def spawn(
        self, command: list[str], *, stop_signal: int = signal.SIGTERM, **options: object
    ) -> Child:
        """Start a guarded child in a session of its own; takes the options of `Popen`."""
        given = options.pop("env", None)
        env = {**(given if isinstance(given, dict) else os.environ), TAG_VARIABLE: self._tag}
        child: Child = subprocess.Popen(command, start_new_session=True, env=env, **options)  # type: ignore[call-overload]
        if identity := identify(child.pid, stop_signal):
            self._children.append(identity)
            self._register(identity)
        return child

    def restart_if_dead(self) -> bool:
        """Start the guardian process again if it has died; return whether it had died."""
        if self.process.poll() is None:
            return False
        self.process = self._start()
        self._children = [child for child in self._children if child.process]
        for child in self._children:
            self._register(child)
        return True

    def close(self) -> None:
        """End all children, and return when they have ended."""
        assert self.process.stdin
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.wait()

    def _start(self) -> Child:
        return subprocess.Popen(
            [sys.executable, "-P", __file__, self._tag],
            stdin=subprocess.PIPE,
            start_new_session=True,
            pass_fds=self._keep_open,
            env={**server_environment(os.environ), "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def _register(self, identity: Identity) -> None:
        assert self.process.stdin
        with contextlib.suppress(OSError):  # It has died; `restart_if_dead` registers them again.
            self.process.stdin.write(msgspec.json.encode(identity) + b"\n")
            self.process.stdin.flush()


def guard(lines: IO[bytes], tag: str) -> None:
    """Read the identities of children until the pipe closes, then end them all."""
    named = [msgspec.json.decode(line, type=Identity) for line in lines if line.endswith(b"\n")]
    pids = {child.pid for child in named}
    unnamed = [child for child in _find_tagged(tag) if child.pid not in pids]
    end_all([*named, *unnamed], GRACE_SECONDS)


def _find_tagged(tag: str) -> list[Identity]:
    """Return all processes that carry the tag, among those whose environment is readable."""
    tagged = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(TAG_VARIABLE) == tag:
                tagged.append(Identity(process.pid, process.create_time()))
    return tagged


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    guard(sys.stdin.buffer, sys.argv[1])
