"""The picture that shows a page where its link is shared (`og:image`), 1200 by 630 pixels.

It holds names and panel verdicts and no count of votes, so that it changes seldom. Its address has
a hash of what it shows.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw

from publishers.content.site_content import SiteContent
from publishers.pages.pictures.drawing import drawable, fitting_lines, font, png
from publishers.render_cache import page_cache
from publishers.templating.theme import OUR_LIGHT, Theme, current
from publishers.views.paths import comparison_path, tool_path
from publishers.views.tools.cards import card
from schemas.records import Tool
from schemas.text.isolation import drop_controls

NAME = "card.png"
WIDTH, HEIGHT = 1200, 630

_MARGIN = 72
_MAX_TITLE_LINES = 2
_TITLE_SIZES = (68, 56, 46)
_VERDICT_COLOURS = {"ship": "#0d6537", "skip": "#a0231b", "split": "#745000", "none": "#5d594f"}


class CardLine(NamedTuple):
    """A tool on a card: its name, and the panel's verdict in words and as a colour."""

    name: str
    verdict: str
    colour: str


class SocialCard(NamedTuple):
    """What a card shows: the tools, and a line under them."""

    lines: tuple[CardLine, ...]
    footer: str


def address(path: str, tools: Sequence[Tool], *, demo: bool) -> str:
    """The address of the card of a page."""
    shown = (_social_card(tools, demo=demo), current())
    digest = hashlib.sha256(repr(shown).encode()).hexdigest()[:12]
    return f"{path}{NAME}?v={digest}"


def render_tool_card(content: SiteContent, _: str, slug: str) -> bytes | None:
    """The card of one tool."""
    tool = content.tool_on_site(slug)
    return draw_card(_social_card([tool], demo=content.is_demo()), current()) if tool else None


def render_pair_card(content: SiteContent, _: str, one: str, other: str) -> bytes | None:
    """The card of a comparison of two tools, in the order of its path."""
    tools = [tool for slug in (one, other) if (tool := content.tool_on_site(slug))]
    if len(tools) < 2 or not one < other:
        return None
    return draw_card(_social_card(tools, demo=content.is_demo()), current())


def _social_card(tools: Sequence[Tool], *, demo: bool) -> SocialCard:
    theme = current()
    footer = drawable(theme.tagline, theme) + (" (demo)" if demo else "")
    return SocialCard(tuple(map(_line, tools)), footer.strip())


def _line(tool: Tool) -> CardLine:
    shown = card(tool)
    figures = f" · {shown.panel_mean}/100" if shown.reviews else ""
    return CardLine(
        # Its slug names a tool in any font.
        drawable(str(drop_controls(shown.name)), current(), otherwise=tool.tool),
        f"{shown.verdict_label}{figures}",
        _VERDICT_COLOURS[shown.verdict],
    )


@page_cache.by_value
def draw_card(shown: SocialCard, theme: Theme) -> bytes:
    """The picture as PNG."""
    colours = theme.light.over(OUR_LIGHT)
    image = Image.new("RGB", (WIDTH, HEIGHT), theme.card.background or colours["paper"])
    draw = ImageDraw.Draw(image)
    ink = theme.card.ink or colours["ink"]
    draw.rectangle((0, 0, WIDTH, 14), colours["accent"])
    draw.text((_MARGIN, 60), drawable(theme.name, theme), ink, font(theme, 34))
    top, room = 140, 360 // len(shown.lines)
    for line in shown.lines:
        _draw_line(draw, line, (top, top + room), ink, theme)
        top += room
    draw.text((_MARGIN, HEIGHT - 84), shown.footer, ink, font(theme, 30))
    return png(image)


def _draw_line(
    draw: ImageDraw.ImageDraw, line: CardLine, span: tuple[int, int], ink: str, theme: Theme
) -> None:
    """A tool between two heights: its name, and below it the verdict on its colour."""
    top, bottom = span
    most = _MAX_TITLE_LINES if bottom - top > 200 else 1
    y = top
    for size in _TITLE_SIZES:
        face = font(theme, size)
        texts = fitting_lines(draw, line.name, face, WIDTH - 2 * _MARGIN, most)
        if not texts[-1].endswith("…"):
            break
    for text in texts:
        draw.text((_MARGIN, y), text, ink, face)
        y += 80
    label = font(theme, 36)
    width = draw.textlength(line.verdict, font=label)
    draw.rounded_rectangle((_MARGIN, y + 8, _MARGIN + width + 40, y + 66), 16, line.colour)
    draw.text((_MARGIN + 20, y + 37), line.verdict, "#ffffff", label, anchor="lm")


def tool_card_address(tool: Tool, *, demo: bool) -> str:
    """The address of a tool's card."""
    return address(tool_path(tool.tool), [tool], demo=demo)


def comparison_card_address(tools: Sequence[Tool], *, demo: bool) -> str:
    """The address of the card of two tools; `tools` in slug order."""
    return address(comparison_path(*(tool.tool for tool in tools)), tools, demo=demo)
