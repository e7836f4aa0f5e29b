"""The files of a new theme: settings with all keys, a logo, and a template that extends ours."""

from collections.abc import Iterator
from pathlib import Path

from publishers.templating.theme import LOGO, SITE_FILE, STATIC, TEMPLATES

_SITE = """\
# The site's name and look. Every key is optional; without it, the site keeps ours.
name = "My site"
tagline = "Which AI tool should you ship with?"
language = "en"
imprint = "My company, 1 My Street, My Town"

# Links at the end of the footer.
[[links]]
label = "Privacy"
url = "https://example.com/privacy"

# Colours as #rrggbb: accent, paper (behind everything), surface (behind cards), ink (text).
# Text needs a contrast of 4.5:1; `verdicts up` and `verdicts theme check` refuse less.
[light]
accent = "#8a1f5c"

[dark]
accent = "#f5a3d0"

[mail]
sender = "My site"

# The picture of a shared link: its colours, and a font in static/ for scripts that ours lacks.
[card]
background = "#fff7fb"
ink = "#1c1b18"
# font = "my-font.ttf"
"""

_LOGO = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">
<circle cx="8" cy="8" r="8" fill="#8a1f5c"/>
</svg>
"""

_TEMPLATE = """\
{# A template here wins over ours of the same name; `ours/…` is ours, to extend and to include. #}
{% extends "ours/404.html" %}
"""

_STYLE = """\
/* Files here are served below /static/ with a hash in their name: {{ asset("my.css") }}. */
"""

FILES = {
    SITE_FILE: _SITE,
    LOGO: _LOGO,
    f"{TEMPLATES}/404.html": _TEMPLATE,
    f"{STATIC}/my.css": _STYLE,
}


def write_new_theme(folder: Path) -> Iterator[Path]:
    """Write the files into a folder, and name each."""
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        yield file
