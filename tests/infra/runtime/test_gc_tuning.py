import subprocess
import sys

# In a process of its own: what it changes holds for a whole interpreter.
ERRORS = """
import time, weakref
from infra.runtime import gc_tuning

class Batch: ...

def fail(batch):
    try:
        raise OSError("the server is away")
    except OSError as error:
        batch.error = error  # whose frame holds the batch

gc_tuning.reduce_gc({seconds})
batch = Batch()
held = weakref.ref(batch)
fail(batch)
del batch
deadline = time.monotonic() + {wait}
while held() and time.monotonic() < deadline:
    time.sleep(0.01)
print("gone" if held() is None else "held")
"""


def what_becomes_of_a_failed_batch(seconds: float, wait: float) -> str:
    code = ERRORS.format(seconds=seconds, wait=wait)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_errors_in_cycles_are_collected_however_few_objects_there_are() -> None:
    assert what_becomes_of_a_failed_batch(seconds=0.05, wait=20) == "gone"


def test_between_two_collections_cycles_stay() -> None:
    assert what_becomes_of_a_failed_batch(seconds=1000, wait=0.2) == "held"
