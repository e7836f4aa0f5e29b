"""Addresses of the site, its headers, and what its pages do not do."""

from functools import partial

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Arrive, Pair
from tests.e2e.people import Card
from tests.e2e.reading import text_of
from tests.e2e.system import System
from tests.harness.examples import (
    a_category,
    a_listing,
    a_merge,
    a_retirement,
    a_review,
    a_reviewer,
)
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.e2e

WIRE_BYTES = 60_000


def comparison(one: str, other: str) -> str:
    return f"/compare/{one}-vs-{other}/"


@pytest.fixture
def reviewed(system: System, pair: Pair) -> Pair:
    """A pair of which a reviewer of its own has covered only the first, as its pages say."""
    reviewer = f"reviewer-of-{pair.one}"
    joined = a_reviewer(reviewer, "Ada", 9, motto="Tries.")
    system.send(joined, a_review(71, tool=pair.one, reviewer=reviewer))
    for path in (pair.path, f"/tools/{pair.one}/", f"/reviewers/{reviewer}/"):
        system.await_file(path, "71")
    return pair


PAGES = {
    "home": "/",
    "tool": "/tools/{one}/",
    "comparison": "/compare/{one}-vs-{other}/",
    "category": "/categories/{category}/",
    "reviewer": "/reviewers/reviewer-of-{one}/",
    "rankings": "/categories/{category}/rankings/",
    "digests": "/digests/",
    "about": "/about/",
    "bookmarks": "/bookmarks/",
    "unknown": "/tools/nobody-knows-this/",
}


@pytest.mark.parametrize("kind", PAGES)
def test_every_page_has_a_heading_a_strict_policy_and_nothing_to_complain_about(
    arrive: Arrive, reviewed: Pair, system: System, kind: str
) -> None:
    path = PAGES[kind].format(**reviewed._asdict())
    person = arrive(path)
    expect(person.get_by_role("heading", level=1)).to_have_count(1)
    expect(person.get_by_role("banner")).to_be_visible()
    answer = system.http.get(path)
    assert answer.status_code == (404 if kind == "unknown" else 200)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_policy_refuses_injected_content(browser: Browser, system: System, pair: Pair) -> None:
    person = browser.new_page(base_url=system.url)
    person.goto(pair.path)
    with person.expect_console_message(lambda message: "Content Security Policy" in message.text):
        person.evaluate("""() => {
            const script = document.createElement("script");
            script.textContent = "window.slipped = true";
            document.body.append(script);
        }""")
    assert person.evaluate("window.slipped") is None
    person.context.close()


def test_a_reviewer_who_covered_only_one_of_them_shows_that(arrive: Arrive, reviewed: Pair) -> None:
    scorecard = arrive(reviewed.path).get_by_role("region", name="Reviewer scorecard")
    expect(scorecard.get_by_role("heading", level=3)).to_have_text(["Ada"])
    expect(scorecard.get_by_text("71/100 · ship")).to_be_visible()
    expect(scorecard.get_by_text("has not reviewed Second")).to_be_visible()


def test_the_other_order_and_a_missing_slash_lead_to_the_page(system: System, pair: Pair) -> None:
    for path in (comparison(pair.other, pair.one), pair.path.rstrip("/")):
        answer = system.http.get(path)
        assert (answer.status_code, answer.headers["location"]) == (308, pair.path)
    missing = system.http.get(f"/tools/{pair.one}")
    assert (missing.status_code, missing.headers["location"]) == (308, f"/tools/{pair.one}/")


def test_an_unknown_path_is_a_real_404_page(system: System, pair: Pair) -> None:
    for path in (
        "/nothing/",
        "/tools/nothing/",
        comparison(pair.one, "nothing"),
        "/../admin.token",
    ):
        answer = system.http.get(path)
        assert answer.status_code == 404, path
        assert "Page not found" in answer.text
        assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.fixture
def stranger(pair: Pair, system: System) -> str:
    """A tool of another category than the pair's."""
    slug = f"stranger-to-{pair.category}"
    other_category = f"other-than-{pair.category}"
    system.send(
        a_category(other_category, "Elsewhere"), a_listing(slug, "Stranger", other_category)
    )
    return slug


def test_a_pair_across_categories_is_made_on_request_and_not_stored(
    arrive: Arrive, system: System, pair: Pair, stranger: str
) -> None:
    path = comparison(pair.one, stranger)
    person = arrive(path)
    expect(person.get_by_role("heading", level=1)).to_have_text(
        f"{pair.one.replace('first-', 'First ')} vs Stranger"
    )
    Card(person, stranger).choose("Ship")
    Card(person, stranger).expect_counts(ship=1)
    person.reload()
    Card(person, stranger).expect_counts(ship=1)
    assert not system.file(path).exists()
    sitemap = wait_until(
        "the sitemap lists it", lambda: has(system, "/sitemap.xml", f"{pair.path}</loc>")
    )
    assert stranger in wait_until(
        "the sitemap lists it", lambda: has(system, "/sitemap.xml", f"/tools/{stranger}/")
    )
    assert path not in sitemap


def has(system: System, path: str, text: str) -> str:
    answer = system.http.get(path)
    return answer.text if answer.status_code == 200 and text in answer.text else ""


def await_gone(system: System, path: str) -> None:
    wait_until(f"{path} is gone", lambda: system.http.get(path).status_code == 410)
    wait_until(f"{path} has no file", lambda: not system.file(path).exists())


def test_a_retired_tool_is_gone_with_its_comparisons_until_it_is_listed_again(
    system: System, pair: Pair
) -> None:
    paths = [f"/tools/{pair.one}/", pair.path]
    system.send(a_retirement(pair.one, "Its maker closed it."))
    for path in paths:
        await_gone(system, path)
        assert "was retired: Its maker closed it." in text_of(system.http.get(path).text)
    assert system.http.get(comparison(pair.other, pair.one)).status_code in (308, 410)
    assert system.http.get(f"/tools/{pair.other}/").status_code == 200
    system.send(a_listing(pair.one, "Back again", pair.category))
    for path in paths:
        system.await_file(path, "Back again")
        assert system.http.get(path).status_code == 200


def test_a_merged_tool_leads_to_the_other_one_until_it_is_listed_again(
    system: System, pair: Pair, stranger: str
) -> None:
    old, new = f"/tools/{pair.one}/", f"/tools/{pair.other}/"
    pairs = comparison(*sorted((pair.one, stranger))), comparison(*sorted((pair.other, stranger)))
    system.send(a_merge(pair.one, pair.other, "Its maker renamed it."))
    for path, into in (
        *((old + file, new + file) for file in ("", "index.json", "index.md", "feed.xml")),
        *((pairs[0] + file, pairs[1] + file) for file in ("", "index.json", "index.md")),
        (pair.path, new),
        (f"/v1{old}".rstrip("/"), f"/v1{new}".rstrip("/")),
        (f"/v1{pairs[0]}".rstrip("/"), None),
    ):
        location = wait_until(f"{path} moves", partial(location_of, system, path))
        assert into in (None, location)
    wait_until("the feed says so", lambda: f"{old}#merged" in system.http.get("/feed.xml").text)
    system.send(a_listing(pair.one, "Back again", pair.category))
    system.await_file(old, "Back again")
    assert system.http.get(old).status_code == 200


def location_of(system: System, path: str) -> str:
    """Where a path has moved to; empty while it has not."""
    answer = system.http.get(path)
    return answer.headers["location"] if answer.status_code == 308 else ""


def test_what_people_write_is_shown_as_text(arrive: Arrive, system: System, pair: Pair) -> None:
    evil = "<img src=x onerror='window.slipped = true'>"
    link = "[click](javascript:window.slipped=true) <script>window.slipped = true</script>"
    system.send(
        a_listing(
            pair.one, f"Name {evil}", pair.category, tagline=evil, description=f"{link} {evil}"
        )
    )
    system.await_file(pair.path, "Name &lt;img")
    person = arrive(pair.path)
    expect(Card(person, pair.one).root.get_by_role("heading")).to_have_text(f"Name {evil}")
    assert person.evaluate("window.slipped") is None
    assert person.locator("main img, main script, main a[href^=javascript]").count() == 0


def test_a_comparison_is_light_on_the_wire(arrive: Arrive, reviewed: Pair) -> None:
    person = arrive("about:blank")
    devtools = person.context.new_cdp_session(person)
    received: dict[str, int] = {}
    devtools.on(
        "Network.loadingFinished",
        lambda end: received.update({end["requestId"]: end["encodedDataLength"]}),
    )
    devtools.send("Network.enable")
    with person.expect_response("**/v1/me"):
        person.goto(reviewed.path)
    person.wait_for_load_state("load")
    assert len(received) >= 3
    assert sum(received.values()) < WIRE_BYTES
