"""Quix Streams: each voter's ballots in its own state store, with its changelog, and the tally."""

import os
import sys
import tempfile
import uuid
from typing import Any

from quixstreams import Application, State

from tests.bench.peers.reading import Report, decode

TOTAL = int(sys.argv[1])
report = Report(TOTAL)
tallies: dict[str, list[int]] = {}
app = Application(
    broker_address=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
    consumer_group=f"quix-{uuid.uuid4().hex[:8]}",
    auto_offset_reset="earliest",
    state_dir=tempfile.mkdtemp(),
    loglevel="ERROR",
)
votes = app.topic("verdicts.votes.v1", value_deserializer="bytes", key_deserializer="bytes")


def count(value: bytes, state: State) -> None:
    """Move one voter's ballot, and its tool's tally with it."""
    report.begin()
    event = decode(value)
    data: Any = event.data
    ballot = state.get(data.tool)
    stamp = [event.time, event.id]
    if ballot is None or ballot[:2] < stamp:
        tally = tallies.setdefault(data.tool, [0, 0])
        if ballot is not None:
            tally[ballot[2]] -= 1
        now = 0 if data.choice == "ship" else 1
        tally[now] += 1
        state.set(data.tool, [*stamp, now])


frame = app.dataframe(votes)
frame = frame.update(count, stateful=True)

if __name__ == "__main__":
    # The last checkpoint is committed before this returns: only then is a tally safe.
    app.run(count=TOTAL)
    report.add(TOTAL)
    print(f"BALLOTS {sum(map(sum, tallies.values()))}", flush=True)
