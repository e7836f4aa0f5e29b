"""Files in the data folder that only their owner can read: secrets, notes and logs."""

import os
import stat
from pathlib import Path
from typing import IO

PRIVATE_MODE = 0o600


def read_or_create(path: Path, candidate: str) -> str:
    """Return the secret in a file; a missing or empty file gets `candidate`.

    No other process sees the file half written or with a mode other than 0600.
    """
    try:
        secret = path.read_text().strip()
    except FileNotFoundError:
        secret = ""
    if secret:
        make_private(path, PRIVATE_MODE)
    else:
        write_private(path, candidate + "\n")
    return secret or candidate


def write_private(path: Path, text: str) -> None:
    """Replace a file atomically by one with mode 0600; a missing folder is created.

    Raises:
        OSError: The file cannot be written, as on a full disk; the former file is unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    staged.unlink(missing_ok=True)
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
    except OSError:
        staged.unlink(missing_ok=True)
        raise


def open_log(path: Path) -> IO[bytes]:
    """Open a log file with mode 0600 for appending, unbuffered.

    Raises:
        OSError: The file cannot be opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    make_private(path, PRIVATE_MODE)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE_MODE), "ab", 0)


def make_private(path: Path, mode: int) -> bool:
    """Take all permissions outside `mode` from a file or folder of this user.

    Returns:
        Whether permissions changed. Devices, missing files and those of other users stay unchanged.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    plain = stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)
    excess = status.st_mode & 0o777 & ~mode
    if not (plain and excess and status.st_uid == os.geteuid()):
        return False
    path.chmod(status.st_mode & 0o777 & mode)
    return True
