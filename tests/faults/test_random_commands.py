"""The running system under random commands, against what the contract says of the same history."""

import random
from collections.abc import Callable
from itertools import count
from typing import Any

import httpx
import hypothesis
import msgspec
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from infra.kafka.codec import Codec
from projections import generations
from schemas.events import DigestFrozen, Event
from schemas.records import Choice
from streams.rebuild import service
from tests.faults.harness.checks.ledger import Ledger
from tests.faults.harness.checks.oracle import Figures
from tests.faults.harness.checks.subscriber import require_faithful_changes
from tests.faults.harness.clients import HttpClient
from tests.faults.harness.system import System
from tests.harness.examples import (
    a_bookmark,
    a_category,
    a_digest,
    a_listing,
    a_removed_bookmark,
    a_retirement,
    a_retracted_review,
    a_retracted_vote,
    a_review,
    a_reviewer,
    a_vote,
)
from tests.harness.services import Service
from tests.harness.waiting import Stopwatch
from tests.projections.reference import Reference

Report = Callable[[Figures], None]
STEPS = 25
# The subjects of histories; each run of the machine has its own, so that one system does for all.
_SUBJECTS = ("tool", "category", "reviewer")


def test_a_system_under_random_commands_is_what_the_contract_says(
    seed: int, system: System, report: Report
) -> None:
    machine = _machine(system, seed)
    run_state_machine_as_test(
        hypothesis.seed(seed)(machine),
        settings=hypothesis.settings(
            max_examples=2, stateful_step_count=STEPS, deadline=None, database=None,
            phases=[Phase.generate], suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )  # fmt: skip
    watch = Stopwatch()
    system.caught_up()
    require_faithful_changes(system)
    assert machine.sent > 0
    judged = system.judged("random commands", watch.seconds, f"in {machine.commands} requests")
    report(_with_counts(judged, machine.sent, system.applied))


def _with_counts(figures: Figures, sent: int, applied: int) -> Figures:
    """What was counted in place of what a ledger knows: every request was acknowledged."""
    lost = figures.lost + max(0, sent - applied)
    return msgspec.structs.replace(
        figures, sent=sent, acknowledged=sent, applied=applied, lost=lost
    )


def _machine(system: System, seed: int) -> Any:
    """A machine whose runs share one system."""
    _, url = system.api()
    # Ids collide here on purpose, so the ledger, which goes by ids, stays out of it.
    client, worker = system.http_client(url, Ledger()), system.worker()

    class Machine(Commands):
        def __init__(self) -> None:
            super().__init__(system, url, client, worker)

    Commands.runs = count(1000 * seed)
    return Machine


class Commands(RuleBasedStateMachine):
    """Sends, repeats, kills, rebuilds; and compares."""

    runs = count()
    commands, sent = 0, 0

    def __init__(self, system: System, url: str, client: HttpClient, worker: Service) -> None:
        super().__init__()
        self.system, self.url, self.client, self.worker = system, url, client, worker
        self.run = next(self.runs)
        self.chances = random.Random(self.run)
        self.history: list[Event] = []

    @initialize(number=st.integers(1, 500))
    def begin(self, number: int) -> None:
        self.send(number)

    @rule(number=st.integers(1, 20))
    def send_some(self, number: int) -> None:
        self.send(number)

    def send(self, number: int) -> None:
        self._send([self._own(_an_event(self.chances)) for _ in range(number)])

    @rule(number=st.integers(1, 500))
    def send_many(self, number: int) -> None:
        self.send(number)

    @precondition(lambda self: self.history)
    @rule(number=st.integers(1, 20))
    def send_again(self, number: int) -> None:
        self._send(self.chances.choices(self.history, k=number))

    @rule()
    def kill_the_worker(self) -> None:
        self.worker.kill()
        self.worker.start()

    @rule(promoted=st.booleans())
    def rebuild(self, promoted: bool) -> None:
        system, codec = self.system, Codec()
        name = service.create(system.engine)
        service.rebuild(system.settings, system.engine, codec, name, lambda *_: None)
        if promoted:
            service.promote(system.settings, system.engine, codec, name)
        with system.engine.begin() as connection:
            for generation in generations.list_names(connection):
                if generation != generations.find_live(connection):
                    generations.drop(connection, generation)

    @rule()
    def compare(self) -> None:
        self.system.caught_up()
        reference = Reference(self.history)
        tools = {getattr(event.data, "tool", "") for event in self.history} - {""}
        for tool in sorted(tools):
            answer = httpx.get(f"{self.url}/v1/tools/{tool}", trust_env=False)
            wanted = reference.tool(tool)
            if wanted is None:
                assert answer.status_code == 404
            else:
                assert _plain(answer.json()) == msgspec.json.decode(msgspec.json.encode(wanted))

    def teardown(self) -> None:
        self.compare()

    def _send(self, events: list[Event]) -> None:
        type(self).commands += 1
        type(self).sent += len(events)
        ours = [event for event in events if not isinstance(event.data, DigestFrozen)]
        if ours:
            self.client.send_until_acknowledged(ours)
        weeks = [event for event in events if isinstance(event.data, DigestFrozen)]
        self.system.log_client(Ledger()).send(weeks)
        self.history += events

    def _own(self, event: Event) -> Event:
        """The event about subjects of this run alone."""
        own = {
            name: f"{getattr(event.data, name)}-{self.run}"
            for name in _SUBJECTS
            if hasattr(event.data, name)
        }
        if isinstance(event.data, DigestFrozen):
            own = {"week": f"{1900 + self.run % 1000}-W01"}
        return msgspec.structs.replace(event, data=msgspec.structs.replace(event.data, **own))


def _an_event(chances: random.Random) -> Event:
    """Any event; times, ids and subjects collide as often as they can."""
    tool, voter = chances.choice(("ant", "bee")), chances.choice(("v", "w", "é"))
    reviewer, category = chances.choice(("ann", "bob")), chances.choice(("insects", "pets"))
    choice: Choice = chances.choice(("ship", "skip"))
    when: dict[str, Any] = {
        "time": chances.choice((-5, 1, 2, 3_000_000)),
        "id": chances.choice(("a", "B", "\uffff", "😀")),
    }
    makers: list[Callable[[], Event]] = [
        lambda: a_category(category, chances.choice(("One", "Two")), **when),
        lambda: a_listing(tool, chances.choice(("Ant", "Emmet")), category, **when),
        lambda: a_listing(tool, "Listed", category, **when),
        lambda: a_retirement(tool, chances.choice(("Closed.", "Sold.")), **when),
        lambda: a_reviewer(reviewer, chances.choice(("Ann", "Bob")), **when),
        lambda: a_review(chances.randrange(101), choice, tool=tool, reviewer=reviewer, **when),
        lambda: a_retracted_review(tool=tool, reviewer=reviewer, **when),
        lambda: a_vote(choice, tool=tool, voter=voter, **when),
        lambda: a_retracted_vote(tool=tool, voter=voter, **when),
        lambda: a_bookmark(tool=tool, voter=voter, **when),
        lambda: a_removed_bookmark(tool=tool, voter=voter, **when),
        lambda: a_digest(digest=chances.choice(("one", "two")), **when),
    ]
    return chances.choice(makers)()


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    record.pop("version")
    return record
