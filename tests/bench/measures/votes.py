"""Votes per second from the topic to committed tallies: one worker, and what else people use."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

import psycopg
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from schemas.topics import VOTES
from streams.worker import GROUP
from tests.bench.services import Memory, output_of, rate_of, require_ballots, running
from tests.bench.stage import Stage, expected
from tests.bench.table import Row, missing

QUIX_PYTHON = Path(".cache/bench/bin/python")
GOALS = {"stock_faust": 4.0, "quix": 2.0, "plain_loop": 0.9}
NAMES = {
    "stock_faust": "stock Faust, `take`, the same SQL",
    "quix": "Quix Streams, its own state store",
    "plain_loop": "plain confluent-kafka loop, four threads, the same fold and SQL",
}
WHAT = "votes/s, topic to committed tally"


class Run(NamedTuple):
    """What one run of a worker gave: votes a second, megabytes at most, growth of memory."""

    rate: float
    memory: float
    growth: float


def rows(stage: Stage, total: int, voters: int, runs: int) -> Iterator[Row]:
    """Measure one worker, two workers and each peer in turn, round after round."""
    ballots = expected(total, voters)
    rates = {
        peer: Row(what=WHAT, peer=NAMES[peer], unit="/s", ratio=goal)
        for peer, goal in GOALS.items()
        if peer != "quix" or QUIX_PYTHON.exists()
    }
    two = Row(what="votes/s, two workers", peer="one worker", unit="/s")
    for _ in range(runs):
        ours = worker_run(stage, total, ballots).rate
        for peer, row in rates.items():
            row.theirs.append(peer_rate(stage, peer, total, ballots))
            row.ours.append(ours)
        two.ours.append(worker_run(stage, total, ballots, workers=2).rate)
        two.theirs.append(ours)
    if "quix" not in rates:
        yield missing(WHAT, NAMES["quix"], "no .cache/bench, run make bench")
    yield from rates.values()
    yield two


def worker_run(stage: Stage, total: int, ballots: int, workers: int = 1) -> Run:
    """Start workers on the full topic and an empty database; what they do once they run."""
    environment = stage.migrated()
    _forget_group(stage)
    with ExitStack() as stack:
        processes = [
            stack.enter_context(running(["infra.cli", "worker"], environment))
            for _ in range(workers)
        ]
        memory = stack.enter_context(Memory(processes[0].pid))
        connection = stack.enter_context(
            psycopg.connect(environment["DATABASE_URL"], autocommit=True)
        )
        rate = rate_of(connection, VOTES.name, total)
        require_ballots(connection, ballots)
    return Run(rate, memory.peak, memory.growth)


def _forget_group(stage: Stage) -> None:
    """Let the broker forget how far earlier runs were: the peers' groups are new each time too.

    What the broker remembers counts for nothing beside the database, but a fetch from there would
    be under way when the first records are asked for.
    """
    admin = AdminClient({"bootstrap.servers": stage.kafka, "log_level": 0})
    with suppress(KafkaException):  # before the first run there is no such group
        admin.delete_consumer_groups([GROUP])[GROUP].result()


def peer_rate(stage: Stage, peer: str, total: int, ballots: int) -> float:
    """Run a peer on the same topic and an empty database of its own."""
    environment = {**stage.migrated(), "PYTHONPATH": str(Path.cwd()), "PYTHONWARNINGS": "ignore"}
    program = str(QUIX_PYTHON) if peer == "quix" else ""
    output = output_of(
        f"tests.bench.peers.{peer}", str(total), environment=environment, program=program
    )
    rate = re.search(r"^RATE ([\d.]+)$", output, re.MULTILINE)
    if rate is None:
        raise RuntimeError(f"{peer} did not finish: {output[-2000:]}")
    counted = re.search(r"^BALLOTS (\d+)$", output, re.MULTILINE)
    if counted is None:
        with psycopg.connect(environment["DATABASE_URL"]) as connection:
            require_ballots(connection, ballots)
    elif int(counted[1]) != ballots:
        raise AssertionError(f"{peer} counted {counted[1]} ballots, not {ballots}")
    return float(rate[1])
