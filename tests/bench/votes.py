"""Votes per second from the topic to committed tallies: one worker, and what else people use."""
# ruff: noqa: RUF001

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from schemas.topics import VOTES
from tests.bench.stage import Stage, expected
from tests.bench.table import Row

QUIX_PYTHON = Path(".cache/bench/bin/python")
PATIENCE_SECONDS = 300.0
GOALS = {"stock_faust": "4 ×", "quix": "2.0 ×", "plain_loop": "0.9 ×"}
NAMES = {
    "stock_faust": "stock Faust, `take`, the same SQL",
    "quix": "Quix Streams, its own state store",
    "plain_loop": "plain confluent-kafka loop, four threads, the same fold and SQL",
}


def rows(stage: Stage, total: int, voters: int, runs: int) -> list[Row]:
    """Measure one worker against each peer, in turn."""
    ballots = expected(total, voters)
    found = []
    for peer in GOALS:
        if peer == "quix" and not QUIX_PYTHON.exists():
            continue
        row = Row("votes/s, topic to committed tally", NAMES[peer], "/s", [], [], GOALS[peer])
        for _ in range(runs):
            row.ours.append(worker_rate(stage, total, ballots))
            row.theirs.append(peer_rate(stage, peer, total, ballots))
        found.append(row)
    return found


def two_workers(stage: Stage, total: int, voters: int, runs: int) -> Row:
    """Measure two workers against one."""
    ballots = expected(total, voters)
    row = Row("votes/s, two workers", "one worker", "/s", [], [], "report")
    for _ in range(runs):
        row.ours.append(worker_rate(stage, total, ballots, workers=2))
        row.theirs.append(worker_rate(stage, total, ballots))
    return row


def worker_rate(stage: Stage, total: int, ballots: int, workers: int = 1) -> float:
    """Start workers on the full topic and an empty database; votes per second once they run."""
    environment = stage.migrated()
    command = [sys.executable, "-m", "infra.command", "worker"]
    started = [
        subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(workers)
    ]
    try:
        with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
            rate = _watch(connection, total)
            _require(connection, ballots)
        return rate
    finally:
        for process in started:
            process.kill()
            process.wait()


def _watch(connection: psycopg.Connection, total: int) -> float:
    """Look how far the checkpoints are, from the first batch to the last."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    began, first = 0.0, 0
    while time.monotonic() < deadline:
        done = _applied(connection)
        if done and not first:
            began, first = time.monotonic(), done
        if done >= total:
            return (total - first) / (time.monotonic() - began)
        time.sleep(0.005)
    raise TimeoutError(f"{done} of {total} votes were applied in {PATIENCE_SECONDS} s")


def _applied(connection: psycopg.Connection) -> int:
    try:
        row = connection.execute(
            "select coalesce(sum(next_offset), 0)::bigint from projections_1.checkpoints "
            "where topic = %s",
            [VOTES.name],
        ).fetchone()
    except psycopg.errors.UndefinedTable:
        return 0
    return int(row[0]) if row else 0


def peer_rate(stage: Stage, peer: str, total: int, ballots: int) -> float:
    """Run a peer on the same topic and an empty database of its own."""
    environment = {**stage.migrated(), "PYTHONPATH": str(Path.cwd())}
    environment["PYTHONWARNINGS"] = "ignore"
    python = str(QUIX_PYTHON) if peer == "quix" else sys.executable
    done = subprocess.run(
        [python, "-m", f"tests.bench.peers.{peer}", str(total)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    rate = re.search(r"^RATE ([\d.]+)$", done.stdout, re.MULTILINE)
    if rate is None:
        raise RuntimeError(f"{peer} did not finish: {done.stderr[-2000:]}")
    counted = re.search(r"^BALLOTS (\d+)$", done.stdout, re.MULTILINE)
    if counted:
        if int(counted[1]) != ballots:
            raise AssertionError(f"{peer} counted {counted[1]} ballots, not {ballots}")
    else:
        with psycopg.connect(environment["DATABASE_URL"]) as connection:
            _require(connection, ballots)
    return float(rate[1])


def _require(connection: psycopg.Connection, ballots: int) -> None:
    """Refuse a time whose result is wrong."""
    row = connection.execute(
        "select sum(ship + skip)::bigint from projections_1.tallies"
    ).fetchone()
    if row is None or row[0] != ballots:
        raise AssertionError(f"the tallies hold {row and row[0]} ballots, not {ballots}")
