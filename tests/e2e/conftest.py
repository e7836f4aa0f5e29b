"""One system for all the tests here; every test brings its own tools and its own people."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.e2e.system import System, running_system
from tests.harness.chromium import launched
from tests.harness.examples import a_category, a_listing

expect.set_options(timeout=15_000)
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """A running system that began with an empty log."""
    with running_system() as system:
        yield system


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
