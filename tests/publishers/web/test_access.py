"""Pages for everyone: what axe finds, the keyboard alone, small windows, and nothing that jumps."""

from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from publishers.content.in_memory_content import InMemoryContent
from publishers.pages import catalogue
from publishers.templating.theme import load, using
from tests.harness.digest_records import content_with_digests
from tests.harness.records import BUILDER, DEVELOPER_TOOLS, a_review, a_tool
from tests.publishers.browsing import COMPARISON, SMOLVLM, Api
from tests.publishers.conftest import Visit
from tests.publishers.second_theme import write_second_theme

pytestmark = pytest.mark.e2e

FOUR_TOOLS = "/compare/claude-4-api-vs-patchwork-vs-plainly-vs-smolvlm-2-5/"
DIGESTS = [
    path
    for path in catalogue.page_paths(content_with_digests())
    if path.startswith("/digests/") and path.endswith("/")
]
KINDS = [
    "/",
    "/about/",
    "/categories/developer-tools/",
    "/categories/developer-tools/rankings/",
    "/reviewers/builder/",
    "/tools/smolvlm-2-5/",
    "/tools/plainly/",
    "/tools/patchwork/",
    COMPARISON,
    "/compare/plainly-vs-quillfeather/",
    FOUR_TOOLS,
    "/search/",
    "/search/?q=tools",
    "/search/?q=zebra",
    "/search/?with=claude-4-api-vs-smolvlm-2-5",
    "/bookmarks/",
    "/nowhere/",
    "/tools/longgone/",
    *DIGESTS,
]
PHONE = {"width": 390, "height": 844}


SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def left_edge(element: Locator) -> float:
    box = element.bounding_box()
    assert box
    return box["x"]


def grave(page: Page) -> dict[str, list[Any]]:
    """Serious and critical violations: the targets by rule."""
    violations = Axe().run(page).response["violations"]
    return {
        violation["id"]: [node["target"] for node in violation["nodes"]]
        for violation in violations
        if violation["impact"] in ("serious", "critical")
    }


@pytest.mark.parametrize("path", KINDS)
def test_axe_finds_nothing_serious_in_light_and_dark(visit: Visit, api: Api, path: str) -> None:
    api.saved.append(SMOLVLM)
    page = visit(path, reduced_motion="reduce")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert grave(page) == {}, scheme


@pytest.mark.parametrize("path", KINDS)
def test_axe_finds_nothing_serious_in_a_second_theme(
    visit: Visit, api: Api, tmp_path: Path, path: str
) -> None:
    api.saved.append(SMOLVLM)
    with using(load(write_second_theme(tmp_path))):
        page = visit(path, viewport=PHONE, reduced_motion="reduce")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert "Verdicts" not in page.title().replace("AI Tool Verdicts", "")
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            assert grave(page) == {}, scheme


@pytest.mark.parametrize(
    "path", [COMPARISON, FOUR_TOOLS, "/categories/developer-tools/rankings/", "/"]
)
def test_axe_finds_nothing_serious_on_a_phone(visit: Visit, path: str) -> None:
    assert grave(visit(path, viewport=PHONE, reduced_motion="reduce")) == {}


def test_axe_finds_nothing_serious_in_what_opens(visit: Visit, api: Api) -> None:
    api.saved.append(SMOLVLM)
    page = visit("/search/", reduced_motion="reduce")
    suggest(page, "tool")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert grave(page) == {}, scheme
    page.get_by_role("link", name="Bookmarks").click()
    expect(page.get_by_role("dialog").get_by_role("link", name="SmolVLM 2.5")).to_be_visible()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert grave(page) == {}, scheme


def suggest(page: Page, text: str) -> Locator:
    field = page.get_by_role("combobox", name="Name, category or use case")
    field.press_sequentially(text)
    expect(page.get_by_role("option").first).to_be_visible()
    return field


def tab_to(page: Page, target: Locator) -> None:
    for _ in range(80):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError("the keyboard does not reach it")


def test_the_keyboard_alone_can_vote_and_bookmark(visit: Visit) -> None:
    page = visit("/tools/smolvlm-2-5/")
    ship, save = (page.get_by_role("button", name=name).first for name in ("Ship", "Bookmark"))
    tab_to(page, ship)
    page.keyboard.press("Enter")
    expect(ship).to_have_attribute("aria-pressed", "true")
    expect(ship).to_be_focused()
    tab_to(page, save)
    page.keyboard.press("Space")
    expect(save).to_have_attribute("aria-pressed", "true")


def test_the_first_stop_of_the_keyboard_skips_to_the_content(visit: Visit) -> None:
    page = visit(COMPARISON)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


@pytest.mark.parametrize("path", KINDS)
def test_no_page_is_wider_than_a_small_window(visit: Visit, path: str) -> None:
    page = visit(path)
    for width in (320, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_wide_table_is_read_sideways_under_its_first_column(visit: Visit) -> None:
    page = visit(FOUR_TOOLS, viewport=PHONE)
    region = page.get_by_role("region", name="Decision table")
    tab_to(page, region)
    label = page.get_by_role("rowheader", name="Pricing")
    before = left_edge(label)
    region.evaluate("element => { element.scrollLeft = 200 }")
    assert region.evaluate("element => element.scrollLeft") == 200
    assert left_edge(label) == pytest.approx(before, abs=1)


@pytest.mark.parametrize("scripted", [True, False])
def test_equal_rows_can_be_hidden_with_and_without_javascript(visit: Visit, scripted: bool) -> None:
    page = visit("/compare/claude-4-api-vs-patchwork-vs-smolvlm-2-5/", java_script_enabled=scripted)
    switch = page.get_by_label("Show differences only")
    alike = page.get_by_role("rowheader", name="Category", include_hidden=True)
    different = page.get_by_role("rowheader", name="Pricing")
    expect(alike).to_be_visible()
    switch.check()
    expect(alike).to_be_hidden()
    expect(different).to_be_visible()
    switch.uncheck()
    expect(alike).to_be_visible()


SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: false });
"""
# A slow browser paints what it has parsed so far; from the first whole page on, nothing may move.
SHIFTS_OF_THE_WHOLE_PAGE = f"""
addEventListener("DOMContentLoaded", () =>
    requestAnimationFrame(() => requestAnimationFrame(() => {{ {SHIFTS} }})));
"""
FRAMES = """() => new Promise((done) =>
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"""


def shifts(page: Page) -> Any:
    page.evaluate(FRAMES)
    return page.evaluate("window.shifted")


@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 900}])
@pytest.mark.parametrize("path", [COMPARISON, FOUR_TOOLS, "/tools/smolvlm-2-5/"])
def test_nothing_shifts_when_live_data_arrives(
    visit: Visit, api: Api, path: str, viewport: dict[str, int]
) -> None:
    page = visit(path, viewport=viewport)
    page.add_init_script(SHIFTS_OF_THE_WHOLE_PAGE)
    page.reload()
    ship = page.locator(f"[data-tool={SMOLVLM}] [data-community-ship]").first
    # Only what is in view can be seen to shift.
    ship.scroll_into_view_if_needed()
    assert shifts(page) == 0
    api.tallies[SMOLVLM] = {"ship": 9876, "skip": 4321}
    api.bookmarks[SMOLVLM] = 9999
    api.votes[SMOLVLM] = "ship"
    api.version += 1
    expect(ship).to_have_text("9,876")
    assert shifts(page) == 0


def test_the_search_in_the_header_stands_still_while_the_rest_of_the_page_arrives(
    visit: Visit,
) -> None:
    page = visit(COMPARISON, viewport={"width": 1280, "height": 900})
    search = page.locator(".site-header .search")
    complete = search.bounding_box()
    page.evaluate("document.querySelector('.site-header nav').remove()")
    assert search.bounding_box() == complete


def test_a_shift_would_be_seen(visit: Visit) -> None:
    page = visit(COMPARISON)
    page.evaluate(SHIFTS)
    page.evaluate("document.querySelector('h1').style.marginTop = '100px'")
    assert shifts(page) > 0


def test_nothing_shifts_while_one_searches(visit: Visit) -> None:
    page = visit("/search/", viewport=PHONE)
    page.evaluate(SHIFTS)
    suggest(page, "tool")
    assert shifts(page) == 0


@pytest.mark.parametrize("width", [320, 1280])
def test_no_page_is_wider_than_its_window_for_a_long_word(
    visit: Visit, api: Api, width: int
) -> None:
    api.content = content_with_long_words()
    for path in catalogue.page_paths(api.content):
        if path.endswith("/"):
            page = visit(path, viewport={"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            page.close()


def content_with_long_words() -> InMemoryContent:
    body = "x" * 20_000
    review = a_review(body=body, pros=("y" * 2_000,), disclosure="z" * 2_000)
    tools = [
        a_tool("one", "llama_3_2_nemotron_ultra_253b_instruct", review, tagline="t" * 300),
        a_tool("two", "W" * 150, review, description="d" * 2_000, pricing="p" * 2_000),
        a_tool("three", "W" * 300, best_for="b" * 2_000, url="https://e.com/" + "u" * 1_900),
    ]
    category = msgspec.structs.replace(DEVELOPER_TOOLS, name="C" * 300)
    reviewer = msgspec.structs.replace(BUILDER, name="R" * 300, motto="m" * 300)
    return InMemoryContent(tools, [category], [reviewer])
