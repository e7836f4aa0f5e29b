"""The script in a real browser, on real pages, with a stand-in for the API."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.publishers.browsing import COMPARISON, SMOLVLM, Api
from tests.publishers.conftest import Visit

pytestmark = pytest.mark.e2e


@pytest.fixture
def card(page: Page) -> Locator:
    return page.locator(f"article[data-tool={SMOLVLM}]")


def button(card: Locator, name: str) -> Locator:
    return card.get_by_role("button", name=name)


def expect_message(page: Page, text: str) -> None:
    expect(page.locator("[data-message]")).to_have_text(text)


def changes(api: Api) -> list[tuple[str, str]]:
    """Method and path of the requests that change something."""
    requests = (asked.split(" ") for asked in api.asked)
    return [(method, path) for method, path in requests if method in ("PUT", "DELETE")]


def wait_for_changes(page: Page, api: Api, count: int) -> None:
    """Wait until the fake API has got so many requests that change something."""
    for _ in range(200):
        if len(changes(api)) >= count:
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"not {count} changes: {changes(api)}")


def number(card: Locator, name: str) -> Locator:
    return button(card, name).locator(".number")


def test_a_vote_shows_before_the_server_has_answered(page: Page, card: Locator, api: Api) -> None:
    api.hold = True
    button(card, "Ship").click()
    expect(button(card, "Ship")).to_have_attribute("aria-pressed", "true")
    expect(number(card, "Ship")).to_have_text("302")
    expect(card.locator("[data-community-percent]")).to_have_text("83%")
    line = page.locator(f"td[data-tool={SMOLVLM}]")
    expect(line).to_have_text("Ship · 302 ship / 64 skip")


def test_a_vote_can_be_changed_and_taken_back(page: Page, card: Locator, api: Api) -> None:
    button(card, "Ship").click()
    with page.expect_response("**/vote"):
        button(card, "Skip").click()
    expect(button(card, "Skip")).to_have_attribute("aria-pressed", "true")
    expect(button(card, "Ship")).to_have_attribute("aria-pressed", "false")
    expect(number(card, "Ship")).to_have_text("301")
    expect(number(card, "Skip")).to_have_text("65")
    button(card, "Skip").click()
    expect(button(card, "Skip")).to_have_attribute("aria-pressed", "false")
    expect(number(card, "Skip")).to_have_text("64")


@pytest.mark.parametrize("name", ["Ship", "Bookmark"])
def test_a_double_click_is_one_choice(card: Locator, api: Api, name: str) -> None:
    button(card, name).dblclick()
    expect(button(card, name)).to_have_attribute("aria-pressed", "true")
    wait_for_changes(card.page, api, 1)
    card.page.wait_for_timeout(200)
    assert [method for method, _ in changes(api)] == ["PUT"]


def test_a_second_click_before_the_answer_takes_nothing_back(
    page: Page, card: Locator, api: Api
) -> None:
    api.hold = True
    button(card, "Ship").click()
    wait_for_changes(page, api, 1)
    button(card, "Ship").click()
    api.hold = False
    api.held.fulfill(json=api.tally(SMOLVLM) | {"choice": "ship"})
    page.wait_for_timeout(200)
    expect(button(card, "Ship")).to_have_attribute("aria-pressed", "true")
    assert [method for method, _ in changes(api)] == ["PUT"]


def test_a_second_first_vote_waits_for_the_voter_of_the_first(
    page: Page, card: Locator, api: Api
) -> None:
    other = page.locator(f"article[data-tool]:not([data-tool={SMOLVLM}])")
    api.hold = True
    button(card, "Ship").click()
    wait_for_changes(page, api, 1)
    button(other, "Ship").click()
    page.wait_for_timeout(200)
    assert len(changes(api)) == 1
    api.hold = False
    api.held.fulfill(json=api.tally(SMOLVLM) | {"choice": "ship"})
    wait_for_changes(page, api, 2)


def test_the_page_shows_the_choice_that_the_answer_states(
    page: Page, card: Locator, api: Api
) -> None:
    api.hold = True
    button(card, "Skip").click()
    wait_for_changes(page, api, 1)
    api.held.fulfill(json=api.tally(SMOLVLM) | {"choice": "ship", "version": api.version + 1})
    expect(button(card, "Ship")).to_have_attribute("aria-pressed", "true")
    expect(button(card, "Skip")).to_have_attribute("aria-pressed", "false")


def test_hasty_changes_end_with_the_last_choice(page: Page, card: Locator, api: Api) -> None:
    for name in ("Ship", "Skip", "Ship", "Skip"):
        button(card, name).click()
    expect(number(card, "Skip")).to_have_text("65")
    expect(number(card, "Ship")).to_have_text("301")
    with page.expect_response("**/v1/me"):
        page.reload()
    expect(button(card, "Skip")).to_have_attribute("aria-pressed", "true")


def test_a_failed_vote_is_rolled_back_with_a_message(page: Page, card: Locator, api: Api) -> None:
    api.failure = 503
    button(card, "Ship").click()
    expect_message(page, "Voting is down for a moment. Please try again.")
    expect(button(card, "Ship")).to_have_attribute("aria-pressed", "false")
    expect(number(card, "Ship")).to_have_text("301")


def test_a_refused_vote_says_why(page: Page, card: Locator, api: Api) -> None:
    api.failure = 429
    button(card, "Ship").click()
    expect_message(page, "Too many new voters on your network; try again in an hour.")
    api.failure = 404
    button(card, "Ship").click()
    expect_message(page, "Your vote was not sent. Please reload the page.")


def test_a_voter_who_changes_too_much_reads_for_how_long(
    page: Page, card: Locator, api: Api
) -> None:
    detail = "You changed votes or bookmarks too often; try again in 2 seconds."
    api.failure, api.problem = 429, {"code": "too-many-changes", "detail": detail}
    button(card, "Ship").click()
    expect_message(page, detail)


def test_an_offline_browser_says_so(page: Page, card: Locator, api: Api) -> None:
    expect(button(card, "Ship")).to_have_attribute("aria-pressed", "false")
    page.context.set_offline(True)
    api.failure = 503  # the fake API is within reach of an offline browser
    button(card, "Ship").click()
    expect_message(page, "You're offline. Your vote was not sent.")
    button(card, "Bookmark").click()
    expect_message(page, "You're offline. Your bookmark was not saved.")


def test_other_voters_votes_arrive_live(page: Page, card: Locator, api: Api) -> None:
    expect(number(card, "Ship")).to_have_text("301")
    api.tallies[SMOLVLM]["ship"] += 5
    api.version += 1
    expect(number(card, "Ship")).to_have_text("306")


def test_an_older_tally_never_replaces_a_newer_one(page: Page, card: Locator, api: Api) -> None:
    button(card, "Ship").click()
    expect(number(card, "Ship")).to_have_text("302")
    api.version -= 5
    api.tallies[SMOLVLM]["ship"] = 7
    streams = api.asked.count("GET /v1/changes")
    # Two more streams have begun, so the first of them has been read to its end.
    while api.asked.count("GET /v1/changes") < streams + 2:
        page.wait_for_event("request")
    expect(number(card, "Ship")).to_have_text("302")


def test_a_tally_that_comes_during_a_vote_is_not_counted_twice(
    page: Page, card: Locator, api: Api
) -> None:
    api.hold = True
    button(card, "Ship").click()
    expect(number(card, "Ship")).to_have_text("302")
    while api.held is None:
        page.wait_for_event("request")
    api.votes[SMOLVLM] = "ship"
    api.tallies[SMOLVLM]["ship"] += 1
    api.version += 1
    streams = api.asked.count("GET /v1/changes")
    while api.asked.count("GET /v1/changes") < streams + 2:
        page.wait_for_event("request")
    expect(number(card, "Ship")).to_have_text("302")
    api.held.fulfill(json=api.tally(SMOLVLM))
    expect(number(card, "Ship")).to_have_text("302")
    expect(button(card, "Ship")).to_have_attribute("aria-pressed", "true")


def test_a_bookmark_is_saved_found_in_the_drawer_and_removed(
    page: Page, card: Locator, api: Api
) -> None:
    button(card, "Bookmark").click()
    expect(button(card, "Bookmark")).to_have_attribute("aria-pressed", "true")
    expect(number(card, "Bookmark")).to_have_text("42")
    opener = page.get_by_role("link", name="Bookmarks")
    drawer = page.get_by_role("dialog", name="Bookmarks")
    opener.click()
    expect(drawer.get_by_role("link", name="SmolVLM 2.5")).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(opener).to_be_focused()
    button(card, "Bookmark").click()
    expect(number(card, "Bookmark")).to_have_text("41")
    opener.click()
    expect(drawer.get_by_text("No bookmarks yet")).to_be_visible()
    expect(drawer.get_by_text("Loading bookmarks…")).to_be_hidden()


def test_the_drawer_shows_verdicts_removes_and_compares(page: Page, api: Api) -> None:
    api.saved = [SMOLVLM, "claude-4-api"]
    with page.expect_response("**/v1/me"):
        page.reload()
    opener = page.get_by_role("link", name="Bookmarks")
    expect(opener).to_have_text("Bookmarks (2)")
    opener.click()
    drawer = page.get_by_role("dialog", name="Bookmarks")
    hint = drawer.get_by_text("Bookmark a tool and it appears here.")
    expect(drawer.get_by_role("listitem").get_by_text("Panel: Ship")).to_have_count(2)
    expect(hint).to_be_hidden()
    compare = drawer.get_by_role("link", name="Compare these")
    expect(compare).to_have_attribute("href", COMPARISON)
    page_of_bookmarks = drawer.get_by_role("link", name="Show all and export")
    expect(page_of_bookmarks).to_have_attribute("href", "/bookmarks/")
    drawer.get_by_role("button", name="Remove SmolVLM 2.5 from bookmarks").click()
    expect(drawer.get_by_role("listitem")).to_have_count(1)
    expect(drawer.get_by_role("status").filter(has_text="Removed")).to_be_visible()
    expect(drawer.get_by_role("button", name="Remove Claude")).to_be_focused()
    expect(compare).to_be_hidden()
    drawer.get_by_role("button", name="Remove Claude").click()
    expect(hint).to_be_visible()
    expect(drawer.get_by_role("button", name="Close bookmarks")).to_be_focused()
    expect(page.locator("[data-saved-count]")).to_have_text("")
    assert api.saved == []


def test_a_page_without_votes_counts_bookmarks_and_removes_them(visit: Visit, api: Api) -> None:
    api.saved = [SMOLVLM]
    page = visit("/about/")
    opener = page.get_by_role("link", name="Bookmarks")
    expect(opener).to_have_text("Bookmarks (1)")
    opener.click()
    drawer = page.get_by_role("dialog", name="Bookmarks")
    remove = drawer.get_by_role("button", name="Remove SmolVLM 2.5 from bookmarks")
    expect(remove).to_be_visible()
    api.failure = 503
    remove.click()
    failed = "Bookmarks are down for a moment. Please try again."
    expect(drawer.get_by_role("status").filter(has_text=failed)).to_be_visible()
    api.failure = 0
    remove.click()
    expect(drawer.get_by_text("No bookmarks yet")).to_be_visible()
    expect(page.locator("[data-saved-count]")).to_have_text("")


def test_a_vote_says_what_it_was_and_how_to_take_it_back(
    page: Page, card: Locator, api: Api
) -> None:
    button(card, "Ship").click()
    expect_message(page, "Your vote on SmolVLM 2.5: Ship. Press Ship again to take it back.")
    button(card, "Ship").click()
    expect_message(page, "Your vote on SmolVLM 2.5 was taken back.")
    button(card, "Bookmark").click()
    expect_message(page, "Saved to your bookmarks.")


def test_the_keyboard_alone_can_vote(page: Page, card: Locator) -> None:
    button(card, "Ship").focus()
    page.keyboard.press("Enter")
    expect(button(card, "Ship")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(button(card, "Skip")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("width", [390, 1280])
def test_the_tab_key_stops_only_at_what_is_visible(visit: Visit, width: int) -> None:
    page = visit(COMPARISON, viewport={"width": width, "height": 900})
    for _ in range(12):
        page.keyboard.press("Tab")
        size = "Object.values(document.activeElement.getBoundingClientRect().toJSON()).slice(2, 4)"
        assert min(page.evaluate(size)) > 8, page.evaluate("document.activeElement.outerHTML")


def test_nothing_moves_when_counts_arrive(page: Page, card: Locator, api: Api) -> None:
    positions = """[...document.querySelectorAll('main *')].map(part => [
        `${part.tagName} ${part.className}`, part.offsetLeft, part.offsetTop])"""
    before = page.evaluate(positions)
    api.tallies[SMOLVLM] = {"ship": 9999, "skip": 1}
    api.bookmarks[SMOLVLM] = 9999
    api.version += 1
    expect(number(card, "Ship")).to_have_text("9,999")
    moved = [
        now[0] for was, now in zip(before, page.evaluate(positions), strict=True) if was != now
    ]
    # A wider number moves the label within its button.
    assert set(moved) <= {"SPAN number", "SPAN unseen"}


def test_a_page_asks_for_nothing_but_its_own_files_and_the_live_data(
    page: Page, card: Locator, api: Api
) -> None:
    expect(button(card, "Ship")).to_have_attribute("aria-pressed", "false")
    with page.expect_response("**/v1/me"):
        page.reload()
    asked = {re.sub("[0-9a-f]{12}", "#", request) for request in api.asked}
    assert asked <= {
        f"GET {COMPARISON}",
        "GET /static/logo.#.svg",
        "GET /static/site.#.css",
        "GET /static/site.#.js",
        "GET /v1/me",
        "GET /v1/changes",
    }


def test_without_javascript_a_vote_can_be_taken_back(visit: Visit) -> None:
    page = visit(COMPARISON, java_script_enabled=False)
    back = page.locator(f"article[data-tool={SMOLVLM}] form[action='/vote'] button[value=none]")
    assert back.count() == 1
