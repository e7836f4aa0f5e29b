"""Python's collector of cycles, told what our processes are like."""

import gc
import threading
import time

OBJECTS_BETWEEN = 100_000
SECONDS_BETWEEN = 20.0


def reduce_gc(seconds: float = SECONDS_BETWEEN) -> None:
    """Look for cycles seldom, and never in what was loaded before.

    What comes with a request or a batch goes by its reference counts. Looking through thousands
    of decoded events again and again for cycles that are not there took a quarter of a worker's
    time, and made requests wait. Call this once everything is loaded.

    Args:
        seconds: From one full look to the next, however few objects there are. Errors come in
            cycles, and each holds what was in hand: while servers were away, a worker filled four
            gigabytes with them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN, 50, 100)
    threading.Thread(target=_look, args=(seconds,), name="collector", daemon=True).start()


def _look(seconds: float) -> None:
    while True:
        time.sleep(seconds)
        gc.collect()
