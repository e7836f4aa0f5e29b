"""The site's icons: a file of the theme's `static/`, or one that is drawn in its colours."""

from collections.abc import Callable
from io import BytesIO

import msgspec
from PIL import Image, ImageDraw

from publishers.content.site_content import SiteContent
from publishers.pages.pictures.drawing import font, png
from publishers.render_cache import part_cache
from publishers.templating import assets
from publishers.templating.theme import OUR_LIGHT, Theme, current

FAVICON, TOUCH_ICON, MANIFEST = "/favicon.ico", "/apple-touch-icon.png", "/site.webmanifest"
PATHS = (FAVICON, TOUCH_ICON, MANIFEST)

_SIZE = 180
_FAVICON_SIZES = [(16, 16), (32, 32), (48, 48)]
_SHIP, _SKIP = "#178a4d", "#c4372c"


def render_favicon(_: SiteContent, __: str) -> bytes:
    """`favicon.ico` with three sizes."""
    return _given_or_drawn("favicon.ico", _favicon)


def render_touch_icon(_: SiteContent, __: str) -> bytes:
    """`apple-touch-icon.png`, 180 pixels wide and without transparency."""
    return _given_or_drawn("apple-touch-icon.png", _touch_icon)


def render_manifest(_: SiteContent, __: str) -> bytes:
    """The web app manifest."""
    theme = current()
    manifest = {
        "name": theme.name,
        "short_name": theme.name,
        "description": theme.tagline,
        "lang": theme.language,
        "start_url": "/",
        "display": "browser",
        "background_color": theme.light.over(OUR_LIGHT)["paper"],
        "theme_color": theme.light.over(OUR_LIGHT)["paper"],
        "icons": [
            {"src": assets.address("logo.svg"), "type": "image/svg+xml", "sizes": "any"},
            {"src": TOUCH_ICON, "type": "image/png", "sizes": f"{_SIZE}x{_SIZE}"},
        ],
    }
    return msgspec.json.format(msgspec.json.encode(manifest))


def _given_or_drawn(name: str, draw: Callable[[Theme], bytes]) -> bytes:
    given = assets.content(name)
    return draw(current()) if given is None else given


@part_cache.by_value
def _favicon(theme: Theme) -> bytes:
    buffer = BytesIO()
    _mark(theme).save(buffer, "ICO", sizes=_FAVICON_SIZES)
    return buffer.getvalue()


@part_cache.by_value
def _touch_icon(theme: Theme) -> bytes:
    return png(_mark(theme))


def _mark(theme: Theme) -> Image.Image:
    """Two bars, ours; of a theme of its own, the first letter of the site's name."""
    if theme.folder is None:
        image = Image.new("RGB", (_SIZE, _SIZE), OUR_LIGHT["paper"])
        draw = ImageDraw.Draw(image)
        draw.rounded_rectangle((28, 28, 84, 151), 14, _SHIP)
        draw.rounded_rectangle((96, 28, 151, 151), 14, _SKIP)
        return image
    accent = theme.light.over(OUR_LIGHT)["accent"]
    image = Image.new("RGB", (_SIZE, _SIZE), accent)
    letter = theme.name.strip()[0].upper()
    ImageDraw.Draw(image).text(
        (_SIZE / 2, _SIZE / 2), letter, OUR_LIGHT["on-solid"], font(theme, 120), anchor="mm"
    )
    return image
