"""Python's collector of cycles, told what our processes are like."""

import gc

OBJECTS_BETWEEN = 100_000


def spare() -> None:
    """Look for cycles seldom, and never in what was loaded before.

    What comes with a request or a batch goes by its reference counts. Looking through thousands
    of decoded events again and again for cycles that are not there took a quarter of a worker's
    time, and made requests wait. Call this once everything is loaded.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN, 50, 100)
