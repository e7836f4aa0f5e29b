"""User texts stay text in a Markdown page."""

import re
from html import unescape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from publishers.views.text.markdown_escape import escape_block, escape_inline
from tests.publishers.views.text.markdown_readers import READERS, harm

# The most permissive reader: HTML and tables are on.
READER = MarkdownIt("commonmark", {"html": True}).enable("table")
FORBIDDEN = {"html_inline", "html_block", "heading_open", "table_open", "image"}
PIECES = ["`", "``", "```", "~~~", "\\", "<b>", "<!--", "\n", "\n\n", "\n- ", "\n1. ", "\n> "]
PIECES += ["    ", "  ", "\t", "|", "\n-|-\n", "---", "***", "#", "x", " ", "\u2028", "\r", "["]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=24).map("".join)
SETTLED = settings(max_examples=1500, deadline=None, derandomize=True, database=None)


def kinds(text: str) -> set[str]:
    """The types of all tokens that a Markdown reader finds."""
    tokens = READER.parse(text)
    return {token.type for block in tokens for token in (block, *(block.children or ()))}


def shown(text: str) -> str:
    """The words that a reader of Markdown sees."""
    inside = (block.children or [block] for block in READER.parse(text))
    return " ".join(" ".join(token.content for token in part).strip() for part in inside).strip()


@SETTLED
@given(TEXTS)
@example("`` a ` <b> ``` `` ` <b>")
@example("\\`<b>`")
@example("\\<b>")
@example("`x\n\n<b> `")
@example("    ```\n<b>\n    ```")
@example("- ```\n<b>\n- ```")
@example("x\n- `\n- <b> `")
@example("~~~\n`\n~~~\n<b> `")
@example("a|b\n-|-\nx|`y|<b>`")
@example("`x\u2028- <b> `")
@example("```|x\n-|-\n<b>|\n```")
def test_no_text_brings_html_headings_or_tables(text: str) -> None:
    assert not kinds(escape_block(text)) & {*FORBIDDEN, "hr"}
    assert not kinds(escape_inline(text)) & FORBIDDEN


MARKUP = [*PIECES, "<script>", "](", ")", "]", ": ", ":   ", "!!! x", "[^1]", "[^1]: ", "*[x]: "]
MARKUP += [
    "[[x]]",
    "[TOC]",
    "&lt;",
    "*",
    "_",
    "^",
    "~~",
    "=",
    "\x02",
    "\x03",
    "\x0b",
    "\x85",
    "\u2068",
]
MARKUP += [
    "(javascript:a)",
    "[x](javascript:a)",
    "[x]: javascript:a",
    "(https://a.example",
    "http://a.b",
]
MARKUP += [
    "{: onclick=a }",
    "{#id onclick=a}",
    "<a@b.example>",
    "www.a.example",
    "<div markdown=1>",
]


@settings(SETTLED, max_examples=150)
@given(st.lists(st.sampled_from(MARKUP), max_size=14).map("".join))
@example("[a](https://a.example[x](javascript:a)")
@example("[a](https://a.example` `<script>` `")
@example("x\n\x02!!! note\n\n    x")
@example("x\n- \x03:   x")
@example("^1 *[x]: y")
def test_no_reader_finds_harm_in_a_text(text: str) -> None:
    line = escape_inline(text)
    pages = [
        escape_block(text), line, f"# {line}", f"- Pro: {line}", f"[{line}](https://a.example/)",
        f"**{line}**", f"| a |\n| --- |\n| {line} |",
    ]  # fmt: skip
    for page in pages:
        for reader, render in READERS.items():
            assert harm(render(page)) == [], (reader, page)


@SETTLED
@given(TEXTS)
def test_no_text_can_leave_its_quotation(text: str) -> None:
    page = f"before\n\n{escape_block(text)}\n\nafter"
    blocks = [token.type for token in READER.parse(page) if token.level == 0]
    quotation = ["blockquote_open", "blockquote_close"] if text.strip() else []
    paragraph = ["paragraph_open", "paragraph_close"]
    assert blocks == [*paragraph, *quotation, *paragraph]


@pytest.mark.parametrize(
    "text",
    [
        "Streams in a *day*, and `a < b` in a minute.",
        "``code with a ` in it, and <b>``",
        "```html\n<b>\n\n  <i>\n```",
        "- one\n- two\n\n  ```\n  <b>\n  ```",
        "A [link](https://example.com/) and **more**.",
        "1. one\n2. two",
    ],
)
def test_the_markdown_subset_of_bodies_is_not_escaped(text: str) -> None:
    assert escape_block(text).splitlines() == [f"> {line}".rstrip() for line in text.splitlines()]


def test_code_over_two_lines_stays_code() -> None:
    assert escape_block("Use `a <\n  b` here.") == "> Use `a < b` here."


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a ` b <i>", "a ` b <i>"),
        ("\\`a <i>\\`", "`a <i>`"),
        ("# a\n> b", "# a  > b"),
        ("**a** ``` b", " a   ``` b"),
    ],
)
def test_other_markup_is_shown_as_text(text: str, seen: str) -> None:
    assert shown(escape_block(text)).split() == seen.split()


def test_a_long_text_is_escaped_quickly() -> None:
    for piece in ("`x``y```z", "- ", "```x\n", "~~~\n", "\\", "` ", "1. ", "|-"):
        text = (piece * 20_000)[:20_000]
        assert escape_block(text)


NOT_OURS = [
    *(
        "[x](javascript:alert(1))",
        "[x](/tools/)",
        "[x]: javascript:alert(1)\n\n[x]",
        "[^1]\n\n[^1]: x",
    ),
    *("[`]: javascript:a`\n\n[`]", "- [x]: data:x\n\n[x]", "<https://e.com>", "<a@e.com>"),
    *("~~gone~~", "&copy; &lt;", "![x](https://e.com/a.png)", "a | b\n--- | ---\nc | d"),
]


@pytest.mark.parametrize("text", NOT_OURS)
def test_what_our_subset_does_not_render_other_readers_do_not_either(text: str) -> None:
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    for escaped in (escape_block(text), escape_inline(text)):
        html = reader.render(escaped)
        for element in ("<a", "<img", "<table", "<s>", "<del", "\u00a9"):
            assert element not in html, escaped
        words = re.sub(r"\s+", "", unescape(re.sub("<[^>]*>", "", html)))
        assert words.lstrip("-").replace("`", "") == re.sub(r"\A-|[\s`]+", "", text)


@pytest.mark.parametrize(
    "text", ["https://e.com", "www.e.com", "HTTP://E.com", "a@e.com", "mailto:a@e.com", ":smile:"]
)
def test_no_reader_finds_a_link_or_emoji_in_a_bare_text(text: str) -> None:
    for escaped in (escape_block(text), escape_inline(text)):
        assert not re.search(r"://|www\.|@|:smile:|mailto:", escaped, re.IGNORECASE)
        assert shown(escaped) == text


@pytest.mark.parametrize("text", ["\\<b>", "<b>", "<!-- x", "a & b", "$x$", "{: #id}", "[ ] x"])
def test_no_escape_depends_on_the_reader(text: str) -> None:
    for escaped in (escape_block(text), escape_inline(text)):
        # An escaped backslash escapes nothing itself.
        escaped = escaped.replace("\\\\", "")
        assert not re.search(r"<|\\[^\\`*_{}\[\]()#+.!-]|\$|(?<!\\)[{\[]", escaped)


@pytest.mark.parametrize("text", ["1. x", "12) x", "- x", "+ x", "=== x", "# x", "> x", "| x"])
def test_a_name_begins_no_block(text: str) -> None:
    assert kinds(escape_inline(text)) == {"paragraph_open", "inline", "text", "paragraph_close"}
    assert shown(escape_inline(text)) == text
