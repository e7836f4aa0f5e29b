"""`/docs` in Chromium: readable on phones and desktops, in both color schemes."""

from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from streams.api.openapi.document import document
from tests.harness.chromium import launched
from tests.streams.api.conftest import FakeApi

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def html() -> str:
    api = FakeApi()
    with api.client:
        return api.client.get("/docs").text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_docs_fit_the_window_and_axe_finds_nothing(
    browser: Browser, html: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_content(html)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert Axe().run(page).response["violations"] == []
    context.close()


def test_the_contents_lead_to_every_group_of_operations(browser: Browser, html: str) -> None:
    page = browser.new_page()
    page.set_content(html)
    for tag in document()["tags"]:
        link = page.get_by_role("navigation").get_by_role("link", name=tag["name"], exact=True)
        target = page.locator(str(link.get_attribute("href")))
        assert target.inner_text() == tag["name"]
