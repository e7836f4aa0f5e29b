"""A reader subscribes, confirms, chooses and leaves, with JavaScript and without it."""

import itertools
import json
import re
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Arrive, Pair
from tests.e2e.system import System
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.e2e
_numbers = itertools.count(1)


@pytest.fixture
def address() -> str:
    return f"reader{next(_numbers)}@example.com"


def mailed_path(system: System, address: str) -> str:
    """The path of the link in the newest mail to an address."""
    links = re.findall(r"https?://\S+/subscriptions/\S+", mailed(system, address, "plain"))
    url = urlsplit(links[0])
    return f"{url.path}?{url.query}"


def mailed(system: System, address: str, kind: str) -> str:
    """The plain text or the HTML of the newest mail to an address."""

    def newest() -> str:
        for file in sorted((system.data / "mail" / "new").glob("*"), reverse=True):
            mail = message_from_bytes(file.read_bytes(), policy=policy.default)
            body = mail.get_body((kind,))
            if mail["To"] == address and body:
                return str(body.get_content())
        return ""

    return wait_until(f"a mail to {address}", newest)


# A mail has no landmarks: the mail program's page around it has them.
OF_A_MAIL = {"rules": {rule: {"enabled": False} for rule in ("landmark-one-main", "region")}}


def assert_accessible(person: Page, options: dict[str, Any] | None = None) -> None:
    report = Axe().run(person, options=options)
    assert report.response["violations"] == [], report.generate_report()


def stored(system: System, address: str) -> dict:
    answer = system.run_verdicts("subscribers", "show", address, "--json")
    return dict(json.loads(answer.stdout))


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_reader_subscribes_confirms_chooses_and_leaves(
    arrive: Arrive, pair: Pair, system: System, address: str, script: bool, scheme: str
) -> None:
    person = arrive(
        pair.path,
        java_script_enabled=script,
        color_scheme=scheme,
        reduced_motion="reduce",
        timezone_id="Asia/Tokyo",
        viewport={"width": 390, "height": 844},
    )
    block = person.get_by_role("complementary", name="Weekly AI Tool Verdicts")
    block.get_by_label("Email address").fill(address)
    block.get_by_role("button", name="Subscribe").click()
    if script:
        expect(block.get_by_role("status")).to_contain_text("Open the link in the mail")
        expect(person).to_have_url(pair.path)
    else:
        expect(person).to_have_url("/subscriptions/sent/")
    checked = [assert_accessible] if script else []  # axe is a script
    for check in checked:
        check(person)

    letter = person.context.new_page()  # without the site's policy, which forbids inlined styles
    letter.set_content(mailed(system, address, "html"))
    for check in checked:
        check(letter, OF_A_MAIL)
    person.goto(mailed_path(system, address))
    expect(person.get_by_text(address)).to_be_visible()
    for check in checked:
        check(person)
    person.get_by_role("button", name="Confirm subscription").click()
    expect(person.get_by_text("You are subscribed.")).to_be_visible()
    for check in checked:
        check(person)
    assert stored(system, address)["timezone"] == ("Asia/Tokyo" if script else "UTC")

    person.get_by_label("The first Monday of a month").check()
    number = pair.category.partition("-")[2]
    person.get_by_label(f"Category {number}", exact=True).check()
    person.get_by_label("Time zone").select_option("Europe/Berlin")
    person.get_by_role("button", name="Save preferences").click()
    expect(person.get_by_text("Your preferences are saved.")).to_be_visible()
    saved = stored(system, address)
    assert (saved["frequency"], saved["topics"]) == ("monthly", [pair.category])
    assert saved["timezone"] == "Europe/Berlin"

    with person.expect_download() as download:
        person.get_by_role("button", name="Export as JSON").click()
    assert json.loads(download.value.path().read_text())["address"] == address

    person.get_by_role("button", name="Unsubscribe").click()
    expect(person.get_by_role("button", name="Subscribe again")).to_be_visible()
    for check in checked:
        check(person)
    assert stored(system, address)["state"] == "unsubscribed"
    person.get_by_text("Erase my data…").click()
    person.get_by_role("button", name="Erase my data").click()
    expect(person.get_by_role("heading", level=1)).to_have_text("Your data is erased")
    for check in checked:
        check(person)
    assert set(stored(system, address)) == {"suppression"}


def test_an_invalid_address_is_explained_beside_its_field(
    arrive: Arrive, pair: Pair, system: System
) -> None:
    person = arrive(pair.path)
    block = person.get_by_role("complementary", name="Weekly AI Tool Verdicts")
    field = block.get_by_label("Email address")
    field.fill("jane@localhost")
    block.get_by_role("button", name="Subscribe").click()
    expect(block.get_by_role("status")).to_contain_text("should have a period")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    assert_accessible(person)

    person = arrive(pair.path, java_script_enabled=False)
    block = person.get_by_role("complementary", name="Weekly AI Tool Verdicts")
    block.get_by_label("Email address").fill("jane@localhost")
    block.get_by_role("button", name="Subscribe").click()
    expect(person.get_by_text("should have a period")).to_be_visible()
    expect(person.get_by_label("Email address")).to_have_value("jane@localhost")


@pytest.mark.parametrize(
    "path",
    ["/subscriptions/", "/subscriptions/sent/", "/subscriptions/?token=x",
     "/subscriptions/unsubscribe/?token=x", "/subscriptions/confirm/?token=x"],
)  # fmt: skip
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_other_pages(arrive: Arrive, path: str, scheme: str) -> None:
    assert_accessible(arrive(path, color_scheme=scheme, reduced_motion="reduce"))
