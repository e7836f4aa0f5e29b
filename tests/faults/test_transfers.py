"""The API is killed in the middle of handing a voter's votes over to an account."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest

from schemas.events import VoteCast, VoteRetracted
from schemas.topics import EVENT_PARTITIONS, VOTES
from tests.faults.harness.checks import oracle
from tests.faults.harness.checks.oracle import Figures
from tests.faults.harness.content import TOOLS, catalog_events
from tests.faults.harness.system import System
from tests.faults.harness.taps import LostProduceAnswers
from tests.harness.services import Service
from tests.harness.waiting import Stopwatch, wait_until

Report = Callable[[Figures], None]
POINTS = ["before it reads the votes", "handed over", "taken back", "applied"]
ADDRESS = "reader@example.com"
_VOTE_PARTITIONS = [each for each in EVENT_PARTITIONS if each[0] == VOTES.name]


@pytest.mark.parametrize("point", [POINTS[1], *(
    pytest.param(point, marks=pytest.mark.long) for point in POINTS if point != POINTS[1]
)])  # fmt: skip
def test_a_transfer_whose_api_is_killed_goes_on_and_counts_each_vote_once(
    chances: random.Random,
    system: System,
    lost_answers: LostProduceAnswers,
    report: Report,
    point: str,
) -> None:
    client = system.log_client()
    client.send(catalog_events())
    worker = system.worker()
    api, url = system.api(variables={"VERDICTS_PUBLIC_URL": ""})
    system.caught_up()
    with httpx.Client(base_url=url, headers={"Origin": url}, trust_env=False) as browser:
        choices = _vote(browser, chances)
        system.caught_up()
        path = _mailed_path(system, browser)
        with _at(point, system, worker, lost_answers) as is_reached:
            signing_in = threading.Thread(target=_sign_in, args=(browser, path))
            signing_in.start()
            wait_until(f"the transfer is at: {point}", is_reached)
            api.kill()
            signing_in.join()
        watch = Stopwatch()
        api.start()
        _wait_until_transferred(system)
        system.caught_up()
        seconds = watch.seconds
    heirs = system.number("select count(distinct voter) from ballots where choice in (1, 2)")
    cast = system.number("select count(*) from ballots where choice in (1, 2)")
    assert (heirs, cast) == (1, len(choices))
    assert system.number("select sum(ship + skip) from tallies") == len(choices)
    events = _events(system)
    assert set(events.values()) == {1}
    assert len(events) == 3 * len(choices)  # cast, cast for the account, taken back
    report(system.judged("API killed in a transfer", seconds, point))


def _vote(browser: httpx.Client, chances: random.Random) -> dict[str, str]:
    choices = {
        tool: chances.choice(("ship", "skip")) for tool in chances.sample(TOOLS, min(8, len(TOOLS)))
    }
    for tool, choice in choices.items():
        answer = browser.put(f"/v1/tools/{tool}/vote", json={"choice": choice})
        assert answer.status_code == 200, answer.text
    return choices


def _mailed_path(system: System, browser: httpx.Client) -> str:
    assert browser.post("/v1/sign-in", json={"email": ADDRESS}).status_code == 202
    with system.connection() as connection:
        row = connection.execute(
            "select fields->>'path' from verdicts.outgoing_mail where kind = 'sign-in'"
        ).fetchone()
    assert row
    return str(row[0])


def _sign_in(browser: httpx.Client, path: str) -> None:
    with suppress(httpx.TransportError):  # the API is killed before it answers
        browser.post("/sign-in/", data={"token": path.partition("=")[2]}, timeout=30)


@contextmanager
def _at(
    point: str, system: System, worker: Service, lost_answers: LostProduceAnswers
) -> Iterator[Callable[[], bool]]:
    """Hold a transfer at a point; gives what says whether it is there."""
    before = _on_log(system)
    if point == "before it reads the votes":
        with system.locked("lock table ballots in access exclusive mode"):
            yield lambda: system.blocked("verdicts%", "%ballots%") > 0
    elif point == "handed over":
        # The broker has what the account gets, and the API never hears of it.
        lost_answers.chance = 1.0
        try:
            yield lambda: _on_log(system) > before
        finally:
            lost_answers.chance = 0.0
    else:
        worker.pause()
        if point == "taken back":
            yield lambda: _on_log(system) >= before + 2 * _ballots(system)
            worker.resume()
        else:
            yield from _before_the_end(system, worker, before)


def _before_the_end(system: System, worker: Service, before: int) -> Iterator[Callable[[], bool]]:
    """All is applied, and the transfer's row cannot be deleted."""
    goal = before + 2 * _ballots(system)

    def is_locked() -> bool:
        return _on_log(system) >= goal

    with system.connection() as connection:
        locked = threading.Event()

        def is_there() -> bool:
            if not locked.is_set() and is_locked():
                connection.execute("begin")
                connection.execute("select from verdicts.transfers for update")
                locked.set()
                worker.resume()
            return locked.is_set() and system.blocked("verdicts%", "%verdicts.transfers%") > 0

        yield is_there
        connection.execute("rollback")


def _on_log(system: System) -> int:
    return sum(system.log.ends(_VOTE_PARTITIONS).values())


def _ballots(system: System) -> int:
    return system.number("select count(*) from ballots where choice in (1, 2)")


def _wait_until_transferred(system: System) -> None:
    wait_until(
        "no transfer is left",
        lambda: system.number("select count(*) from verdicts.transfers") == 0,
    )


def _events(system: System) -> Counter[tuple[str, str, str]]:
    """Events by kind, voter and tool; one that is written again is the same event."""
    events = {
        (entry.event.type, entry.event.data.voter, entry.event.data.tool, entry.event.id)
        for entry in oracle.read_log(system.settings)
        if entry.event and isinstance(entry.event.data, VoteCast | VoteRetracted)
    }
    return Counter(event[:3] for event in events)
