"""Floods of one address beside an ordinary reader, who is answered every time."""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import msgspec
import pytest

from tests.faults.harness.hostile.live_site import STEADY_TOOL, LiveSite
from tests.faults.harness.hostile.probe import ProbeFigures
from tests.harness.examples import a_category, a_listing
from tests.harness.services import Service, python
from tests.harness.waiting import wait_until

ReportProbe = Callable[[ProbeFigures], None]

ROUNDS = 120
"""Votes, and as many pages, beside one flood: half a minute."""
FEW_ROUNDS = 20
MANY_TOOLS, TOOLS_IN_A_CATEGORY = 1000, 4
"""Many small categories, so that the number of comparisons stays small."""


class Flood(NamedTuple):
    """A flood of `floods.Flood`, by the name of its method, and how many clients."""

    name: str
    clients: int

    @property
    def title(self) -> str:
        return f"{self.clients:,} {self.name.replace('_', ' ')}"


SILENT = Flood("silent", 6200)
STREAMS = Flood("streams", 4100)
ONE_VOTER = Flood("one_voter", 400)
SLOW_HEADS = Flood("slow_head", 1000)
SLOW_BODIES = Flood("slow_body", 1000)
SEARCHING = Flood("searching", 16)
UNKNOWN_TOOLS = Flood("unknown_tools", 16)


def test_a_thousand_silent_connections_keep_nobody_from_an_answer(
    live: LiveSite, report_probe: ReportProbe
) -> None:
    report_probe(probe_beside(Flood("silent", 1000), live, FEW_ROUNDS))


@pytest.mark.long
def test_without_a_flood_everybody_is_answered(live: LiveSite, report_probe: ReportProbe) -> None:
    """What the machine itself takes, to compare the others with."""
    report_probe(msgspec.structs.replace(run_probe(live, ROUNDS), flood="no flood"))


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "flood",
    [SILENT, STREAMS, ONE_VOTER, SLOW_HEADS, SLOW_BODIES, UNKNOWN_TOOLS],
    ids=lambda flood: flood.name,
)
def test_a_flood_keeps_nobody_from_an_answer(
    flood: Flood, live: LiveSite, report_probe: ReportProbe
) -> None:
    report_probe(probe_beside(flood, live, ROUNDS))
    live.require_well()


@pytest.mark.long
@pytest.mark.timeout(600)
def test_searches_among_a_thousand_tools_keep_nobody_from_an_answer(
    live: LiveSite, report_probe: ReportProbe
) -> None:
    list_many_tools(live)
    report_probe(probe_beside(SEARCHING, live, ROUNDS))
    live.require_well()


def list_many_tools(live: LiveSite) -> None:
    """List tools until there are a thousand, and wait for their pages."""
    client = live.system.http_client(live.url)
    categories = range(MANY_TOOLS // TOOLS_IN_A_CATEGORY)
    client.send_until_acknowledged(
        [
            a_category(f"many-{number}", f"Many {number}", id=f"many-{number}")
            for number in categories
        ]
    )
    listings = [
        a_listing(
            f"many-tool-{number}",
            f"Vision tool {number}",
            f"many-{number // TOOLS_IN_A_CATEGORY}",
            tagline=f"Fast vision for case {number} of many.",
            id=f"many-tool-{number}",
        )
        for number in range(MANY_TOOLS)
    ]
    for begin in range(0, MANY_TOOLS, 250):
        client.send_until_acknowledged(listings[begin : begin + 250])
    live.wait_for_pages(seconds=300)


def probe_beside(flood: Flood, live: LiveSite, rounds: int) -> ProbeFigures:
    """The figures of an ordinary reader while the flood runs."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < flood.clients + 1000:
        pytest.skip(f"the hard limit of open files is {hard}: raise it (ulimit -Hn)")
    argument = live.system.token if flood.name == "slow_body" else live.cookies[-1]
    with client(live, "floods", flood.name, live.port, flood.clients, argument) as flooding:
        wait_until("the flood is complete", lambda: "ready" in flooding.logged)
        figures = run_probe(live, rounds)
        assert flooding.running, flooding.tail
        flooding.stop()
    return msgspec.structs.replace(figures, flood=flood.title, note=last_line(flooding))


def run_probe(live: LiveSite, rounds: int) -> ProbeFigures:
    """The figures of an ordinary reader."""
    with client(live, "probe", live.port, rounds, STEADY_TOOL, *live.cookies[1:-1]) as probing:
        wait_until("the probe has ended", lambda: not probing.running, seconds=150)
    assert probing.process.wait() == 0, probing.tail
    return msgspec.json.decode(last_line(probing), type=ProbeFigures)


@contextmanager
def client(live: LiveSite, module: str, *arguments: object) -> Iterator[Service]:
    """A client of the site as a process of its own."""
    command = python(f"tests.faults.harness.hostile.{module}", *map(str, arguments))
    log = live.system.folder / "logs" / f"{module}-{time.monotonic_ns()}.log"
    process = Service(command, {}, log, live.spawn).start()
    try:
        yield process
    finally:
        process.kill()


def last_line(process: Service) -> str:
    """The last line that a process printed."""
    return process.logged.splitlines()[-1]
