import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from publishers.content.in_memory_content import InMemoryContent
from publishers.pages import digest_mail
from publishers.views.digests.digest import digest_page
from schemas import digests
from schemas.digests import WeeklyDigest
from tests.harness.digest_records import a_digest
from tests.harness.records import a_tool, sample_content

SITE = "https://verdicts.example"
CONTENT = sample_content()
HTML, TEXT = (part(CONTENT, SITE, a_digest()) for part in (digest_mail.html, digest_mail.text))
STYLED = {"a", "h1", "h2"}  # by clients of their own accord


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, dict(attrs)))


def the_message() -> EmailMessage:
    return message_from_bytes(digest_mail.message(CONTENT, SITE, a_digest()), policy=default)


def test_both_parts_tell_the_same_news() -> None:
    for part in (HTML, TEXT):
        for news in ("Week 47, 2026", "16\N{EN DASH}22 November 2026 (UTC)", "Patchwork",
                     "was 47.5", "Close calls", "+42 skip", "previously ship"):  # fmt: skip
            assert news.casefold() in part.casefold()


def test_styles_are_inlined_because_clients_drop_others() -> None:
    tags = Tags(HTML).all
    assert "link" not in {tag for tag, _ in tags}
    assert "script" not in {tag for tag, _ in tags}
    assert all(attributes.get("style") for tag, attributes in tags if tag in STYLED)
    assert all(
        attributes.get("role") == "presentation" for tag, attributes in tags if tag == "table"
    )


def test_it_is_600_pixels_wide_also_in_clients_that_need_tables() -> None:
    assert "max-width:600px" in HTML
    assert '<!--[if mso]><table role="presentation" width="600"' in HTML


def test_it_has_a_dark_mode() -> None:
    assert '<meta name="color-scheme" content="light dark">' in HTML
    assert "@media (prefers-color-scheme: dark)" in HTML
    colored = {name for name in re.findall(r'class="([^"]+)"', HTML) for name in name.split()}
    for name in colored - {"m-pad", "m-title"}:
        assert f".{name}" in HTML.partition("</style>")[0], name


def test_every_address_is_whole() -> None:
    links = [attributes["href"] for tag, attributes in Tags(HTML).all if tag == "a"]
    assert f"{SITE}/digests/2026-W47/" in links
    assert all(str(link).startswith(f"{SITE}/") for link in links)
    assert f"  {SITE}/tools/patchwork/#skeptic\n" in TEXT


def test_a_retired_tool_is_named_without_a_link() -> None:
    content = InMemoryContent([a_tool("patchwork", "Patchwork", retired="Closed.")])
    for render in (digest_mail.html, digest_mail.text):
        part = render(content, SITE, a_digest())
        assert "Patchwork" in part
        assert "/tools/patchwork/" not in part
        assert f'"{SITE}"' not in part
        assert f"  {SITE}\n" not in part


def test_the_text_has_no_markup_and_at_most_72_characters_a_line() -> None:
    assert "<" not in TEXT
    assert "&" not in TEXT
    assert max(len(line) for line in TEXT.splitlines()) <= 72


def test_user_texts_stay_text() -> None:
    named = msgspec.structs.replace(a_digest().flips[0], name="<script>alert(1)</script>")
    digest = msgspec.structs.replace(a_digest(), flips=[named])
    assert "<script" not in digest_mail.html(CONTENT, SITE, digest)
    assert "* <script>alert(1)</script> (" in digest_mail.text(CONTENT, SITE, digest)


def test_the_message_holds_both_parts_the_text_first() -> None:
    message = the_message()
    assert message.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    body = message.get_body(("html",))
    assert body is not None
    assert body.get_content().splitlines() == HTML.splitlines()


def test_the_message_has_its_headers_and_no_recipient() -> None:
    message = the_message()
    assert message["Subject"] == "Week 47: Patchwork drops to Skip, Patchwork flips to Skip"
    assert message["From"] == "Verdicts <digest@verdicts.example>"
    assert message["To"] == "undisclosed-recipients:;"
    assert message["Date"] == "Mon, 23 Nov 2026 00:00:00 +0000"
    assert message["Message-ID"] == "<digest-2026-W47@verdicts.example>"


@pytest.mark.parametrize("site", ["http://127.0.0.1:8080", "http://[::1]:8080", SITE])
def test_the_message_is_deterministic_and_within_the_limits_of_mail(site: str) -> None:
    raw = digest_mail.message(CONTENT, site, a_digest())
    assert raw == digest_mail.message(CONTENT, site, a_digest())
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


def a_full_week(name: str = "A tool with a longer name") -> WeeklyDigest:
    digest = a_digest()

    def many(item: Any) -> list[Any]:
        return [
            msgspec.structs.replace(item, tool=f"tool-{number}", name=f"{name} {number}")
            for number in range(digests.MOST_ITEMS)
        ]

    return msgspec.structs.replace(
        digest,
        counts=msgspec.structs.replace(digest.counts, panel_changes=103, flips=100, new_tools=100),
        new_tools=many(digest.new_tools[0]),
        panel_changes=many(digest.panel_changes[0]),
        flips=many(digest.flips[0]),
    )


@pytest.mark.parametrize("name", ["A tool with a longer name", "\U0001f600" * 280])
def test_a_full_week_stays_below_what_gmail_shows(name: str) -> None:
    digest = a_full_week(name)
    html, text = digest_mail.html(CONTENT, SITE, digest), digest_mail.text(CONTENT, SITE, digest)
    assert len(html.encode()) <= digest_mail.MAX_HTML_BYTES
    link = "https://verdicts.example/digests/2026-W47/"
    for part in (html, text):
        assert "See the full digest" in part
        assert link in part
        for section in digest_page(digest).sections:
            assert section.title.casefold() in part.casefold()
    assert f"and {103 - len(re.findall(r'average', html)):,} more" in html


def test_a_usual_week_is_not_shortened() -> None:
    assert "See the full digest" not in HTML
    assert "Read on the site" in HTML
