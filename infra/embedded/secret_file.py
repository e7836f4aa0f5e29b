"""Files in the data folder that hold a secret; only their owner can read them."""

import os
from pathlib import Path


def read_or_create(path: Path, candidate: str) -> str:
    """Return the secret in a file; a missing or empty file gets `candidate`.

    No other process sees the file half written or with a mode other than 0600.
    """
    try:
        secret = path.read_text().strip()
    except FileNotFoundError:
        secret = ""
    if not secret:
        write_secret(path, candidate + "\n")
    return secret or candidate


def write_secret(path: Path, text: str) -> None:
    """Replace a file atomically by one with mode 0600; a missing folder is created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    staged.unlink(missing_ok=True)
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    staged.replace(path)
