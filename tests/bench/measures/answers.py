"""How long voters wait for an answer who vote again as soon as they have one.

Worker and publisher run, so each answer waits for its tally. It must neither depend on how few vote
at once nor on how many tools a category has.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

from schemas.events import Event
from schemas.topics import VOTES
from tests.bench.load.closed import Outcome, Plan
from tests.bench.measures.ingest import driven, script_of
from tests.bench.services import Environment, answers, running, serving
from tests.bench.stage import NOON, Stage, put
from tests.bench.table import Row
from tests.harness.examples import a_listing

CONNECTIONS = (1, 4, 16, 64, 256)
FEW = 16
"""Up to so many connections an answer has a time to keep."""
P50, P99 = 40, 150
SIZES = (5, 20, 100, 300)
"""Tools in a category; the first row of a table of these is the peer of the others."""
USUAL_SIZE = 20
WARM_SECONDS = 1.0


def rows(stage: Stage, seconds: float, runs: int) -> Iterator[Row]:
    """Measure by connections, then by the size of the category, round after round."""
    environment = stage.migrated()
    put(stage, (listing for size in SIZES for listing in _listings(size)))
    by_connections: dict[int, list[Outcome]] = {count: [] for count in CONNECTIONS}
    by_size: dict[int, list[Outcome]] = {size: [] for size in SIZES}
    with ExitStack() as services:
        services.enter_context(running(["infra.cli", "worker"], environment))
        services.enter_context(running(["infra.cli", "publisher"], environment))
        port = services.enter_context(serving(["infra.cli", "api"], environment, "/readyz"))
        answers(port, "/status")
        for run in range(runs):
            for count, outcomes in by_connections.items():
                voters = _voters(run, count)
                outcomes.append(_voted(environment, port, voters, USUAL_SIZE, seconds))
            for size, outcomes in by_size.items():
                voters = _voters(run, 1000 + size)[:FEW]
                outcomes.append(_voted(environment, port, voters, size, seconds))
    yield from _of_connections(by_connections)
    yield from _of_sizes(by_size)


def _listings(size: int) -> Iterator[Event]:
    for slug in _slugs(size):
        yield a_listing(slug, slug, f"of-{size}", time=NOON, id=f"listed-{slug}")


def _slugs(size: int) -> list[str]:
    return [f"tool-{number}-of-{size}" for number in range(size)]


def _voters(run: int, measure: int) -> range:
    """Voters who have not voted yet, of a run and one of its measures; as many as its number."""
    first = 1_000_000 * run + 1_000 * measure
    return range(first, first + measure)


def _voted(
    environment: Environment, port: int, voters: range, size: int, seconds: float
) -> Outcome:
    # The other choices every other time round: a vote that changes nothing is answered at once.
    slugs = _slugs(size)
    scripts = [
        script_of(number, slugs, first=number) + script_of(number, slugs, first=number + 1)
        for number in voters
    ]
    return driven(environment, VOTES.name, Plan(port, scripts, WARM_SECONDS, seconds), 200)


def _of_connections(outcomes: Mapping[int, list[Outcome]]) -> Iterator[Row]:
    """Each number of connections beside the next larger one."""
    for count, more in zip(CONNECTIONS, (*CONNECTIONS[1:], None), strict=True):
        peers = outcomes[more] if more else []
        what = f"answer to a vote, closed loop, {USUAL_SIZE} tools in the category, {count} at once"
        peer = f"{more} at once" if more else "none"
        never_slower = 1.0 if more else None
        for which, limit in (("p50", P50), ("p99", P99)):
            yield Row(
                what=f"{what}: {which}",
                peer=peer,
                unit="ms",
                ours=[getattr(outcome, which) for outcome in outcomes[count]],
                theirs=[getattr(outcome, which) for outcome in peers],
                ratio=never_slower,
                below=limit if count <= FEW else None,
                more_is_better=False,
            )
        yield Row(
            what=f"{what}: votes/s",
            peer=peer,
            unit="/s",
            ours=[outcome.rate for outcome in outcomes[count]],
            theirs=[outcome.rate for outcome in peers],
        )


def _of_sizes(outcomes: Mapping[int, list[Outcome]]) -> Iterator[Row]:
    """Each size of the category beside the smallest."""
    smallest, *others = SIZES
    for size in others:
        for which in ("p50", "p99"):
            yield Row(
                what=f"answer to a vote, closed loop, {FEW} at once, {size} tools in the category: "
                f"{which}",
                peer=f"{smallest} tools",
                unit="ms",
                ours=[getattr(outcome, which) for outcome in outcomes[size]],
                theirs=[getattr(outcome, which) for outcome in outcomes[smallest]],
                ratio=1 / 1.3,
                more_is_better=False,
            )
