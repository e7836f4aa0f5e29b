import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from publishers.pages import catalogue, digest_mail
from publishers.pages.html import pages_on_request
from publishers.templating import assets, contrast, theme
from publishers.templating.new_theme import write_new_theme
from publishers.templating.theme import OUR_DARK, OUR_LIGHT, ThemeError, load, using
from tests.harness.digest_records import a_digest, content_with_digests

SITE = "https://toolbench.example"
CONTENT = content_with_digests()
OURS = ("Verdicts", "verdicts.example")
NOUN = re.compile(r"\b(AI Tool Verdicts|Community Verdicts|Panel Verdicts)\b", re.IGNORECASE)

SETTINGS = """
name = "Tool Bench"
tagline = "Tools, tried."
language = "en-GB"
imprint = "Bench Ltd, London"

[[links]]
label = "Privacy"
url = "/privacy/"

[light]
accent = "#8a1f5c"

[dark]
accent = "#f5a3d0"

[mail]
sender = "The bench"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site.toml").write_text(SETTINGS)
    return tmp_path


@pytest.fixture
def themed(folder: Path) -> Iterator[Path]:
    with using(load(folder)):
        yield folder


def pages() -> Iterator[tuple[str, str]]:
    """Every text of the site by path, and the message of a digest."""
    binary = (".gz", ".ico", ".png", ".css", ".js")
    for path in catalogue.page_paths(CONTENT):
        if not path.endswith(binary):
            yield path, (catalogue.render(CONTENT, path, SITE) or b"").decode()
    yield "405", pages_on_request.render_not_allowed(SITE).decode()
    yield "503", pages_on_request.render_unavailable(SITE).decode()
    yield (
        "mail",
        digest_mail.html(CONTENT, SITE, a_digest()) + digest_mail.text(CONTENT, SITE, a_digest()),
    )
    yield "message", digest_mail.message(CONTENT, SITE, a_digest()).decode()


def test_our_name_is_in_no_file_of_a_site_with_a_name_of_its_own(themed: Path) -> None:
    for path, text in pages():
        # The word as a noun stays: "Weekly AI Tool Verdicts", "how verdicts work".
        assert "Verdicts" not in NOUN.sub("", text), path


def test_the_name_is_in_titles_feeds_manifest_and_mail(themed: Path) -> None:
    texts = dict(pages())
    assert "· Tool Bench</title>" in texts["/"]
    assert '<html lang="en-GB">' in texts["/"]
    assert "<title>Tool Bench: everything new</title>" in texts["/feed.xml"]
    assert '"name": "Tool Bench"' in texts["/site.webmanifest"]
    assert texts["/llms.txt"].startswith("# Tool Bench\n")
    assert "From: The bench <digest@toolbench.example>" in texts["message"]


def test_imprint_and_links_are_in_the_footer(themed: Path) -> None:
    footer = dict(pages())["/"].partition("<footer")[2]
    assert "Bench Ltd, London" in footer
    assert '<a href="/privacy/">Privacy</a>' in footer


def test_colours_come_after_ours_each_in_its_scheme(themed: Path) -> None:
    style = (assets.content("site.css") or b"").decode()
    light, dark = style.index("--accent: #8a1f5c"), style.index("--accent: #f5a3d0")
    assert style.rindex("@media not (prefers-color-scheme: dark)", 0, light) < light < dark
    assert assets.address("site.css") in assets.assets()


def test_areas_on_a_paper_of_the_theme_are_shades_of_it(folder: Path) -> None:
    (folder / "site.toml").write_text('[dark]\npaper = "#000000"\nink = "#ffffff"\n')
    with using(load(folder)):
        style = (assets.content("site.css") or b"").decode()
    assert "--paper: #000000; --ink: #ffffff; --sunken: #0f0f0f; --line: #242424;" in style


def test_a_template_of_the_theme_wins_and_can_extend_ours(folder: Path) -> None:
    (folder / "templates").mkdir()
    (folder / "templates" / "base.html").write_text(
        '{% extends "ours/base.html" %}{% block main %}<p>Mine</p>{% endblock %}'
    )
    with using(load(folder)):
        page = pages_on_request.render_unavailable(SITE).decode()
    assert "· Tool Bench</title>" in page


def test_a_file_of_the_theme_wins_and_new_ones_are_served(folder: Path) -> None:
    (folder / "static" / "fonts").mkdir(parents=True)
    (folder / "static" / "site.js").write_text("// mine")
    (folder / "static" / "fonts" / "a.woff2").write_bytes(b"font")
    (folder / "static" / "favicon.ico").write_bytes(b"icon")
    (folder / "logo.svg").write_text("<svg/>")
    with using(load(folder)):
        files = assets.assets()
        assert files[assets.address("site.js")] == b"// mine"
        assert re.fullmatch(
            r"/static/fonts/a\.[0-9a-f]{12}\.woff2", assets.address("fonts/a.woff2")
        )
        assert files[assets.address("logo.svg")] == b"<svg/>"
        assert catalogue.render(CONTENT, "/favicon.ico", SITE) == b"icon"


def test_after_a_theme_the_site_is_ours_again(folder: Path) -> None:
    before = catalogue.render(CONTENT, "/", SITE)
    with using(load(folder)):
        assert catalogue.render(CONTENT, "/", SITE) != before
    assert catalogue.render(CONTENT, "/", SITE) == before


def test_a_new_theme_is_usable_as_it_is(tmp_path: Path) -> None:
    assert {file.name for file in write_new_theme(tmp_path)} >= {"site.toml", "logo.svg"}
    with using(load(tmp_path)):
        assert "· My site</title>" in dict(pages())["/"]
        assert "· My site</title>" in dict(pages())["/404.html"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ("name = ", "site.toml"),
        ('name = ""', "`name` must not be empty"),
        ('name = "a\\nb"', "`name` must be one line"),
        ('nmae = "Typo"', "unknown field `nmae`"),
        ('folder = "/etc"', "no setting `folder`"),
        ('language = "English please"', "language tag like `en`"),
        ('[light]\naccent = "pink"', "matching regex"),
        ('[light]\naccent = "#ffc0cb"', "choose a darker accent"),
        ('[dark]\nink = "#333333"', "choose a lighter ink"),
        ('[light]\naccent = "#000000"\npaper = "#bbbbbb"', "choose a lighter paper"),
        ('[dark]\nsurface = "#777777"\nink = "#ffffff"', "choose a "),
        ('[card]\nbackground = "#333333"', "choose a lighter card.ink"),
        ('[[links]]\nlabel = "x"\nurl = "javascript:alert(1)"', "needs a path, or an http"),
        ('[card]\nfont = "missing.ttf"', "which is not in static/"),
    ],
)
def test_a_theme_that_cannot_be_used_is_refused_with_a_sentence(
    tmp_path: Path, settings: str, sentence: str
) -> None:
    (tmp_path / "site.toml").write_text(settings)
    with pytest.raises(ThemeError, match=re.escape(sentence)):
        load(tmp_path)


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ThemeError, match="verdicts theme init"):
        load(tmp_path / "nowhere")


def test_the_palettes_are_those_of_the_stylesheet() -> None:
    with using(theme.Theme()):
        style = (assets.content("site.css") or b"").decode()
    light, dark = style.split("@media (prefers-color-scheme: dark)", 1)
    for palette, rules in ((OUR_LIGHT, light), (OUR_DARK, dark)):
        for name, colour in palette.items():
            shorthand = "#fff" if colour == "#ffffff" else colour
            assert f"--{name}: {shorthand};" in rules


def test_our_own_colours_have_enough_contrast() -> None:
    assert [*contrast.problems("light", OUR_LIGHT), *contrast.problems("dark", OUR_DARK)] == []


def test_contrast_is_that_of_wcag() -> None:
    assert contrast.ratio("#000000", "#ffffff") == pytest.approx(21)
    assert contrast.ratio("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
