"""The reason why a server did not start, read from its log."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

from infra.embedded.errors import EmbeddedError, PortTakenError, is_disk_full
from infra.embedded.private_file import open_log

_ROTATE_BYTES = 10_000_000

_REASONS = (
    ("No space left on device", "the disk of {data} is full; make room and start again"),
    ("insufficient memory", "this machine has too little free memory; close something"),
    ("Could not reserve enough space", "this machine has too little free memory; close something"),
    ("could not create shared memory", "this machine has too little free shared memory"),
    ("could not look up effective user", "its user has no name; give its id one in /etc/passwd"),
    ("Permission denied", "a file in {data} belongs to another user; change its owner or move it"),
)


class StartupLog:
    """A server's log file, and the part of it that the current start has written."""

    def __init__(self, path: Path, open_log: Callable[[Path], IO[bytes]] = open_log) -> None:
        """Open the file for a new start; a file over 10 MB is renamed to `….1.log` first.

        A full disk prevents no start: without room for the file, the output is discarded.
        """
        with contextlib.suppress(OSError):
            if path.stat().st_size > _ROTATE_BYTES:
                path.replace(path.with_suffix(".1.log"))
        self.path = path
        self.file = _open_or_discard(path, open_log)
        self._offset = self.file.seek(0, os.SEEK_END)

    def read(self) -> str:
        """Return the output of this start."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                return file.read().decode(errors="replace")
        except FileNotFoundError:
            return ""

    def explain(self, server: str, data: Path) -> EmbeddedError:
        """Return the error that this log explains, as one sentence."""
        output = self.read()
        if "Address already in use" in output:
            return PortTakenError(f"{server} found its port taken; start again.")
        for message, reason in _REASONS:
            if message in output:
                return EmbeddedError(f"{server} did not start: {reason.format(data=data)}.")
        return EmbeddedError(f"{server} did not start; the reason is in {self.path}.")


def _open_or_discard(path: Path, open_log: Callable[[Path], IO[bytes]]) -> IO[bytes]:
    """Open a log for appending; the null device stands in for it on a full disk."""
    try:
        return open_log(path)
    except OSError as error:
        if not is_disk_full(error):
            raise
        return Path(os.devnull).open("ab", 0)
