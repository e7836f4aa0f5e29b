"""The site's name and look: from a theme's folder, or our own.

A folder may hold `site.toml`, `logo.svg`, `templates/` and `static/`, each of them optional. A
process serves one site, so it loads one theme when it starts, and every page reads `current()`.
"""

import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from infra.errors import VerdictsError
from infra.settings import Settings
from publishers.templating import contrast
from publishers.templating.contrast import Colour
from schemas.text.web_address import is_web_address

SITE_FILE, LOGO, TEMPLATES, STATIC = "site.toml", "logo.svg", "templates", "static"
OUR_LIGHT = {
    "paper": "#faf9f5",
    "surface": "#ffffff",
    "ink": "#1c1b18",
    "sunken": "#f1efe8",
    "accent": "#2d46b9",
    "on-solid": "#ffffff",
    "muted": "#5d594f",
    "ship": "#0d6537",
    "skip": "#a0231b",
    "split": "#745000",
}
OUR_DARK = {
    "paper": "#141412",
    "surface": "#1d1d1a",
    "ink": "#f2f0e9",
    "sunken": "#262622",
    "accent": "#a9b8ff",
    "on-solid": "#141412",
    "muted": "#b0aba0",
    "ship": "#82dba6",
    "skip": "#ffa49a",
    "split": "#eccb7b",
}

_SHADES = {"sunken": 0.06, "line": 0.14}
"""Areas and lines on the paper, by their share of ink."""
_MAX_TEXT = 300
_LANGUAGE = re.compile("[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class ThemeError(VerdictsError):
    """A theme cannot be used; the message is one sentence that names the file."""


class Palette(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Colours of one scheme as `#rrggbb`; None leaves ours.

    Attributes:
        accent: Links under the pointer, focus, and the leading card.
        paper: Behind everything.
        surface: Behind cards.
        ink: Text.
    """

    accent: Colour | None = None
    paper: Colour | None = None
    surface: Colour | None = None
    ink: Colour | None = None

    def over(self, ours: dict[str, str]) -> dict[str, str]:
        """All colours of the scheme, these before ours."""
        return ours | self.changed(ours)

    def changed(self, ours: dict[str, str]) -> dict[str, str]:
        """The colours that are not ours: those given, and the shades of a given paper."""
        given = self.given()
        if not self.paper:
            return given
        ink = given.get("ink", ours["ink"])
        shades = {name: contrast.mix(ink, self.paper, share) for name, share in _SHADES.items()}
        return given | shades

    def given(self) -> dict[str, str]:
        """The colours that are not ours."""
        return {name: colour for name, colour in msgspec.structs.asdict(self).items() if colour}


class FooterLink(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A link in the footer: a path of this site, or an http(s) or mailto address."""

    label: str
    url: str


class Mail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The name that mails come from; empty: the site's."""

    sender: str = ""


class CardLook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The social card: colours, and a TrueType or OpenType font in `static/`."""

    background: Colour | None = None
    ink: Colour | None = None
    font: str = ""


class Theme(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a site says of itself, and where its own files are.

    Attributes:
        name: Of the site.
        tagline: One sentence, for the home page and social cards.
        language: Of the site's texts, as in BCP 47.
        imprint: A line in the footer; empty for none.
        links: In the footer, after ours.
        light: Colours of the light scheme.
        dark: Colours of the dark scheme.
        mail: How mails name their sender.
        card: How social cards look.
        folder: Absolute path; None for our own look.
    """

    name: str = "Verdicts"
    tagline: str = "Which AI tool should you ship with?"
    language: str = "en"
    imprint: str = ""
    links: tuple[FooterLink, ...] = ()
    light: Palette = Palette()
    dark: Palette = Palette()
    mail: Mail = Mail()
    card: CardLook = CardLook()
    folder: Path | None = None

    @property
    def sender(self) -> str:
        """The name that mails come from."""
        return self.mail.sender or self.name

    def file(self, *parts: str) -> Path | None:
        """A file or folder of the theme; None if it has none of this name."""
        path = self.folder.joinpath(*parts) if self.folder else None
        return path if path and path.exists() else None


_theme = Theme()


def current() -> Theme:
    """The theme of this process."""
    return _theme


def use(theme: Theme) -> None:
    """Make this the theme of the process; call it before the first page is rendered."""
    global _theme
    _theme = theme


@contextmanager
def using(theme: Theme) -> Iterator[None]:
    """Use a theme for a while."""
    before = current()
    use(theme)
    try:
        yield
    finally:
        use(before)


def activate(settings: Settings) -> None:
    """Make the theme that the settings name the theme of this process.

    Raises:
        ThemeError: It cannot be used.
    """
    use(load(settings.theme))


def load(folder: Path | None) -> Theme:
    """Read a theme from its folder; None is our own.

    Raises:
        ThemeError: The folder or its `site.toml` cannot be used.
    """
    if folder is None:
        return Theme()
    if not folder.is_dir():
        raise ThemeError(
            f"There is no theme in {folder}; `verdicts theme init {folder}` starts one."
        )
    theme = msgspec.structs.replace(_parse(folder / SITE_FILE), folder=folder.absolute())
    for problem in _problems(theme):
        raise ThemeError(f"{folder / SITE_FILE}: {problem}")
    return theme


def _parse(file: Path) -> Theme:
    try:
        values: dict[str, Any] = tomllib.loads(file.read_text()) if file.exists() else {}
        if "folder" in values:
            raise ThemeError(f"{file}: there is no setting `folder`.")
        return msgspec.convert(values, Theme)
    except UnicodeDecodeError:
        raise ThemeError(f"{file} is no UTF-8 text.") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ThemeError(f"{file}: {error}.") from None


def _problems(theme: Theme) -> Iterator[str]:
    texts = {"name": theme.name, "tagline": theme.tagline, "imprint": theme.imprint}
    for key, text in {**texts, "mail.sender": theme.mail.sender}.items():
        if len(text) > _MAX_TEXT or not text.isprintable():
            yield f"`{key}` must be one line of at most {_MAX_TEXT} characters."
    if not theme.name.strip():
        yield "`name` must not be empty."
    if not _LANGUAGE.fullmatch(theme.language):
        yield f"`language` must be a language tag like `en` or `pt-BR`, and not {theme.language!r}."
    for link in theme.links:
        if not (link.url.startswith(("/", "mailto:")) or is_web_address(link.url)):
            yield f"the link {link.label!r} needs a path, or an http, https or mailto address."
    yield from contrast.problems("light", theme.light.over(OUR_LIGHT))
    yield from contrast.problems("dark", theme.dark.over(OUR_DARK))
    yield from contrast.card_problems(
        theme.card.ink or theme.light.over(OUR_LIGHT)["ink"],
        theme.card.background or theme.light.over(OUR_LIGHT)["paper"],
    )
    if theme.card.font and not theme.file(STATIC, theme.card.font):
        yield f"`card.font` names {theme.card.font!r}, which is not in {STATIC}/."
