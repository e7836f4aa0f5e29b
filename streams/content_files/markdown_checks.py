"""Markdown that readers would see as raw text, because pages show a small subset of it."""

from collections.abc import Iterator
from typing import Any

from markdown_it import MarkdownIt

from schemas.text.web_address import is_web_address

_FULL = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_WHOLE_BLOCKS = {
    "heading_open": "a heading",
    "table_open": "a table",
    "html_block": "HTML",
    "blockquote_open": "a quotation (>)",
    "hr": "a horizontal line",
    "code_block": "code by indentation; use a line ``` above and below it",
}
_INLINE = {"image": "a picture", "html_inline": "HTML", "s_open": "text struck through (~~)"}
_PLAIN = frozenset("#>|<!~\\-=_*[ \t")


def find_raw_markdown(text: str) -> Iterator[tuple[int, str]]:
    """Each part of a text that would be shown raw: its line in the text from 0, and its name."""
    if _PLAIN.isdisjoint(text):
        return
    environment: dict[str, Any] = {}
    for token in _FULL.parse(text, environment):
        line = token.map[0] if token.map else 0
        if token.type in _WHOLE_BLOCKS:
            yield line, _WHOLE_BLOCKS[token.type]
        for child in token.children or ():
            if name := _name_inline(child):
                yield line, name
            line += child.type in ("softbreak", "hardbreak")
    for reference in environment.get("references", {}).values():
        yield reference["map"][0], "a link by reference; write [text](https://…)"


def _name_inline(token: Any) -> str | None:
    if token.type != "link_open":
        return _INLINE.get(token.type)
    address = str(token.attrGet("href") or "")
    if token.info == "auto":
        return "an address in <>; write [text](https://…)"
    return None if is_web_address(address) else f"a link to {address!r}, which is no web address"
