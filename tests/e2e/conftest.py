"""One system for the tests here; every test brings its own tools and its own people."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.e2e.system import System, open_to_all
from tests.harness.chromium import launched
from tests.harness.distribution import shared_by
from tests.harness.examples import a_category, a_listing

expect.set_options(timeout=15_000)
_numbers = itertools.count(1)


class SharedSystem:
    """A system that runs from its first use until `end`, and again from the next one."""

    def __init__(self) -> None:
        self._running: System | None = None
        self._ends = ExitStack()

    def started(self) -> System:
        if self._running is None:
            self._running = self._ends.enter_context(open_to_all())
        return self._running

    def end(self) -> None:
        self._running = None
        self._ends.close()


_SHARED = pytest.StashKey[SharedSystem]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_SHARED] = SharedSystem()
    config.add_cleanup(config.stash[_SHARED].end)


@pytest.fixture(scope="module")
def system(pytestconfig: pytest.Config) -> System:
    """A running system that began with an empty log; modules that run in a row share it.

    It takes any number of votes and new voters, since all of them come from one network.
    """
    return pytestconfig.stash[_SHARED].started()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the system behind the last module that shares it: it is busy also while it waits."""
    if nextitem is None or shared_by(nextitem.nodeid) != shared_by(item.nodeid):
        item.config.stash[_SHARED].end()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as chromium:
        yield chromium


class Pair(NamedTuple):
    """Two tools of a category of their own, and where they are compared."""

    category: str
    one: str
    other: str

    @property
    def path(self) -> str:
        return f"/compare/{self.one}-vs-{self.other}/"


@pytest.fixture
def pair(system: System) -> Pair:
    """Two listed tools that no other test knows; their pages stand."""
    number = next(_numbers)
    pair = Pair(f"category-{number}", f"first-{number}", f"second-{number}")
    system.send(
        a_category(pair.category, f"Category {number}"),
        a_listing(pair.one, f"First {number}", pair.category),
        a_listing(pair.other, f"Second {number}", pair.category),
    )
    for path in (f"/tools/{pair.one}/", f"/tools/{pair.other}/", pair.path):
        system.await_file(path)
    system.await_file(f"/categories/{pair.category}/rankings/", f"Second {number}")
    system.await_file(f"/categories/{pair.category}/", f"Second {number}")
    return pair


Arrive = Callable[..., Page]


@pytest.fixture
def arrive(browser: Browser, system: System) -> Iterator[Arrive]:
    """Brings a new person: a page in a browser context of its own, at a path of the site.

    Afterwards no page may have complained: no error of a script, nothing that the security policy
    refused.
    """
    contexts, complaints = [], []

    def heard(message: ConsoleMessage) -> None:
        # An answer that is no 2xx is for the test to judge.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            complaints.append(message.text)

    def bring(path: str, **options: Any) -> Page:
        context = browser.new_context(base_url=system.url, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield bring
    for context in contexts:
        context.close()
    assert complaints == []
