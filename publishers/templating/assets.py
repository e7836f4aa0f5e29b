"""The stylesheet and the script, with a hash of their content in their addresses."""

import gzip
import hashlib
from pathlib import Path

from publishers.render_cache import part_cache

_FOLDER = Path(__file__).parents[1] / "static"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".gz": "application/gzip",
    ".js": "text/javascript; charset=utf-8",
}


@part_cache.by_value
def assets() -> dict[str, bytes]:
    """Content by address: `/static/site.<hash>.css`."""
    files = sorted(path for path in _FOLDER.iterdir() if path.suffix in TYPES)
    return {_address(path): path.read_bytes() for path in files}


@part_cache.by_value
def compressed_assets() -> dict[str, bytes]:
    """The same files compressed, for web servers that serve `.gz` files."""
    return {f"{path}.gz": gzip.compress(body, 9, mtime=0) for path, body in assets().items()}


@part_cache.by_value
def address(name: str) -> str:
    """The address of a file by its name (`site.css`).

    Raises:
        FileNotFoundError: There is no such file.
    """
    return _address(_FOLDER / name)


def _address(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return f"/static/{path.stem}.{digest}{path.suffix}"
