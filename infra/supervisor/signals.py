"""What ends a run: Ctrl-C, SIGTERM, SIGHUP, and the death of the parent process."""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

_PR_SET_PDEATHSIG = 1
_PARENT_CHECK_SECONDS = 0.5
_SAME_KEYPRESS_SECONDS = 0.5


class StopRequested(BaseException):
    """A signal asked the run to end; raised in the main thread, wherever it is."""


class StopSignals:
    """The first signal requests an orderly stop; a second Ctrl-C forces an immediate one."""

    def __init__(self, force: Callable[[], None]) -> None:
        """Call `force` at a second Ctrl-C."""
        self.stopping = False
        self._first = 0.0
        self._force = force

    def listen(self) -> None:
        """From now on the first signal raises `StopRequested` in the main thread."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
                signal.signal(number, self._receive)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if not self.stopping:
            self.stopping, self._first = True, time.monotonic()
            raise StopRequested
        # One Ctrl-C can arrive twice: from the terminal, and forwarded by the parent process.
        if number == signal.SIGINT and time.monotonic() - self._first > _SAME_KEYPRESS_SECONDS:
            self._force()


def end_with_parent(parent: int | None = None, grace: float | None = None) -> None:
    """Send SIGTERM to this process when its parent dies, however the parent died.

    Linux sends the signal at once. A thread covers other systems and missed signals: it watches
    for a change of the parent's pid.

    Args:
        parent: The parent's pid as the parent gave it. None reads it here, so that a parent which
            died before this call goes unnoticed.
        grace: Seconds after which the process ends at once; None leaves it all the time it takes.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    watched = os.getppid() if parent is None else parent
    threading.Thread(target=_watch, args=(watched, grace), daemon=True, name="parent").start()


def _watch(parent: int, grace: float | None) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    if grace is not None:
        time.sleep(grace)
        os._exit(1)
