"""The reason why a server did not start, read from its log."""

from pathlib import Path

from infra.embedded.errors import EmbeddedError, PortTakenError

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

    def __init__(self, path: Path) -> None:
        """Open the file for a new start; a file over 10 MB is renamed to `….1.log` first."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _ROTATE_BYTES:
            path.replace(path.with_suffix(".1.log"))
        self.path = path
        self.file = path.open("ab")
        self._offset = self.file.tell()

    def read(self) -> str:
        """Return the output of this start."""
        with self.path.open("rb") as file:
            file.seek(self._offset)
            return file.read().decode(errors="replace")

    def explain(self, server: str, data: Path) -> EmbeddedError:
        """Return the error that this log explains, as one sentence."""
        output = self.read()
        if "Address already in use" in output:
            return PortTakenError(f"{server} found its port taken; start again.")
        for message, reason in _REASONS:
            if message in output:
                return EmbeddedError(f"{server} did not start: {reason.format(data=data)}.")
        return EmbeddedError(f"{server} did not start; the reason is in {self.path}.")
