"""A service's output: all lines go to a file, warnings also to the terminal."""

import json
import threading
import time
from collections import deque
from pathlib import Path
from typing import IO

from infra.supervisor.console import Screen

ROTATE_BYTES = 10_000_000
MAX_WARNINGS, WINDOW_SECONDS = 3, 10.0

_WARNING_LEVELS = {"warning", "error", "critical"}
_COMMON_FIELDS = {"event", "level", "logger", "service", "timestamp", "exception", "stack_info"}


class ServiceOutput:
    """Copies the output of one service, over all its starts."""

    def __init__(self, service: str, path: Path, screen: Screen) -> None:
        """Append to `path`; a file over 10 MB is renamed to `….1.log`."""
        self._service, self._path, self._screen = service, path, screen
        self._shown: deque[float] = deque()
        path.parent.mkdir(parents=True, exist_ok=True)

    def follow(self, stream: IO[bytes]) -> None:
        """Copy the output of a new start in a thread, until the stream ends."""
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
                pass  # With a full disk the pipe must still be read, or the service would block.
            self._show(line)
        file.close()

    def _show(self, line: bytes) -> None:
        text = to_warning(line)
        if not text:
            return
        now = time.monotonic()
        while self._shown and self._shown[0] < now - WINDOW_SECONDS:
            self._shown.popleft()
        self._shown.append(now)
        if len(self._shown) <= MAX_WARNINGS:
            self._screen.warn(f"{self._service}: {text}")
        elif len(self._shown) == MAX_WARNINGS + 1:
            self._screen.warn(f"{self._service}: further lines in {self._path}")


def to_warning(line: bytes) -> str:
    """Return the text of a log line with level warning or above; empty for other lines."""
    try:
        entry = json.loads(line)
    except ValueError:
        return ""
    if not (isinstance(entry, dict) and entry.get("level") in _WARNING_LEVELS):
        return ""
    details = " ".join(f"{key}={entry[key]}" for key in entry if key not in _COMMON_FIELDS)
    return f"{entry.get('event', '')} {details}".strip()[:300]
