import pytest

from publishers.views.json_ld import application
from publishers.views.text.markdown import to_html, to_plain
from publishers.views.tools.cards import card
from tests.harness.records import a_tool


def test_emphasis_code_lists_and_paragraphs_are_rendered() -> None:
    html = to_html("One *two* **three** `four`\n\nFive\n\n- six\n- seven")
    assert "<p>One <em>two</em> <strong>three</strong> <code>four</code></p>" in html
    assert html.count("<p>") == 2
    assert "<li>six</li>" in html


def test_user_links_are_nofollow() -> None:
    assert '<a href="https://example.com" rel="nofollow ugc noopener">site</a>' in to_html(
        "[site](https://example.com)"
    )


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "//example.com", "/tools/x/", "ftp://x"]
)
def test_other_links_stay_text(address: str) -> None:
    assert "<a" not in to_html(f"[site]({address})")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a <b>b</b>",
        "<!-- gone? -->",
        '[x](https://e.com/"onmouseover="alert(1))',
        "`<i>`",
    ],
)
def test_html_is_shown_as_text(text: str) -> None:
    html = to_html(text)
    assert "<script" not in html
    assert "<img" not in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert "<!--" not in html
    assert '"onmouseover' not in html


def test_images_headings_and_entities_stay_text() -> None:
    assert "<img" not in to_html("![alt](https://example.com/a.png)")
    assert "# Title" in to_html("# Title")
    assert "&amp;copy;" in to_html("&copy;")


def test_the_plain_text_is_one_line_without_markup() -> None:
    assert to_plain("One *two*\nthree\n\n- [four](https://e.com)\n- `five`") == (
        "One two three four five"
    )
    assert to_plain("word " * 100, 30).endswith("word…")


@pytest.mark.parametrize("address", ["http://[", "http://.", "http://a:99999/", "http://a..b/"])
def test_an_address_that_no_browser_opens_is_no_link(address: str) -> None:
    assert "<a" not in to_html(f"[site]({address})")
    tool = a_tool(url=address)
    assert card(tool).url is None
    assert "sameAs" not in application(tool, in_full=True)
