"""A service's output: all of it to a file, and the lines that matter to the person who watches."""

import json
import threading
import time
from collections import deque
from pathlib import Path
from typing import IO

from infra.supervisor.console import Screen

ROTATE_BYTES = 10_000_000
MOST_LINES, IN_SECONDS = 3, 10.0

_IMPORTANT = {"warning", "error", "critical"}
_KNOWN = {"event", "level", "logger", "service", "timestamp", "exception", "stack_info"}


class ServiceOutput:
    """Where one service's lines go, over all its starts."""

    def __init__(self, service: str, path: Path, screen: Screen) -> None:
        """Append to `path`, which moves aside to `….1.log` when it has grown."""
        self._service, self._path, self._screen = service, path, screen
        self._shown: deque[float] = deque()
        path.parent.mkdir(parents=True, exist_ok=True)

    def follow(self, stream: IO[bytes]) -> None:
        """Take the lines of a new start until its end, in a thread."""
        threading.Thread(target=self._copy, args=(stream,), daemon=True).start()

    def _copy(self, stream: IO[bytes]) -> None:
        file = self._path.open("ab")
        for line in stream:
            try:
                if file.tell() > ROTATE_BYTES:
                    file.close()
                    self._path.replace(self._path.with_suffix(".1.log"))
                    file = self._path.open("ab")
                file.write(line)
                file.flush()
            except OSError:
                pass  # A full disk must not stop the service that would wait for its reader.
            self._show(line)
        file.close()

    def _show(self, line: bytes) -> None:
        text = important(line)
        if not text:
            return
        now = time.monotonic()
        while self._shown and self._shown[0] < now - IN_SECONDS:
            self._shown.popleft()
        self._shown.append(now)
        if len(self._shown) <= MOST_LINES:
            self._screen.warn(f"{self._service}: {text}")
        elif len(self._shown) == MOST_LINES + 1:
            self._screen.warn(f"{self._service}: further lines in {self._path}")


def important(line: bytes) -> str:
    """What a log line says, if it is for a person's eyes, else nothing."""
    try:
        entry = json.loads(line)
    except ValueError:
        return ""
    if not (isinstance(entry, dict) and entry.get("level") in _IMPORTANT):
        return ""
    details = " ".join(f"{key}={entry[key]}" for key in entry if key not in _KNOWN)
    return f"{entry.get('event', '')} {details}".strip()[:300]
