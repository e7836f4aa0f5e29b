"""Stock Faust: an agent that takes batches and commits them with the same SQL."""

import asyncio
import os
import sys
import tempfile
import uuid
from typing import Any

import faust

from infra.postgres.engine import create_engine
from tests.bench.peers.counting import commit
from tests.bench.peers.reading import Report

TOTAL = int(sys.argv[1])
database = create_engine(os.environ["DATABASE_URL"], pool_size=12)
report = Report(TOTAL)
app = faust.App(
    f"stock-{uuid.uuid4().hex[:8]}",
    broker=f"kafka://{os.environ['KAFKA_BOOTSTRAP_SERVERS']}",
    value_serializer="raw",
    web_enabled=False,
    topic_disable_leader=True,
    stream_buffer_maxsize=16_384,
    datadir=tempfile.mkdtemp(),
)
votes = app.topic("verdicts.votes.v1", value_type=bytes)


@app.on_partitions_assigned.connect  # type: ignore[arg-type]  # signals want any arguments
async def began(app: Any, assigned: Any, **_: Any) -> None:
    """Begin to measure."""
    if assigned:
        report.begin()


@app.agent(votes)
async def tally(stream: faust.StreamT[bytes]) -> None:
    """Count votes in batches of up to 5,000."""
    async for batch in stream.take(5_000, within=0.1):
        await asyncio.to_thread(commit, database, batch)
        if report.add(len(batch)):
            os._exit(0)


if __name__ == "__main__":
    faust.Worker(app, loglevel="error", override_logging=False).execute_from_commandline()
