"""Why a server did not come up, read from what it logged."""

from pathlib import Path

from infra.embedded.errors import EmbeddedError, PortTakenError

_ROTATE_BYTES = 10_000_000

_REASONS = (
    ("No space left on device", "the disk of {data} is full; make room and start again"),
    ("insufficient memory", "this machine has too little free memory; close something"),
    ("Could not reserve enough space", "this machine has too little free memory; close something"),
    ("could not create shared memory", "this machine has too little free shared memory"),
    ("could not look up effective user", "its user has no name; give its id one in /etc/passwd"),
    ("Permission denied", "a file in {data} belongs to somebody else; give it back or move it"),
)


class StartupLog:
    """One server's log file, and the part of it that this start has written."""

    def __init__(self, path: Path) -> None:
        """Open the file for a new start, and put a long one aside."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _ROTATE_BYTES:
            path.replace(path.with_suffix(".1.log"))
        self.path = path
        self.file = path.open("ab")
        self._start = self.file.tell()

    def read(self) -> str:
        """What was written since this start."""
        with self.path.open("rb") as file:
            file.seek(self._start)
            return file.read().decode(errors="replace")

    def explain(self, server: str, data: Path) -> EmbeddedError:
        """The failure that this log tells of, as one sentence."""
        said = self.read()
        if "Address already in use" in said:
            return PortTakenError(f"{server} found its port taken; start again.")
        for sign, reason in _REASONS:
            if sign in said:
                return EmbeddedError(f"{server} did not start: {reason.format(data=data)}.")
        return EmbeddedError(f"{server} did not start; the reason stands in {self.path}.")
