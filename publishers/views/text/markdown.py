"""The small Markdown subset of reviews and descriptions: emphasis, code, links, lists, paragraphs.

Everything else, including HTML, is shown as text.
"""

from collections.abc import Iterable, Sequence

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

from publishers.render_cache import part_cache
from publishers.views.text.formatting import shorten
from schemas.text.isolation import drop_controls
from schemas.text.web_address import is_web_address


class _Subset(MarkdownIt):
    def __init__(self) -> None:
        super().__init__("zero", {"html": False})
        self.enable(["emphasis", "backticks", "fence", "link", "list", "escape", "newline"])
        self.add_render_rule("link_open", _link_open)

    def validateLink(self, url: str) -> bool:  # noqa: N802 (the parser calls it so)
        """Only absolute web addresses become links."""
        return is_web_address(url)


def _link_open(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    # A link in a user text gets no ranking from the site and no access to its window.
    tokens[index].attrSet("rel", "nofollow ugc noopener")
    return renderer.renderToken(tokens, index, options, env)


_PARSER = _Subset()


@part_cache.by_value
def to_html(text: str) -> Markup:
    """The text as safe HTML blocks."""
    return Markup(_PARSER.render(str(drop_controls(text))))  # noqa: S704 (the parser escapes its input)


@part_cache.by_value
def to_plain(text: str, length: int = 160) -> str:
    """The text on one line without markup, for descriptions of pages."""
    return shorten(" ".join(_words(_PARSER.parse(text))), length)


def _words(tokens: Iterable[Token]) -> Iterable[str]:
    for block in tokens:
        if block.children is None:
            yield block.content
        else:
            yield "".join(_inline(child) for child in block.children)


def _inline(token: Token) -> str:
    return " " if token.type in ("softbreak", "hardbreak") else token.content
