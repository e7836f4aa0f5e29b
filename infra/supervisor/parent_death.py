"""Ends this process when its parent goes, however the parent went."""

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
_EVERY_SECONDS = 0.5


def end_with_parent() -> None:
    """Send ourselves SIGTERM once the parent is gone.

    Linux tells at once. Elsewhere, and where the kernel forgot, a thread sees that the parent is
    another one.
    """
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    threading.Thread(target=_watch, args=(parent,), daemon=True, name="parent").start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_EVERY_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
