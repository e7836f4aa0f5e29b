"""Readers of Markdown that are not ours, and what no page of theirs may hold."""

from collections.abc import Callable, Mapping
from html.parser import HTMLParser

import markdown
from markdown_it import MarkdownIt

EXTENSIONS = [
    "abbr", "admonition", "attr_list", "def_list", "fenced_code", "footnotes", "legacy_attrs",
    "legacy_em", "md_in_html", "meta", "nl2br", "sane_lists", "smarty", "tables", "toc",
    "wikilinks",
]  # fmt: skip
"""Those of Python-Markdown that need no other package."""

READERS: Mapping[str, Callable[[str], str]] = {
    "CommonMark": MarkdownIt("commonmark", {"html": True}).render,
    "GFM": MarkdownIt("gfm-like", {"html": True}).render,
    "Python-Markdown": markdown.markdown,
    "Python-Markdown with extensions": lambda text: markdown.markdown(text, extensions=EXTENSIONS),
}

_ATTRIBUTES: Mapping[str, set[str]] = {
    "a": {"href"},
    "code": {"class"},
    "h1": {"id"},
    "h2": {"id"},
    "h3": {"id"},
    "li": set(),
    "ol": {"start"},
    "td": {"style"},
    "th": {"style"},
    **{
        tag: set()
        for tag in (
            "blockquote", "br", "em", "hr", "p", "pre", "strong", "table", "tbody", "thead", "tr",
            "ul",
        )
    },
}  # fmt: skip
"""The elements that the subset of bodies and our templates lead to, with their attributes."""
_SCHEMES = ("http://", "https://")


class _Harm(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _ATTRIBUTES:
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if name not in _ATTRIBUTES.get(tag, ()):
                self.found.append(f"<{tag} {name}>")
            if name == "href" and not (value or "").startswith(_SCHEMES):
                self.found.append(f"link to {value}")
            if name == "style" and not (value or "").startswith("text-align:"):
                self.found.append(f"style {value}")

    def handle_comment(self, data: str) -> None:
        self.found.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.found.append(f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        self.found.append(f"<?{data}>")

    def unknown_decl(self, data: str) -> None:
        self.found.append(f"<![{data}]>")


def harm(html: str) -> list[str]:
    """What the HTML holds beyond text, its emphasis and structure, and links to the web."""
    parser = _Harm()
    parser.feed(html)
    parser.close()
    return parser.found
