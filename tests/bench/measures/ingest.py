"""Acknowledged votes and events a second over HTTP, against the same producer with less around it.

No worker runs meanwhile: what is measured is the way from a request to the broker's word.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import msgspec
import psycopg
from confluent_kafka.admin import AdminClient, NewTopic

from infra.postgres.engine import create_engine
from projections.private.tokens import create
from schemas.time.instants import rfc3339
from schemas.topics import VOTES
from streams.api.auth.voter_cookie import Voter, VoterCookies
from tests.bench.load.closed import Outcome, Plan
from tests.bench.load.wire import request
from tests.bench.peers import BARE_TOPIC
from tests.bench.services import RUN_SECONDS, Environment, output_of, records, running, serving
from tests.bench.stage import KEYS, TOOLS, Stage, fill, votes
from tests.bench.table import Row
from tests.harness.waiting import wait_until

CONNECTIONS, EDITORS, BATCH = 256, 8, 500
WARM_SECONDS = 2.0
BATCHES = 5


def rows(stage: Stage, seconds: float, runs: int) -> Iterator[Row]:
    """Measure votes of browsers, then batches of a gateway."""
    environment = _prepared(stage)
    with ExitStack() as stack:
        api = stack.enter_context(serving(["infra.cli", "api"], environment, "/readyz"))
        bare = stack.enter_context(
            serving(["tests.bench.peers.bare_route"], environment, "/readyz")
        )
        yield from _of_browsers(environment, api, bare, seconds, runs)
        yield _of_gateways(environment, api, seconds, runs)


def _prepared(stage: Stage) -> Environment:
    """A database that knows the tools, and the topic of the bare route."""
    fill(stage, 0, 1)
    environment = stage.migrated()
    admin = AdminClient({"bootstrap.servers": stage.kafka})
    admin.create_topics([NewTopic(BARE_TOPIC, VOTES.partitions, 1)])[BARE_TOPIC].result()
    with (
        running(["infra.cli", "worker"], environment),
        psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection,
    ):
        listed = b"select count(*) = %s from projections_1.tools"
        wait_until(
            "tools are listed",
            lambda: connection.execute(listed, [TOOLS]).fetchone() == (True,),
            seconds=RUN_SECONDS,
        )
    return environment


def _of_browsers(
    environment: Environment, api: int, bare: int, seconds: float, runs: int
) -> Iterator[Row]:
    what = (
        f"votes/s acknowledged over HTTP, cookie, origin and validation, {CONNECTIONS} connections"
    )
    peer = "bare Starlette route, the same producer and server"
    rate = Row(what=what, peer=peer, unit="/s", ratio=0.8)
    p50 = Row(what=f"{what}: p50", peer=peer, unit="ms", more_is_better=False)
    p99 = Row(what=f"{what}: p99", peer=peer, unit="ms", below=60, more_is_better=False)
    slugs = [f"tool-{tool}" for tool in range(TOOLS)]
    scripts = [script_of(number, slugs, first=number) for number in range(CONNECTIONS)]
    for _ in range(runs):
        ours = driven(environment, VOTES.name, Plan(api, scripts, WARM_SECONDS, seconds), 200)
        theirs = driven(environment, BARE_TOPIC, Plan(bare, scripts, WARM_SECONDS, seconds), 200)
        for row, our_figure, their_figure in zip(
            (rate, p50, p99), _figures(ours), _figures(theirs), strict=True
        ):
            row.ours.append(our_figure)
            row.theirs.append(their_figure)
    yield from (rate, p50, p99)


def _figures(outcome: Outcome) -> tuple[float, float, float]:
    return outcome.rate, outcome.p50, outcome.p99


def script_of(number: int, slugs: Sequence[str], first: int) -> list[str]:
    """What one browser sends: a vote for each tool in turn, always with the same cookie.

    Args:
        number: Of the browser.
        slugs: The tools; each browser begins with another.
        first: Even where the first vote is for ship, odd for skip; the next is the other one.
    """
    voters = VoterCookies([KEYS["VERDICTS_SECRET_KEY"]], KEYS["VERDICTS_VOTER_KEY"], secure=False)
    cookie = voters.set_cookie(Voter(f"{number:022d}", 0)).partition(";")[0]
    headers = {
        "host": "127.0.0.1",
        "origin": "http://127.0.0.1",
        "sec-fetch-site": "same-origin",
        "content-type": "application/json",
        "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "accept": "application/json",
        "cookie": cookie,
    }
    choices = ("ship", "skip")
    return [
        request(
            "PUT",
            f"/v1/tools/{slugs[(number + turn) % len(slugs)]}/vote",
            msgspec.json.encode({"choice": choices[(first + turn) % 2]}),
            headers,
        ).decode()
        for turn in range(len(slugs))
    ]


def _of_gateways(environment: Environment, api: int, seconds: float, runs: int) -> Row:
    what = f"events/s acknowledged over HTTP in batches of {BATCH}, {EDITORS} connections"
    peer = "raw confluent-kafka producer, finished records"
    row = Row(what=what, peer=peer, unit="/s", ratio=0.25)
    with create_engine(environment["DATABASE_URL"]).begin() as connection:
        token = create(connection, name="bench", role="gateway").text
    batches = _batches(token)
    scripts = [batches[number::EDITORS] for number in range(EDITORS)]
    for _ in range(runs):
        plan = Plan(api, scripts, WARM_SECONDS / 2, seconds)
        row.ours.append(BATCH * driven(environment, VOTES.name, plan, 202, BATCH).rate)
        row.theirs.append(_raw_rate(environment))
    return row


def _batches(token: str) -> list[str]:
    headers = {
        "host": "127.0.0.1",
        "authorization": f"Bearer {token}",
        "content-type": "application/cloudevents-batch+json",
    }
    cast = list(votes(EDITORS * BATCHES * BATCH, EDITORS * BATCHES * BATCH))
    events = [
        {
            "specversion": "1.0",
            "id": vote.id,
            "source": "/bench",
            "type": vote.type,
            "time": rfc3339(vote.time),
            "data": vote.data,
        }
        for vote in cast
    ]
    return [
        request(
            "POST", "/v1/events", msgspec.json.encode(events[at : at + BATCH]), headers
        ).decode()
        for at in range(0, len(events), BATCH)
    ]


def _raw_rate(environment: Environment) -> float:
    output = output_of("tests.bench.peers.raw_producer", "400000", environment=environment)
    match = re.search(r"^RATE ([\d.]+)$", output, re.MULTILINE)
    assert match, output
    return float(match[1])


def driven(
    environment: Environment, topic: str, plan: Plan, wanted: int, events: int = 1
) -> Outcome:
    """Run a plan. Every answer must be the wanted one, and the log have each event just once."""
    before = records(environment, topic)
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load.closed"],
        input=msgspec.json.encode(plan),
        stdout=subprocess.PIPE,
        check=True,
    )
    outcome = msgspec.json.decode(done.stdout, type=Outcome)
    if set(outcome.statuses) != {wanted}:
        raise AssertionError(f"not every answer was {wanted}: {outcome.statuses}")
    sent, written = events * outcome.statuses[wanted], records(environment, topic) - before
    if sent != written:
        raise AssertionError(f"{sent} events were acknowledged, {written} are on the log")
    return outcome
