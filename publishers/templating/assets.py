"""The files in `static/`, ours and the theme's, with a hash of their content in their addresses.

A theme's file wins over ours of the same name. Its colours are appended to the stylesheet.
"""

import gzip
import hashlib
from pathlib import Path, PurePosixPath

from publishers.render_cache import part_cache
from publishers.templating.theme import LOGO, OUR_DARK, OUR_LIGHT, STATIC, Theme, current

_FOLDER = Path(__file__).parents[1] / "static"
_STYLESHEET = "site.css"
TYPES = {
    ".avif": "image/avif",
    ".css": "text/css; charset=utf-8",
    ".gz": "application/gzip",
    ".ico": "image/vnd.microsoft.icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".otf": "font/otf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_DARK = "(prefers-color-scheme: dark)"
_COMPRESSIBLE = (".css", ".js", ".svg")


def assets() -> dict[str, bytes]:
    """Content by address: `/static/site.<hash>.css`."""
    return _assets(current())


def compressed_assets() -> dict[str, bytes]:
    """The texts among them compressed, for web servers that serve `.gz` files."""
    return _compressed_assets(current())


def address(name: str) -> str:
    """The address of a file by its name (`site.css`).

    Raises:
        FileNotFoundError: There is no such file.
    """
    try:
        return _addresses(current())[name]
    except KeyError:
        raise FileNotFoundError(f"there is no {name} in static/") from None


def content(name: str) -> bytes | None:
    """The content of a file by its name; None if there is no such file."""
    return _contents(current()).get(name)


@part_cache.by_value
def _assets(theme: Theme) -> dict[str, bytes]:
    return {_address(name, body): body for name, body in _contents(theme).items()}


@part_cache.by_value
def _compressed_assets(theme: Theme) -> dict[str, bytes]:
    return {
        f"{path}.gz": gzip.compress(body, 9, mtime=0)
        for path, body in _assets(theme).items()
        if path.endswith(_COMPRESSIBLE)
    }


@part_cache.by_value
def _addresses(theme: Theme) -> dict[str, str]:
    return {name: _address(name, body) for name, body in _contents(theme).items()}


@part_cache.by_value
def _contents(theme: Theme) -> dict[str, bytes]:
    """Content by name."""
    files = _files(_FOLDER)
    if folder := theme.file(STATIC):
        files |= _files(folder)
    if logo := theme.file(LOGO):
        files[LOGO] = logo
    contents = {name: file.read_bytes() for name, file in sorted(files.items())}
    contents[_STYLESHEET] += _colours(theme).encode()
    return contents


def _files(folder: Path) -> dict[str, Path]:
    """The files of a folder and of the folders in it, by their name from there."""
    return {
        file.relative_to(folder).as_posix(): file
        for file in folder.rglob("*")
        if file.suffix in TYPES and file.is_file()
    }


def _colours(theme: Theme) -> str:
    """The theme's colours as rules after ours; empty if it has none."""
    schemes = (
        (f"not {_DARK}", theme.light.changed(OUR_LIGHT)),
        (_DARK, theme.dark.changed(OUR_DARK)),
    )
    return "".join(
        f"\n@media {query} {{ :root {{ {_properties(colours)} }} }}\n"
        for query, colours in schemes
        if colours
    )


def _properties(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())


def _address(name: str, body: bytes) -> str:
    path, digest = PurePosixPath(name), hashlib.sha256(body).hexdigest()[:12]
    return f"/static/{path.with_suffix('')}.{digest}{path.suffix}"
