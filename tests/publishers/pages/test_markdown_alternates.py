"""The Markdown files of tools and comparisons, as readers that are not ours render them."""

from collections.abc import Iterator

import msgspec
import pytest

from publishers.content.in_memory_content import InMemoryContent
from publishers.pages import catalogue
from tests.harness.records import BUILDER, DEVELOPER_TOOLS, a_review, a_tool
from tests.publishers.views.text.markdown_readers import READERS, harm

SCRIPT = "javascript:alert(1)"
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<!-- x --> <?php x ?> <!DOCTYPE x> <![CDATA[x]]>",
    f'<a href="{SCRIPT}">x</a>',
    "<div markdown=1>\n\n<script>x</script>\n\n</div>",
    "<p onclick=x>\n\n*x*",
    f"[x]({SCRIPT})",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\nscript:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](vbscript:x) [x](data:text/html;base64,PHNjcmlwdD4=) [x](file:///etc/passwd)",
    f'[x](<{SCRIPT}> "title")',
    f"![x]({SCRIPT})",
    f"[x]: {SCRIPT}\n\n[x] [x][] [y][x]",
    f"[x]:\n  <{SCRIPT}>\n  'title'\n\n[x]",
    f"> [x]: {SCRIPT}\n\n[x]",
    f"- [x]: {SCRIPT}\n\n[x]",
    f"<{SCRIPT}>",
    "<a@example.com> mailto:a@example.com a@example.com",
    "[[x]] [^1]\n\n[^1]: x",
    "*[HTML]: x\n\nHTML",
    '!!! note "x"\n    <script>alert(1)</script>',
    "x\n:   <script>alert(1)</script>",
    "x {: onclick=alert(1) }\n{: #id .class onclick=alert(1) }",
    "# x {onclick=alert(1)}",
    "{@onclick=alert(1)} *x*",
    "[TOC]",
    "```html\n<script>alert(1)</script>\n```",
    "```\n<script>alert(1)</script>",
    "```\n```` <script>alert(1)</script>\n```",
    "    <script>alert(1)</script>",
    "- x\n\n      <script>alert(1)</script>\n- ```\n<script>alert(1)</script>\n- ```",
    "`` ` `` <script>alert(1)</script> `` ` ``",
    "`x\n\n<script>alert(1)</script>`",
    "\\`<script>alert(1)</script>\\`",
    "\\<script>alert(1)\\</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "a | b\n--|--\n<script>x</script> | `|` <script>x</script>",
    "x\u2028<script>alert(1)</script>\u2029<script>x</script>",
    "x\x0b<script>alert(1)</script>\x0c<script>x</script>\x85<script>x</script>",
    "\x02wzxhzdk:0\x03 \x02klzzwxh:0000\x03 <script>alert(1)</script>",
    "Title: x\nonclick: x\n\n<script>alert(1)</script>",
    "[a](https://a.example[x](javascript:alert(1))",
    "[a](https://a.example` `<script>alert(1)</script>` `",
    "x\n\x02!!! note\n\n    x",
    "x\n- \x03:   x",
    "^1 *[x]: y",
    "| <script>alert(1)</script> |\n|---|",
    "**<script>alert(1)**</script> __<b>__ ~~<i>~~ ^<u>^",
]


def content_of(text: str) -> InMemoryContent:
    """Two tools, a reviewer and a category of which every text is the same."""
    reviewer = msgspec.structs.replace(BUILDER, name=text)
    category = msgspec.structs.replace(DEVELOPER_TOOLS, name=text)
    review = a_review(reviewer, body=text, pros=(text, text), cons=(text,), disclosure=text)
    tools = [
        a_tool(
            slug, text, review, category=category, tagline=text, description=text, pricing=text,
            best_for=text, url="https://example.com/(x)?a=<b>&c='\"",
        )
        for slug in ("one", "two")
    ]  # fmt: skip
    return InMemoryContent(tools, [category], [reviewer])


def alternates(text: str) -> Iterator[str]:
    content = content_of(text)
    for path in ("/tools/one/index.md", "/compare/one-vs-two/index.md"):
        alternate = catalogue.render(content, path, "https://verdicts.example")
        assert alternate is not None
        yield alternate.decode()


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("text", HOSTILE)
def test_no_reader_finds_script_html_or_other_links_in_a_text(text: str, reader: str) -> None:
    for alternate in alternates(text):
        html = READERS[reader](alternate)
        assert harm(html) == [], html


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_finds_what_a_text_may_hold(reader: str) -> None:
    text = "A *day*, **more**, `code` and [a link](https://example.com/)."
    for alternate in alternates(text):
        html = READERS[reader](alternate)
        assert harm(html) == []
        for element in ("<em>day</em>", "<strong>more</strong>", "<code>code</code>"):
            assert element in html
        assert '<a href="https://example.com/">a link</a>' in html
