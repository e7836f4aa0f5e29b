"""A rebuild from the log's first event, against the rate of a live worker on the same log."""
# ruff: noqa: RUF001

from collections.abc import Iterator

import psycopg

from schemas.topics import VOTES
from tests.bench.measures.votes import worker_run
from tests.bench.services import Memory, rate_of, require_ballots, running
from tests.bench.stage import Stage, expected
from tests.bench.table import Row

REBUILT = "projections_2"
LONG = 2_000_000  # shorter runs say nothing of growth: they are over before all is warm


def rows(stage: Stage, total: int, voters: int, runs: int) -> Iterator[Row]:
    """Measure `verdicts projections rebuild` and a worker in turn."""
    ballots = expected(total, voters)
    what = f"rebuild of {total:,} votes of {voters:,} voters"
    rate = Row(what=f"{what}, votes/s", peer="the live rate, one worker", unit="/s", ratio=1.0)
    peak = Row(
        what=f"{what}, most memory",
        peer="the live worker's",
        unit="MB",
        below=400,
        more_is_better=False,
    )
    growth = Row(
        what=f"{what}, last quarter's memory to the second's",
        peer="the live worker's",
        unit="×",
        below=1.1 if total >= LONG else None,
        more_is_better=False,
        note="1 is flat",
    )
    for _ in range(runs):
        rebuilt, live = _rebuild(stage, total, ballots), worker_run(stage, total, ballots)
        for row, of_rebuild, of_worker in zip((rate, peak, growth), rebuilt, live, strict=True):
            row.ours.append(of_rebuild)
            row.theirs.append(of_worker)
    yield from (rate, peak, growth)


def _rebuild(stage: Stage, total: int, ballots: int) -> tuple[float, float, float]:
    """The command as an operator gives it; timed like a worker, from its first batch on."""
    environment = stage.migrated()
    command = ["infra.cli", "projections", "rebuild", "--json"]
    with (
        running(command, environment) as rebuild,
        Memory(rebuild.pid) as memory,
        psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection,
    ):
        rate = rate_of(connection, VOTES.name, total, REBUILT)
        if rebuild.exit_status():
            raise RuntimeError("the rebuild failed")
        require_ballots(connection, ballots, REBUILT)
    return rate, memory.peak, memory.growth
