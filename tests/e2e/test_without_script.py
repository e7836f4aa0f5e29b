"""Votes, bookmarks and the choice of two tools by plain forms."""

from html.parser import HTMLParser

import httpx
import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Arrive, Pair
from tests.e2e.people import Card
from tests.e2e.system import System
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.e2e


def test_a_form_votes_changes_the_vote_and_takes_it_back(
    arrive: Arrive, pair: Pair, system: System
) -> None:
    person = arrive(pair.path, java_script_enabled=False)
    card = Card(person, pair.one)
    for choice, ship, skip in [("Ship", 1, 0), ("Skip", 0, 1), ("Take back", 0, 0)]:
        card.press(choice)
        expect(person).to_have_url(pair.path)
        system.await_tally(pair.one, ship=ship, skip=skip)
        system.await_file(pair.path, f"data-community-ship>{ship}</span>")
        person.reload()
        card.expect_counts(ship=ship, skip=skip)


def test_a_form_bookmarks_and_the_page_of_bookmarks_removes(arrive: Arrive, pair: Pair) -> None:
    person = arrive("/bookmarks/", java_script_enabled=False)
    expect(person.get_by_role("main").get_by_text("No bookmarks yet")).to_be_visible()
    person.goto(pair.path)
    Card(person, pair.other).press("Bookmark")
    expect(person).to_have_url(pair.path)
    person.get_by_role("navigation", name="Site").get_by_role("link", name="Bookmarks").click()
    expect(person).to_have_url("/bookmarks/")
    saved = person.get_by_role("main").get_by_role("listitem")
    expect(saved.get_by_role("link")).to_have_attribute("href", f"/tools/{pair.other}/")
    saved.get_by_role("button", name="Remove").click()
    expect(person).to_have_url("/bookmarks/")
    expect(person.get_by_role("main").get_by_text("No bookmarks yet")).to_be_visible()


def test_bookmarks_are_for_one_person_alone(arrive: Arrive, pair: Pair, system: System) -> None:
    person, other = (arrive(pair.path, java_script_enabled=False) for _ in range(2))
    Card(person, pair.one).press("Bookmark")
    expect(person).to_have_url(pair.path)
    person.goto("/bookmarks/")
    other.goto("/bookmarks/")
    expect(person.get_by_role("main").get_by_role("listitem")).to_have_count(1)
    expect(other.get_by_role("main").get_by_role("listitem")).to_have_count(0)
    assert system.http.get("/bookmarks/").headers["cache-control"] == "private, no-store"


def test_any_two_tools_are_chosen_on_the_page_of_their_category(
    arrive: Arrive, pair: Pair, system: System
) -> None:
    page = f"/categories/{pair.category}/"
    system.await_file(page, f'value="{pair.other}"')
    person = arrive(page, java_script_enabled=False)
    form = person.locator("form[action='/compare/']")
    form.locator("[name=a]").select_option(pair.other)
    form.locator("[name=b]").select_option(pair.one)
    form.get_by_role("button", name="Compare").click()
    expect(person).to_have_url(pair.path)


def test_a_rival_is_chosen_on_the_page_of_a_tool(
    arrive: Arrive, pair: Pair, system: System
) -> None:
    system.await_file(f"/tools/{pair.one}/", f'value="{pair.other}"')
    person = arrive(f"/tools/{pair.one}/", java_script_enabled=False)
    form = person.locator("form[action='/compare/']")
    form.locator("[name=b]").select_option(pair.other)
    form.get_by_role("button", name="Compare").click()
    expect(person).to_have_url(pair.path)


class Inputs(HTMLParser):
    """What the forms of a page would send, and where to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action, self.values = "", dict[str, str]()
        self.feed(page)

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        fields = dict(pairs)
        if tag == "form" and fields.get("method") == "post":
            self.action = fields["action"] or ""
        if tag == "input" and self.action:
            self.values[fields["name"] or ""] = fields["value"] or ""


def test_a_form_of_unknown_origin_is_confirmed_first(pair: Pair, system: System) -> None:
    fields = {"tool": pair.one, "choice": "skip"}
    came_from = {"Referer": system.url + pair.path}
    with httpx.Client(base_url=system.url) as person:
        asked = person.post("/vote", data=fields, headers=came_from)
        assert asked.status_code == 200
        assert "Vote skip for First" in asked.text
        assert "set-cookie" not in asked.headers
        inputs = Inputs(asked.text)
        done = person.post(inputs.action, data=inputs.values)
        assert (done.status_code, done.headers["location"]) == (303, pair.path)
        assert person.get("/v1/me").json()["votes"] == {pair.one: "skip"}
    system.await_tally(pair.one, ship=0, skip=1)


def test_a_confirmation_is_good_for_what_it_says_alone(pair: Pair, system: System) -> None:
    with httpx.Client(base_url=system.url) as person:
        inputs = Inputs(person.post("/vote", data={"tool": pair.one, "choice": "ship"}).text)
        for changed in ({"choice": "skip"}, {"tool": pair.other}, {"token": "made-up"}):
            again = person.post("/vote", data=inputs.values | changed)
            assert again.status_code == 200
            assert "please confirm" in again.text
    assert system.tool(pair.one)["community"]["votes"] == 0


def test_forms_of_other_sites_are_refused_and_nothing_changes_on_get(
    pair: Pair, system: System
) -> None:
    fields = {"tool": pair.one, "choice": "ship"}
    for foreign in ({"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert system.http.post("/vote", data=fields, headers=foreign).status_code == 403
    assert system.http.get("/vote", params=fields).status_code in (404, 405)
    ours = {"Sec-Fetch-Site": "same-origin"}
    assert httpx.post(f"{system.url}/vote", data=fields, headers=ours).status_code == 303
    wait_until("the vote is applied", lambda: system.tool(pair.one)["community"]["votes"] == 1)
