"""A theme that is as different from ours as a theme can be: every colour, text, logo, templates."""

from pathlib import Path

SITE = """
name = "Tool Bench"
tagline = "Tools, tried."
language = "en-GB"
imprint = "Bench Ltd, 1 Plane Street, London"

[[links]]
label = "Privacy"
url = "/privacy/"

[[links]]
label = "Contact"
url = "mailto:bench@toolbench.example"

[light]
accent = "#8a1f5c"
paper = "#fff4e0"
surface = "#fffdf8"
ink = "#2b1a10"

[dark]
accent = "#f5a3d0"
paper = "#0b1626"
surface = "#13233a"
ink = "#eef4ff"

[mail]
sender = "The bench"

[card]
background = "#0b1626"
ink = "#eef4ff"
"""
LOGO = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">
<path d="M1 12h14v3H1zM3 1h10v9H3z" fill="#8a1f5c"/>
</svg>
"""
ABOUT = """\
{% extends "ours/about.html" %}
{% block main %}
{{ super() }}
<section class="prose"><h2>The bench</h2><p>We build what we try.</p></section>
{% endblock %}
"""


def write_second_theme(folder: Path) -> Path:
    """Write the theme's files."""
    for name, text in (
        ("site.toml", SITE),
        ("logo.svg", LOGO),
        ("templates/about.html", ABOUT),
        ("static/notes.txt", "Served as it is."),
    ):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder
