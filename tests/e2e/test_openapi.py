"""Answers are as the OpenAPI document says, for valid and invalid requests made from it."""

import re

import pytest
from playwright.sync_api import Browser

from schemas.fields import NO_NUL_PATTERN, SLUG_PATTERN, WEEK_PATTERN
from schemas.text.patterns import LINE_PATTERN, TEXT_PATTERN, WEB_ADDRESS_PATTERN
from streams.api.openapi.document import document, to_ecma
from tests.e2e.system import System
from tests.harness.openapi.fuzzing import run_schemathesis
from tests.harness.openapi.patterns import find_patterns

pytestmark = pytest.mark.e2e


# Every combination of an event's fields would take minutes: `make faults` has them.
@pytest.mark.parametrize(
    ("paths", "phases"),
    [("^/v1/events$", "examples,fuzzing"), ("^(?!/v1/events$)", "examples,coverage,fuzzing")],
    ids=["events", "others"],
)
def test_every_answer_is_as_described(system: System, paths: str, phases: str) -> None:
    token = (system.data / "admin.token").read_text().strip()
    report = run_schemathesis(system.url, token, seed=1, examples=10, phases=phases, paths=paths)
    assert "No issues found" in report
    assert system.is_ready()


PATTERNS = (
    SLUG_PATTERN, WEEK_PATTERN, NO_NUL_PATTERN, LINE_PATTERN, TEXT_PATTERN, WEB_ADDRESS_PATTERN
)  # fmt: skip
TEXTS = [
    *(
        "",
        "a",
        "a-b",
        "a-vs-b",
        "vs",
        "a\n",
        "a\nb",
        " ",
        "\u200b",
        "\u0301",
        "e\u0301",
        "\x01",
        "a\tb",
    ),
    *("\u2028a", "\ufe0f", "\U000e0041", "漢", "😀", "\x85", "\ufffe", "\0", "\u3164", "2026-W47"),
    *("http://a.b/", "https://é.fr/?q", "http://[::1]:80/", "http://1.2.3.4", "http://1.2.3.256"),
    *(
        "http://a:99999/",
        "http://a b",
        "http://a/\n",
        "http://a.1",
        "http://a\uff0fb/",
        "HTTP://A:/#",
    ),
]
_COMPARE = """([patterns, texts]) =>
    patterns.map((pattern) => texts.map((text) => new RegExp(pattern, "u").test(text)))"""


def test_patterns_mean_in_a_browser_what_they_mean_to_us(browser: Browser) -> None:
    page = browser.new_page()
    ours = [[bool(re.search(pattern, text)) for text in TEXTS] for pattern in PATTERNS]
    assert page.evaluate(_COMPARE, [[*map(to_ecma, PATTERNS)], TEXTS]) == ours
    page.evaluate(_COMPARE, [[*find_patterns(document())], TEXTS])
