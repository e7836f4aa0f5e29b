"""Contrast of colours, as WCAG 2.2 defines it (1.4.3)."""

from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec

Colour = Annotated[str, msgspec.Meta(pattern="^#[0-9a-fA-F]{6}$")]

TEXT = 4.5
"""The least contrast of text with what is behind it."""
_MIDDLE = 0.18
"""Of luminance, as people see it."""

# Colours of text that no theme sets.
_FIXED = ("muted", "ship", "skip", "split")
# Foreground, background, and the contrast that the stylesheet relies on.
_PAIRS = (
    ("ink", "paper", TEXT),
    ("ink", "surface", TEXT),
    ("accent", "paper", TEXT),
    ("accent", "surface", TEXT),
    ("on-solid", "accent", TEXT),
    ("ink", "sunken", TEXT),
    ("muted", "sunken", TEXT),
    *((front, back, TEXT) for front in _FIXED for back in ("paper", "surface")),
)


def ratio(one: str, other: str) -> float:
    """The contrast of two colours `#rrggbb`, from 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def mix(one: str, other: str, share: float) -> str:
    """The colour between two, with a share of the first from 0 to 1."""
    channels = (
        round(int(one[at : at + 2], 16) * share + int(other[at : at + 2], 16) * (1 - share))
        for at in (1, 3, 5)
    )
    return "#" + "".join(f"{channel:02x}" for channel in channels)


def problems(scheme: str, colours: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each pair of a scheme's colours that is hard to read."""
    for front, back, least in _PAIRS:
        contrast = ratio(colours[front], colours[back])
        if contrast < least:
            yield (
                f"{scheme}.{front} ({colours[front]}) on {scheme}.{back} ({colours[back]}) has a "
                f"contrast of {contrast:.1f}:1, and text needs {least}:1; choose a "
                f"{_advice(front, back, colours)}."
            )


def card_problems(ink: str, background: str) -> Iterator[str]:
    """The sentence for the colours of social cards, where they are hard to read."""
    colours = {"card.ink": ink, "card.background": background}
    if ratio(ink, background) < TEXT:
        yield (
            f"card.ink ({ink}) on card.background ({background}) has a contrast of "
            f"{ratio(ink, background):.1f}:1, and text needs {TEXT}:1; choose a "
            f"{_advice('card.ink', 'card.background', colours)}."
        )


def _advice(front: str, back: str, colours: Mapping[str, str]) -> str:
    """Which colour to change, and how: the text's, or the one behind it where that is fixed."""
    on_light = _luminance(colours[back]) > _MIDDLE
    if front in _FIXED:
        # The sunken areas are a shade of the paper.
        behind = back.replace("sunken", "paper")
        return f"{'lighter' if _luminance(colours[front]) < _MIDDLE else 'darker'} {behind}"
    return f"{'darker' if on_light else 'lighter'} {front}"


def _luminance(colour: str) -> float:
    """The relative luminance, from 0 for black to 1 for white."""
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
