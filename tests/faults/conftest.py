"""Servers, systems and seeds for tests under faults, and the table of figures at their end."""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from infra.embedded.kafka.jars import class_path
from infra.embedded.kafka.java import java
from infra.embedded.orphan_guardian import Guardian
from tests.faults.harness.brokers import Cluster, cluster
from tests.faults.harness.checks.oracle import Figures
from tests.faults.harness.copies import LENT, Servers
from tests.faults.harness.hostile.probe import ProbeFigures
from tests.faults.harness.system import System, fresh_database
from tests.faults.harness.taps import LostProduceAnswers

_FIGURES = pytest.StashKey[list[Figures]]()
_PROBES = pytest.StashKey[list[ProbeFigures]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seeds", type=int, default=1, help="schedules per fault")
    parser.addoption("--every-fault", action="store_true", help="also what takes long")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FIGURES] = []
    config.stash[_PROBES] = []
    config.addinivalue_line("markers", "long: a fault that only `make faults` has the time for")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:  # by way of `chances`, too
        # The options are unknown where the whole suite runs: then it is one schedule per fault.
        metafunc.parametrize("seed", range(metafunc.config.getoption("--seeds", 1)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--every-fault", False) or config.getoption("--seeds", 1) > 1:
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip("takes long: make faults"))


@pytest.fixture
def chances(seed: int, request: pytest.FixtureRequest) -> random.Random:
    """Decides everything that a schedule leaves open."""
    return random.Random(f"{request.function.__name__} {seed}")


@pytest.fixture(scope="session")
def lost_answers() -> LostProduceAnswers:
    return LostProduceAnswers(random.Random(0))


@pytest.fixture(scope="session")
def lent() -> Servers | None:
    """Servers that another run of the tests lends to this one."""
    text = os.environ.get(LENT)
    return msgspec.json.decode(text, type=Servers) if text else None


@pytest.fixture(scope="session")
def postgres(lent: Servers | None, request: pytest.FixtureRequest) -> str:
    """`postgresql://…` of the server that takes each test's database."""
    return lent.postgres if lent else request.getfixturevalue("database")


@pytest.fixture(scope="session")
def one_broker(
    lent: Servers | None,
    servers_folder: Path,
    guardian: Guardian,
    lost_answers: LostProduceAnswers,
) -> Iterator[Cluster]:
    """A single node, for faults that do not lie in the cluster."""
    if lent:
        yield Cluster([], lent.kafka, lent.proxied_kafka)
        return
    brokers = cluster(
        servers_folder / "one", 1, java(), class_path(servers_folder, lambda *_: None),
        guardian.spawn, lost_answers.tap,
    )  # fmt: skip
    brokers.start()
    yield brokers
    brokers.close()


@pytest.fixture(scope="session")
def started_brokers(servers_folder: Path, guardian: Guardian) -> Iterator[Cluster]:
    """Three nodes, of which each topic needs two."""
    brokers = cluster(
        servers_folder / "three", 3, java(), class_path(servers_folder, lambda *_: None),
        guardian.spawn,
    )  # fmt: skip
    brokers.start()
    yield brokers
    brokers.close()


@pytest.fixture
def three_brokers(started_brokers: Cluster) -> Iterator[Cluster]:
    """The three nodes, all of which run again after the test."""
    yield started_brokers
    started_brokers.repair()


@pytest.fixture
def make_system(
    servers_folder: Path, guardian: Guardian, postgres: str
) -> Iterator[Callable[[Cluster], System]]:
    with ExitStack() as stack:

        def make(brokers: Cluster) -> System:
            url = stack.enter_context(fresh_database(postgres))
            folder = servers_folder / url.rpartition("/")[2]
            folder.mkdir()
            system = System(brokers, url, folder, guardian.spawn)
            stack.callback(system.close)
            return system

        yield make


@pytest.fixture
def system(make_system: Callable[[Cluster], System], one_broker: Cluster) -> System:
    """A system on the single node."""
    return make_system(one_broker)


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[Figures], None]:
    """Print figures, and require that nothing was lost, doubled or made up."""

    def require_sound(figures: Figures) -> None:
        request.config.stash[_FIGURES].append(figures)
        print(figures)
        assert figures.sound, figures

    return require_sound


@pytest.fixture
def report_probe(request: pytest.FixtureRequest) -> Callable[[ProbeFigures], None]:
    """Print a probe's figures, and require that it was answered every time, and soon."""

    def require_sound(figures: ProbeFigures) -> None:
        request.config.stash[_PROBES].append(figures)
        print(figures)
        assert figures.sound, figures

    return require_sound


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    _summarize_faults(terminalreporter, config.stash.get(_FIGURES, []))
    _summarize_probes(terminalreporter, config.stash.get(_PROBES, []))


def _summarize_faults(terminalreporter: Any, all_figures: list[Figures]) -> None:
    if not all_figures:
        return
    terminalreporter.section("faults")
    columns = ("sent", "acknowledged", "rejected", "unknown", "applied", "lost", "doubled")
    heading = " ".join(f"{name:>12}" for name in (*columns, "recovered"))
    terminalreporter.write_line(f"{'fault':<34}{heading}")
    for figures in all_figures:
        numbers = " ".join(f"{getattr(figures, name):>12}" for name in columns)
        line = f"{figures.fault:<34}{numbers} {figures.seconds:>10.1f} s  {figures.note}"
        terminalreporter.write_line(line.rstrip())


def _summarize_probes(terminalreporter: Any, all_figures: list[ProbeFigures]) -> None:
    """One vote and one page every 250 ms: how many were answered, and in which time."""
    if not all_figures:
        return
    terminalreporter.section("floods")
    columns = ("sent", "answered", "p50", "p99", "max", "p99 votes", "p99 pages")
    heading = " ".join(f"{name:>10}" for name in columns)
    terminalreporter.write_line(f"{'flood':<24}{heading}")
    for figures in all_figures:
        seconds = (figures.p50, figures.p99, figures.longest, figures.p99_votes, figures.p99_pages)
        numbers = " ".join(f"{number:>10}" for number in (figures.sent, figures.answered))
        numbers += "".join(f"{value * 1000:>8.0f} ms" for value in seconds)
        terminalreporter.write_line(f"{figures.flood:<24}{numbers}  {figures.note}".rstrip())
