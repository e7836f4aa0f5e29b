"""What a voter costs, in bytes and time: the same for few voters and for many, or not."""

from collections.abc import Iterator

import psycopg

from schemas.topics import VOTES
from tests.bench.services import rate_of, require_ballots, running
from tests.bench.stage import Stage, expected, fill, stage
from tests.bench.table import Row

VOTES_EACH = 2
FEW = 10_000
Cost = tuple[float, float, float]


def rows(many: list[int], runs: int) -> Iterator[Row]:
    """Measure few voters, then many, run after run; each number of voters has its own log."""
    with stage() as here:
        fill(here, FEW * VOTES_EACH, FEW)
        few = [_cost(here, FEW) for _ in range(runs)]
    for voters in many:
        with stage() as here:
            fill(here, voters * VOTES_EACH, voters)
            yield from _compared(voters, few, [_cost(here, voters) for _ in range(runs)])


def _compared(voters: int, few: list[Cost], costs: list[Cost]) -> Iterator[Row]:
    kinds = (("database", "bytes"), ("log", "bytes"), ("time to apply", "µs"))
    for number, (kind, unit) in enumerate(kinds):
        yield Row(
            what=f"{kind} per voter of {VOTES_EACH} votes, {voters:,} voters",
            peer=f"itself with {FEW:,}",
            unit=unit,
            ours=[cost[number] for cost in costs],
            theirs=[cost[number] for cost in few],
            ratio=0.8,
            more_is_better=False,
            note="1 is linear",
        )


def _cost(here: Stage, voters: int) -> Cost:
    """Apply the whole log: bytes of tables and indexes, bytes of the log, microseconds."""
    total = voters * VOTES_EACH
    environment = here.migrated()
    with (
        running(["infra.cli", "worker"], environment),
        psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection,
    ):
        rate = rate_of(connection, VOTES.name, total)
        require_ballots(connection, expected(total, voters))
        row = connection.execute(
            "select sum(pg_total_relation_size(oid))::bigint from pg_class "
            "where relkind = 'r' and relnamespace = 'projections_1'::regnamespace"
        ).fetchone()
        assert row
    segments = here.folder.rglob(f"{VOTES.name}-*/*.log")
    log = sum(file.stat().st_size for file in segments)
    return row[0] / voters, log / voters, 1e6 * VOTES_EACH / rate
