"""No user text turns around, hides or reaches into what stands beside it."""

import re

import msgspec
import pytest

from publishers.content.in_memory_content import InMemoryContent
from publishers.pages import catalogue, digest_mail
from publishers.views.digests.digest import subject
from publishers.views.text.bdi import bdi
from schemas.text.isolation import drop_controls, isolate
from tests.harness.digest_records import a_digest
from tests.harness.records import BUILDER, DEVELOPER_TOOLS, a_review, a_tool

REVERSED = "\u202etxeT desreveR"
ISOLATED = re.compile(r"""(?:<bdi>|\u2068|dir="auto"[^<>]*>)\Z""")
LINKED_DATA = re.compile(r"<script type=.application/ld.*?</script>", re.DOTALL)


def hostile_content() -> InMemoryContent:
    reviewer = msgspec.structs.replace(BUILDER, name=f"{REVERSED} R")
    category = msgspec.structs.replace(DEVELOPER_TOOLS, name=f"{REVERSED} C")
    tools = [
        a_tool("one", f"{REVERSED} 1", a_review(reviewer, 88), category=category, entry="paid"),
        a_tool("two", f"{REVERSED} 2", category=category, votes=(9, 1)),
        a_tool("three", f"{REVERSED} 3", a_review(reviewer, 30, "skip"), category=category),
        a_tool("gone", f"{REVERSED} 4", category=category, retired="Closed."),
    ]
    return InMemoryContent(tools, [category], [reviewer])


def assert_isolated(text: str) -> None:
    """Every right-to-left override stands right behind the beginning of an isolation."""
    text = LINKED_DATA.sub("", text)
    for match in re.finditer(REVERSED, text):
        assert ISOLATED.search(text, 0, match.start()), text[match.start() - 200 : match.end()]


BINARY_OR_CODE = (".json", ".js", ".css", ".gz", ".br", ".ico", ".png", ".svg")
PAGES = [
    path for path in catalogue.page_paths(hostile_content()) if not path.endswith(BINARY_OR_CODE)
]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_isolates_names(path: str) -> None:
    page = catalogue.render(hostile_content(), path, "https://verdicts.example")
    assert page is not None
    assert_isolated(page.decode())


def test_mail_isolates_names() -> None:
    moves = [msgspec.structs.replace(flip, name=REVERSED) for flip in a_digest().flips]
    digest = msgspec.structs.replace(a_digest(), flips=moves)
    for text in (
        digest_mail.html(InMemoryContent(), "", digest),
        digest_mail.text(InMemoryContent(), "", digest),
        subject(digest),
    ):
        assert REVERSED in text
        assert_isolated(text)


def test_what_needs_no_isolation_keeps_its_bytes() -> None:
    for name in ("SmolVLM 2.5", "Łódź", "東京モデル", "C++ (beta)", "a\u0301"):
        assert isolate(name) == name
    assert isolate("\u05d0\u05d1") == "\u2068\u05d0\u05d1\u2069"


def test_no_text_closes_its_isolation() -> None:
    assert bdi("a\u2069<b>") == "<bdi>a&lt;b&gt;</bdi>"
    assert isolate("\u202ea\u2069b\u2067c") == "\u2068\u202eabc\u2069"


def test_an_isolated_text_is_one_line() -> None:
    assert isolate("one\r\n two\u2028three") == "one two three"


def test_control_characters_are_left_out() -> None:
    assert drop_controls("a\x01b\x85c\x7f\td\n") == "abc\td\n"
    assert drop_controls(7) == 7
    assert type(drop_controls(bdi("\x01"))) is type(bdi("x"))


def test_no_page_shows_a_control_character() -> None:
    tool = a_tool(
        "one", "O\x01n\x85e", a_review(body="a\x01b\x85"), description="c\x08d", tagline="e\x1bf"
    )
    other = a_tool("two", "Two")
    content = InMemoryContent([tool, other], [DEVELOPER_TOOLS], [BUILDER])
    paths = catalogue.page_paths(content)
    for path in (path for path in paths if not path.endswith((".gz", ".ico", ".png"))):
        page = catalogue.render(content, path, "")
        assert page is not None
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", page.decode()), path
