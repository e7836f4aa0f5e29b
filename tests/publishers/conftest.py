"""A browser on the sample site, and a site builder on a folder of its own.

See `tests.publishers.browsing` and `tests.publishers.builder_fixture`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy import Engine

from tests.harness import chromium
from tests.publishers.browsing import COMPARISON, SITE, Api
from tests.publishers.builder_fixture import BuilderFixture

Visit = Callable[..., Page]
OFFLINE = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium. Not kept for longer: it keeps an event loop running in this thread."""
    program = chromium.find()
    assert program, "No Chromium was found: set CHROMIUM to one, or run make test."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=OFFLINE)
        yield browser
        browser.close()


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def visit(browser: Browser, api: Api) -> Iterator[Visit]:
    """Opens a path in a window of its own, and in the end looks whether a script failed."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_page(path: str, **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        context.route("**/*", api.serve)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(SITE + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults


@pytest.fixture
def page(visit: Visit) -> Page:
    return visit(COMPARISON)


@pytest.fixture
def site(projected: Engine, tmp_path: Path) -> BuilderFixture:
    """A site builder that has built the site of no tools."""
    fixture = BuilderFixture(projected, tmp_path / "site")
    fixture.builder.build_all()
    return fixture
