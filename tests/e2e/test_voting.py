"""Votes and bookmarks of people in a browser that runs scripts."""

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import Arrive, Pair
from tests.e2e.people import Card, Drawer
from tests.e2e.system import System

pytestmark = pytest.mark.e2e


def test_a_vote_is_changed_taken_back_and_remembered(arrive: Arrive, pair: Pair) -> None:
    person = arrive(pair.path)
    card = Card(person, pair.one)
    card.choose("Ship")
    card.expect_counts(ship=1, skip=0)
    card.choose("Skip")
    card.expect_counts(ship=0, skip=1)
    card.expect_pressed("Skip")
    person.reload()
    card.expect_counts(ship=0, skip=1)
    card.expect_pressed("Skip")
    card.choose("Skip")
    card.expect_counts(ship=0, skip=0)
    person.reload()
    card.expect_pressed()


def test_a_choice_holds_for_its_tool_alone_and_on_all_of_its_pages(
    arrive: Arrive, pair: Pair
) -> None:
    person = arrive(pair.path)
    Card(person, pair.one).choose("Ship")
    Card(person, pair.other).expect_pressed()
    person.goto(f"/tools/{pair.one}/")
    Card(person, pair.one).expect_pressed("Ship")
    Card(person, pair.one).expect_counts(ship=1)


def test_the_votes_of_others_arrive_without_a_reload(
    arrive: Arrive, pair: Pair, system: System
) -> None:
    watcher, voter = arrive(pair.path), arrive(f"/tools/{pair.other}/")
    watcher.evaluate("window.loadedOnce = true")
    Card(voter, pair.other).press("Skip")
    Card(watcher, pair.other).expect_counts(skip=1)
    Card(voter, pair.other).press("Bookmark")
    Card(watcher, pair.other).expect_counts(bookmark=1)
    Card(watcher, pair.other).expect_pressed()
    assert watcher.evaluate("window.loadedOnce")
    system.await_file(pair.path, "Skip · 0 ship / 1 skip")


def test_the_answer_follows_the_votes_without_a_reload(arrive: Arrive, pair: Pair) -> None:
    watcher = arrive(f"/tools/{pair.one}/")
    summary = watcher.locator("[data-refresh]")
    before = summary.inner_text()
    Card(arrive(pair.path), pair.one).press("Ship")
    expect(summary).not_to_have_text(before)


@pytest.mark.parametrize(("name", "path"), [("Ship", "**/vote"), ("Bookmark", "**/bookmarks/*")])
def test_a_choice_shows_at_once_and_is_rolled_back_when_it_fails(
    arrive: Arrive, pair: Pair, name: str, path: str
) -> None:
    person = arrive(pair.path)
    card = Card(person, pair.one)
    card.expect_pressed()
    held_routes: list[Route] = []
    person.route(path, lambda route: held_routes.append(route))
    with person.expect_request(path):
        card.press(name)
    card.expect_pressed(name)
    card.expect_counts(**{name.lower(): 1})
    held_routes.pop().abort()
    expect(person.get_by_role("status").filter(has_text="Please try again")).to_be_visible()
    card.expect_pressed()
    card.expect_counts(**{name.lower(): 0})


def test_a_failed_change_falls_back_to_the_choice_before(arrive: Arrive, pair: Pair) -> None:
    person = arrive(pair.path)
    card = Card(person, pair.one)
    card.choose("Ship")
    person.route("**/vote", lambda route: route.fulfill(status=503, json={"title": "Away"}))
    card.press("Skip")
    expect(
        person.get_by_role("status").filter(has_text="Voting is down for a moment.")
    ).to_be_visible()
    card.expect_pressed("Ship")
    card.expect_counts(ship=1, skip=0)


def test_the_drawer_loads_and_shows_what_was_saved(arrive: Arrive, pair: Pair) -> None:
    person = arrive(pair.path)
    drawer = Drawer(person)
    held_routes: list[Route] = []
    person.route("**/v1/bookmarks", lambda route: held_routes.append(route))
    with person.expect_request("**/v1/bookmarks"):
        drawer.open()
    expect(drawer.root.get_by_text("Loading bookmarks…")).to_be_visible()
    held_routes.pop().continue_()
    expect(drawer.root.get_by_text("No bookmarks yet")).to_be_visible()
    expect(drawer.root.get_by_text("Loading bookmarks…")).to_be_hidden()
    person.unroute("**/v1/bookmarks")
    drawer.close()
    Card(person, pair.other).choose("Bookmark")
    drawer.open()
    saved = drawer.root.get_by_role("listitem")
    name = pair.other.replace("second-", "Second ")
    expect(saved).to_have_count(1)
    expect(saved.get_by_role("link")).to_have_text([name])
    expect(saved.get_by_text("Panel: ")).to_be_visible()
    expect(drawer.opener).to_have_text("Bookmarks (1)")
    expect(drawer.root.get_by_text("No bookmarks yet")).to_be_hidden()
    saved.get_by_role("link").click()
    expect(person).to_have_url(f"/tools/{pair.other}/")
    Card(person, pair.other).expect_pressed("Bookmark")


def test_the_keyboard_alone_votes_bookmarks_and_opens_the_drawer(
    arrive: Arrive, pair: Pair
) -> None:
    person = arrive(pair.path)
    card = Card(person, pair.other)
    tab_to(person, f"article[data-tool={pair.other}] button[value=ship]")
    with card.counted():
        person.keyboard.press("Enter")
    card.expect_pressed("Ship")
    person.keyboard.press("Tab")
    with card.counted():
        person.keyboard.press("Space")
    card.expect_pressed("Skip")
    tab_to(person, f"article[data-tool={pair.other}] [data-bookmark] button")
    with card.counted():
        person.keyboard.press("Space")
    card.expect_pressed("Skip", "Bookmark")
    card.expect_counts(ship=0, skip=1, bookmark=1)
    person.reload()
    drawer = Drawer(person)
    tab_to(person, "[data-drawer-open]")
    person.keyboard.press("Enter")
    expect(drawer.root.get_by_role("listitem").get_by_role("link")).to_have_count(1)
    drawer.close()
    expect(drawer.opener).to_be_focused()


def tab_to(person: Page, selector: str) -> None:
    """Press the tab key until the focus is on that element, as a person without a mouse does."""
    for _ in range(100):
        if person.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        person.keyboard.press("Tab")
    raise AssertionError(f"The keyboard does not reach {selector}.")
