"""The running system under random commands, against what the contract says of the same history."""

from collections.abc import Callable
from itertools import count
from typing import Any

import httpx
import hypothesis
import msgspec
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from infra.codec import Codec
from projections import generations
from schemas.events import DigestFrozen, Event
from streams import rebuilding
from tests.faults.harness.clients import HttpClient
from tests.faults.harness.ledger import Ledger
from tests.faults.harness.oracle import Figures
from tests.faults.harness.services import Service
from tests.faults.harness.subscriber import require_faithful_changes
from tests.faults.harness.system import System
from tests.faults.harness.waiting import Stopwatch
from tests.projections.histories import histories
from tests.projections.reference import Reference

Report = Callable[[Figures], None]
STEPS = 15
# The subjects of histories; each run of the machine has its own, so that one system does for all.
_SUBJECTS = ("tool", "category", "reviewer")


def test_a_system_under_random_commands_is_what_the_contract_says(
    seed: int, system: System, report: Report
) -> None:
    machine = _machine(system)
    run_state_machine_as_test(
        hypothesis.seed(seed)(machine),
        settings=hypothesis.settings(
            max_examples=3, stateful_step_count=STEPS, deadline=None, database=None,
            phases=[Phase.generate], suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )  # fmt: skip
    watch = Stopwatch()
    system.caught_up()
    require_faithful_changes(system)
    note = f"{machine.sent} events in {machine.commands} requests"
    report(system.judged("random commands", watch.seconds, note))


def _machine(system: System) -> Any:
    """A machine whose runs share one system."""
    _, url = system.api()
    # Ids collide here on purpose, so the ledger, which goes by ids, stays out of it.
    client, worker = system.http_client(url, Ledger()), system.worker()

    class Machine(Commands):
        def __init__(self) -> None:
            super().__init__(system, url, client, worker)

    Commands.runs = count()
    return Machine


class Commands(RuleBasedStateMachine):
    """Sends, repeats, kills, rebuilds; and compares."""

    runs = count()
    commands, sent = 0, 0

    def __init__(self, system: System, url: str, client: HttpClient, worker: Service) -> None:
        super().__init__()
        self.system, self.url, self.client, self.worker = system, url, client, worker
        self.run = next(self.runs)
        self.history: list[Event] = []

    @rule(events=histories(12))
    def send(self, events: list[Event]) -> None:
        self._send([self._own(event) for event in events])

    @rule(chances=st.randoms(use_true_random=False))
    def send_again(self, chances: Any) -> None:
        self._send(chances.choices(self.history, k=5) if self.history else [])

    @rule()
    def kill_the_worker(self) -> None:
        self.worker.kill()
        self.worker.start()

    @rule(promoted=st.booleans())
    def rebuild(self, promoted: bool) -> None:
        system, codec = self.system, Codec()
        name = rebuilding.rebuild(system.settings, system.engine, codec, lambda *_: None)
        if promoted:
            rebuilding.promote(system.settings, system.engine, codec, name)
        with system.engine.begin() as connection:
            for one in generations.names(connection):
                if one != generations.live(connection):
                    generations.drop(connection, one)

    @rule()
    def compare(self) -> None:
        self.system.caught_up()
        reference = Reference(self.history)
        tools = {getattr(event.data, "tool", None) for event in self.history} - {None}
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
            own = {"week": f"{2000 + self.run}-W01"}
        return msgspec.structs.replace(event, data=msgspec.structs.replace(event.data, **own))


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    record.pop("version")
    return record
