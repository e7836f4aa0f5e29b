"""Secrets that are made once and kept in the data folder, for the owner's eyes alone."""

import os
from pathlib import Path


def keep(path: Path, candidate: str) -> str:
    """The secret in this file, which holds `candidate` from now on if it held none.

    The file is never seen half written, nor with a mode other than 0600.
    """
    try:
        kept = path.read_text().strip()
    except FileNotFoundError:
        kept = ""
    if not kept:
        replace(path, candidate + "\n")
    return kept or candidate


def replace(path: Path, text: str) -> None:
    """Put `text` in place of the file's content, by rename, readable by the owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
