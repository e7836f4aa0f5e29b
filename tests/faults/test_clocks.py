"""Fault 17: clocks that are off by an hour."""

import random
from collections.abc import Callable

import httpx

from schemas.events import VoteCast
from streams.api.ingest.event_clock import now
from tests.faults.harness.checks.ledger import Outcome
from tests.faults.harness.checks.oracle import Figures
from tests.faults.harness.checks.subscriber import require_faithful_changes
from tests.faults.harness.content import TOOLS, catalog_events
from tests.faults.harness.system import System
from tests.harness.examples import SECOND, a_vote
from tests.harness.waiting import wait_until

Report = Callable[[Figures], None]
OFF_SECONDS = 3600.0


def test_with_clocks_an_hour_off_the_law_of_the_log_holds(
    chances: random.Random, system: System, report: Report
) -> None:
    """One API is an hour behind, another an hour ahead; the worker is ahead, too."""
    (_, behind), (_, ahead) = system.api(clock_off=-OFF_SECONDS), system.api(clock_off=OFF_SECONDS)
    client = system.http_client(behind)
    client.send_until_acknowledged(catalog_events())
    system.worker(clock_off=OFF_SECONDS)
    system.caught_up()
    wait_until("both know the tools", lambda: all(_knows(url, TOOLS[0]) for url in (behind, ahead)))

    # Votes that the servers stamp: an hour's difference decides, whichever came first.
    clients = [client, system.http_client(ahead)]
    for _ in range(30):
        chances.choice(clients).send_unstamped(_a_vote(chances))
    # What lies ahead of a server's own clock is refused, and counts nowhere.
    late = a_vote(tool=TOOLS[1], voter="late", time=now() + 600 * SECOND, id="an-hour-ahead")
    client.send([late])
    assert system.ledger.outcome(late.id) is Outcome.REJECTED
    # A browser's stamps go on from its last one, whichever server it meets.
    browser = httpx.Client(trust_env=False)
    for url, choice in ((ahead, "ship"), (behind, "skip"), (ahead, "ship"), (behind, "skip")):
        answer = browser.put(
            f"{url}/v1/tools/{TOOLS[5]}/vote", json={"choice": choice}, headers={"origin": url}
        )
        assert answer.status_code == 200, answer.text
    browser.close()
    seconds = system.caught_up()
    tally = httpx.get(f"{behind}/v1/tools/{TOOLS[5]}", trust_env=False).json()["community"]
    assert (tally["ship"], tally["skip"]) == (0, 1)
    require_faithful_changes(system)
    report(system.judged("17 clocks an hour off", seconds))


def _knows(url: str, tool: str) -> bool:
    return httpx.get(f"{url}/v1/tools/{tool}", trust_env=False).status_code == 200


def _a_vote(chances: random.Random) -> VoteCast:
    voter = f"unstamped-{chances.randrange(5)}"
    return VoteCast(chances.choice(TOOLS[:5]), voter, chances.choice(("ship", "skip")))
