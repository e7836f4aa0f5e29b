"""Reads the texts of a content folder from disk."""

from pathlib import Path

from infra.errors import VerdictsError
from streams.content_files.model import KINDS


def read_folder(folder: Path) -> dict[str, str]:
    """The texts of all content files by path below the folder, with slashes.

    Hidden files and folders are left out.

    Raises:
        VerdictsError: A file cannot be read.
    """
    contents = {}
    for kind in KINDS:
        for file in sorted((folder / kind).rglob("*.md")):
            path = file.relative_to(folder)
            if not any(part.startswith(".") for part in path.parts):
                contents[path.as_posix()] = _read_text(file)
    return contents


def _read_text(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise VerdictsError(
            f"{file} is not UTF-8 (byte {error.start}); save it as UTF-8."
        ) from None
