"""What pictures have in common: fonts, text that fits, and PNG bytes."""

import unicodedata
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from publishers.render_cache import part_cache
from publishers.templating.theme import STATIC, Theme

_NO_CHARACTER, _PROBE_SIZE = "\U0010ffff", 32
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@part_cache.by_value
def font(theme: Theme, size: int) -> Font:
    """The theme's font for pictures, or the one that comes with Pillow; `size` in pixels."""
    file = theme.file(STATIC, theme.card.font) if theme.card.font else None
    return ImageFont.truetype(file, size) if file else ImageFont.load_default(size)


def drawable(text: str, theme: Theme, otherwise: str = "") -> str:
    """The text without accents and symbols that the font for pictures lacks, and so without boxes.

    Args:
        text: To draw.
        theme: Gives the font. Every font has ASCII.
        otherwise: What stands in where the font lacks a letter or digit, as of another script.
    """
    return text if text.isascii() else _without_boxes(text, theme, otherwise)


@part_cache.by_value
def _without_boxes(text: str, theme: Theme, otherwise: str) -> str:
    for spelling in (text, _without_accents(text)):
        missing = {character for character in set(spelling) if not _has_glyph(character, theme)}
        if not any(map(str.isalnum, missing)):
            left = "".join(character for character in spelling if character not in missing)
            return " ".join(left.split()) or otherwise
    return otherwise


def _without_accents(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text)
    return "".join(character for character in parts if not unicodedata.combining(character))


def _has_glyph(character: str, theme: Theme) -> bool:
    """Whether the font draws anything but what it draws for a code point that is no character."""
    face = font(theme, _PROBE_SIZE)
    shapes = [face.getmask(text) for text in (character, _NO_CHARACTER)]
    return character.isspace() or (shapes[0].size, bytes(shapes[0])) != (
        shapes[1].size,
        bytes(shapes[1]),
    )


def fitting_lines(
    draw: ImageDraw.ImageDraw, text: str, face: Font, width: int, most: int
) -> list[str]:
    """The text in at most so many lines, each at most so many pixels wide; the rest becomes `…`."""
    lines: list[str] = []
    rest = " ".join(text.split())
    while rest and len(lines) < most:
        line = _longest_start(draw, rest, face, width)
        rest = rest[len(line) :].lstrip()
        lines.append(line.rstrip())
    if rest:
        lines[-1] = _longest_start(draw, f"{lines[-1]}…", face, width, ending="…")
    return lines


def _longest_start(
    draw: ImageDraw.ImageDraw, text: str, face: Font, width: int, ending: str = ""
) -> str:
    """The longest start of a text that fits, cut between words where that is possible."""
    if draw.textlength(text, font=face) <= width:
        return text
    length = 0
    while length < len(text) and draw.textlength(text[: length + 1] + ending, font=face) <= width:
        length += 1
    length = max(length, 1)
    space = text.rfind(" ", 0, length + 1)
    return text[: space if space > 0 else length] + ending


def png(image: Image.Image) -> bytes:
    """The picture as PNG."""
    buffer = BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
