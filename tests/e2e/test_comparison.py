"""The system's purpose: events go in, a comparison page comes out, and votes move it."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Arrive
from tests.e2e.content import CATEGORY, CLAUDE, PANEL, SMOLVLM, Fact, body_of, opening
from tests.e2e.reading import assert_in_order, text_of
from tests.e2e.system import System
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.e2e

TITLE = f"{CLAUDE.name} vs {SMOLVLM.name}"
PATH = f"/compare/{CLAUDE.slug}-vs-{SMOLVLM.slug}/"
TIE = (
    "It is a tie: the panel ships both, level at 83.5 and 83.25 out of 100; "
    f"the difference is price: {CLAUDE.name} is paid, {SMOLVLM.name} is free."
)


@pytest.fixture(scope="module", autouse=True)
def opened(system: System) -> None:
    """Two tools, four reviewers and eight reviews have been sent, and the page is stored."""
    answer = system.post(opening())
    assert answer.status_code == 200, answer.text
    assert {result["status"] for result in answer.json()["results"]} == {"accepted"}
    system.await_file(PATH, f"{SMOLVLM.scores['founder']}/100 · ship")


def read_card(fact: Fact) -> list[str]:
    entry = fact.entry.capitalize()
    figures = ["Ship", "100%", "Panel ship", "Community", entry, "Entry"]
    buttons = ["Ship", "Skip", "Bookmark"]
    return [
        fact.name[0],
        CATEGORY[1],
        fact.name,
        fact.tagline,
        *figures,
        fact.description,
        *buttons,
    ]


def read_table() -> list[list[str]]:
    return [
        ["Decision", CLAUDE.name, SMOLVLM.name],
        ["Panel verdict", "Ship · 4 ship / 0 skip", "Ship · 4 ship / 0 skip"],
        ["Community", "No community votes yet", "No community votes yet"],
        ["Pricing", CLAUDE.pricing, SMOLVLM.pricing],
        ["Best for", CLAUDE.best_for, SMOLVLM.best_for],
        ["Category", CATEGORY[1], CATEGORY[1]],
        ["Panel average", "83.5", "83.25"],
        ["Entry", CLAUDE.entry.capitalize(), SMOLVLM.entry.capitalize()],
    ]


def read_scorecard() -> list[str]:
    lines = ["Reviewer scorecard"]
    for name in PANEL:
        lines.append(name)
        for fact in (CLAUDE, SMOLVLM):
            score = fact.scores[name.lower()]
            body = body_of(fact, name.lower())
            lines += [f"{score}/100 · ship", body]
    return lines


def test_the_served_html_holds_everything_in_its_order(system: System) -> None:
    served = system.http.get(PATH)
    opening_lines = [f"Compare / {TITLE}", "AI tool comparison", TITLE, "side by side", TIE]
    drawer = [
        "Bookmarks",
        "Loading bookmarks…",
        "No bookmarks yet",
        "Bookmark a tool and it appears",
    ]
    assert_in_order(
        text_of(served.text),
        [
            *opening_lines,
            *read_card(CLAUDE),
            *read_card(SMOLVLM),
            *(cell for row in read_table() for cell in row),
            *read_scorecard(),
            "feed for every new review",
            *drawer,
        ],
    )
    assert served.text == system.file(PATH).read_text()


@pytest.fixture
def page(arrive: Arrive) -> Page:
    return arrive(PATH)


def test_its_opening_says_what_it_compares_and_gives_the_answer(page: Page) -> None:
    trail = page.get_by_role("navigation", name="Breadcrumb")
    expect(trail).to_have_text(f"Compare / {TITLE}")
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    expect(page.get_by_text("AI tool comparison")).to_be_visible()
    expect(page.get_by_text(TIE)).to_be_visible()
    expect(page).to_have_title(f"{TITLE} · Verdicts")


@pytest.mark.parametrize("fact", [CLAUDE, SMOLVLM], ids=lambda fact: fact.slug)
def test_each_tool_has_a_card(page: Page, fact: Fact) -> None:
    card = page.get_by_role("article", name=fact.name)
    expect(card.get_by_role("heading", level=2)).to_have_text(fact.name)
    expect(card.get_by_text(fact.name[0], exact=True)).to_be_visible()
    for text in (CATEGORY[1], fact.tagline, fact.description, fact.entry.capitalize(), "100%"):
        expect(card.get_by_text(text, exact=True)).to_be_visible()
    figures = ["100% Panel ship", "Community", f"{fact.entry.capitalize()} Entry"]
    expect(card.get_by_role("listitem")).to_have_text(figures)
    for name in ("Ship", "Skip", "Bookmark"):
        expect(card.get_by_role("button", name=name)).to_be_enabled()


def test_a_table_sets_the_two_side_by_side(page: Page) -> None:
    rows = page.get_by_role("table").get_by_role("row").all()
    cells = [row.locator("th, td").all_inner_texts() for row in rows]
    assert cells == read_table()


def test_the_scorecard_follows_the_order_of_the_panel(page: Page) -> None:
    scorecard = page.get_by_role("region", name="Reviewer scorecard")
    assert scorecard.get_by_role("heading", level=3).all_inner_texts() == list(PANEL)
    for name in PANEL:
        for fact in (CLAUDE, SMOLVLM):
            opinion = scorecard.get_by_role("region", name=f"{name} on {fact.name}", exact=True)
            expect(opinion).to_contain_text(f"{fact.scores[name.lower()]}/100 · ship")
            expect(opinion.get_by_role("time")).to_be_visible()


def test_it_ends_with_the_feed_and_the_drawer(page: Page) -> None:
    newsletter = page.get_by_role("complementary", name="Weekly AI Tool Verdicts")
    expect(newsletter.get_by_role("link", name="subscribe to the feed")).to_have_attribute(
        "href", "/feed.xml"
    )
    drawer = page.get_by_role("dialog", name="Bookmarks")
    expect(drawer).to_be_hidden()
    page.get_by_role("link", name="Bookmarks").click()
    expect(drawer.get_by_text("No bookmarks yet")).to_be_visible()


def test_three_voters_see_one_another_live_and_the_file_on_disk_follows(
    arrive: Arrive, system: System
) -> None:
    people = [arrive(PATH) for _ in range(3)]
    choices = dict(zip(people, ("Ship", "Ship", "Skip"), strict=True))
    for person, choice in choices.items():
        person.evaluate("window.loadedOnce = true")
        press(person, choice)
    for person in people:
        expect(community(person)).to_have_text("Ship · 2 ship / 1 skip")
        expect(card_of(person).get_by_role("listitem").nth(1)).to_have_text("Community 67%")
    assert "67%" in system.await_file(PATH, "Ship · 2 ship / 1 skip")
    assert system.tool(SMOLVLM.slug)["community"] == {
        "verdict": "ship",
        "ship": 2,
        "skip": 1,
        "votes": 3,
        "percent": 67,
    }
    for person, choice in choices.items():
        press(person, choice)
    for person in people:
        expect(community(person)).to_have_text("No community votes yet")
        assert person.evaluate("window.loadedOnce")
    wait_until(
        "the page is written anew", lambda: "2 ship / 1 skip" not in system.file(PATH).read_text()
    )


def card_of(person: Page) -> Locator:
    return person.get_by_role("article", name=SMOLVLM.name)


def press(person: Page, choice: str) -> None:
    card_of(person).get_by_role("button", name=choice).click()


def community(person: Page) -> Locator:
    return person.get_by_role("row", name="Community").get_by_role("cell").nth(1)
