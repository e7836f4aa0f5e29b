"""One person with two browsers: signing in joins their votes, with and without scripts."""

import mailbox
import re
from email.message import Message

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Arrive, Pair
from tests.e2e.people import Card
from tests.e2e.system import System
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.e2e
USED: set[str] = set()


def link_for(system: System, email: str) -> str:
    """The path of the newest link that was mailed to an address."""

    def newest() -> str:
        mails = mailbox.Maildir(system.data / "mail", create=False)
        texts = [plain_text(mail) for _, mail in sorted(mails.items()) if mail["To"] == email]
        links = [path for text in texts for path in re.findall(r"/sign-in/\?token=[\w-]+", text)]
        fresh = [path for path in links if path not in USED]
        return fresh[0] if fresh else ""

    path = wait_until(f"a link comes to {email}", newest)
    USED.add(path)
    return path


def plain_text(mail: Message) -> str:
    for part in mail.walk():
        if part.get_content_type() == "text/plain":
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            return payload.decode()
    return ""


def ask(person: Page, email: str) -> None:
    person.goto("/sign-in/")
    person.get_by_label("Email address").fill(email)
    person.get_by_role("button", name="Mail me a link").click()
    expect(person.get_by_role("heading", name="Check your mail")).to_be_visible()


def expect_no_complaints(page: Page) -> None:
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def test_two_browsers_that_sign_in_show_the_same_votes_and_count_once(
    arrive: Arrive, pair: Pair, system: System
) -> None:
    email = f"{pair.one}@example.org"
    laptop, phone = arrive(pair.path), arrive(pair.path)
    Card(laptop, pair.one).choose("Ship")
    Card(laptop, pair.other).choose("Bookmark")
    Card(phone, pair.one).choose("Skip")
    system.await_tally(pair.one, ship=1, skip=1)
    for person in (laptop, phone):
        ask(person, email)
        # The script presses the button in the browser that asked.
        person.goto(link_for(system, email))
        expect(person).to_have_url("/me/")
    system.await_tally(pair.one, ship=0, skip=1)
    for person in (laptop, phone):
        person.goto(pair.path)
        Card(person, pair.one).expect_pressed("Skip")
        Card(person, pair.other).expect_pressed("Bookmark")
        expect(person.get_by_role("link", name="Your account")).to_be_visible()
    Card(laptop, pair.one).choose("Ship")
    system.await_tally(pair.one, ship=1, skip=0)
    laptop.goto("/me/")
    expect_no_complaints(laptop)
    laptop.get_by_role("button", name="Sign out", exact=True).first.click()
    expect(laptop).to_have_url("/")
    laptop.goto(pair.path)
    Card(laptop, pair.one).expect_pressed()
    expect(laptop.get_by_role("link", name="Sign in")).to_be_visible()


def test_without_scripts_a_person_presses_the_button(
    arrive: Arrive, pair: Pair, system: System
) -> None:
    email = f"{pair.other}@example.org"
    one, other = (arrive(pair.path, java_script_enabled=False) for _ in range(2))
    Card(one, pair.one).press("Ship")
    expect(one).to_have_url(pair.path)
    Card(other, pair.other).press("Skip")
    expect(other).to_have_url(pair.path)
    system.await_tally(pair.other, ship=0, skip=1)
    for person in (one, other):
        ask(person, email)
        person.goto(link_for(system, email))
        expect(person.get_by_text(f"Sign this browser in as {email}")).to_be_visible()
        person.get_by_role("button", name="Sign in").click()
        expect(person).to_have_url("/me/")
    votes = other.get_by_role("region", name="Your votes").get_by_role("listitem")
    expect(votes).to_have_count(2)
    other.get_by_role("button", name="Sign out all other browsers").click()
    expect(other).to_have_url("/me/")
    one.goto("/me/")
    expect(one).to_have_url("/sign-in/")
    other.get_by_text("Erase your account…").click()
    other.get_by_label("Take back all votes and bookmarks first").check()
    other.get_by_role("button", name="Erase my account").click()
    expect(other.get_by_role("heading", name="Your account is erased")).to_be_visible()
    system.await_tally(pair.one, ship=0, skip=0)
    system.await_tally(pair.other, ship=0, skip=0)


def test_a_link_that_another_browser_opens_waits_for_its_button(
    arrive: Arrive, pair: Pair, system: System
) -> None:
    email = f"third-{pair.one}@example.org"
    person, scanner = arrive("/sign-in/"), arrive("/")
    expect_no_complaints(person)
    ask(person, email)
    expect_no_complaints(person)
    path = link_for(system, email)
    scanner.goto(path)
    expect(scanner.get_by_role("button", name="Sign in")).to_be_visible()
    expect_no_complaints(scanner)
    person.goto(path)
    expect(person).to_have_url("/me/")
    scanner.get_by_role("button", name="Sign in").click()
    expect(scanner.get_by_role("heading", name="This link works no more")).to_be_visible()


def test_after_an_erasure_nothing_holds_the_address(
    arrive: Arrive, pair: Pair, system: System
) -> None:
    """Neither logs nor the site do; the test of erasure looks at the database and the log."""
    email = f"held-{pair.one}@example.org"
    person = arrive(pair.path)
    Card(person, pair.one).choose("Ship")
    ask(person, email)
    person.goto(link_for(system, email))
    expect(person).to_have_url("/me/")
    export = person.request.get("/v1/me/export").json()
    person.get_by_text("Erase your account…").click()
    person.get_by_label("Keep them in the counts").check()
    person.get_by_role("button", name="Erase my account").click()
    expect(person.get_by_role("heading", name="Your account is erased")).to_be_visible()
    traces = [email, *(session["id"] for session in export["sessions"])]
    files = [*(system.data / "logs").rglob("*"), *(system.data / "site").rglob("*")]
    for file in filter(lambda each: each.is_file(), files):
        content = file.read_bytes()
        assert not [trace for trace in traces if trace.encode() in content], file
    assert not [trace for trace in traces if trace in system.logged]
    events = system.run_verdicts("events", "tail", "--json", "-n", "1000").stdout
    assert not [trace for trace in traces if trace in events]
    letters = system.run_verdicts("deadletters", "list", "--all", "--json").stdout
    assert not [trace for trace in traces if trace in letters]
    system.await_tally(pair.one, ship=1, skip=0)
