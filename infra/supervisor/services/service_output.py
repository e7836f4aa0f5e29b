"""A service's output: all lines go to a file, warnings and notices also to the terminal."""

import json
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO

from infra.embedded.errors import os_error_text
from infra.embedded.private_file import open_log
from infra.supervisor.console import Screen

ROTATE_BYTES = 10_000_000
MAX_WARNINGS, WINDOW_SECONDS = 3, 10.0

_WARNING_LEVELS = {"warning", "error", "critical"}
_COMMON_FIELDS = {"event", "level", "logger", "service", "timestamp", "exception", "stack_info"}


class RotatedFile:
    """A log file for appending; one over 10 MB is renamed to `….1.log`.

    A line that cannot be written, as on a full disk, is lost. The next line is tried again.
    """

    def __init__(self, path: Path, on_failure: Callable[[OSError], None]) -> None:
        """Append to `path`; call `on_failure` at the first lost line after a written one."""
        self._path, self._on_failure = path, on_failure
        self._file: IO[bytes] | None = None
        self._failing = False

    def append(self, line: bytes) -> None:
        """Write a line, or lose it."""
        try:
            file = self._opened()
            if file.seek(0, os.SEEK_END) > ROTATE_BYTES:
                self.close()
                self._path.replace(self._path.with_suffix(".1.log"))
                file = self._opened()
            file.write(line)
            self._failing = False
        except OSError as error:
            if not self._failing:
                self._failing = True
                self._on_failure(error)

    def close(self) -> None:
        """Close the file; a later line opens it again."""
        if self._file:
            self._file.close()
            self._file = None

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            self._file = open_log(self._path)
        return self._file


class ServiceOutput:
    """Copies the output of one service, over all its starts."""

    def __init__(self, service: str, path: Path, screen: Screen) -> None:
        """Append to `path`."""
        self._service, self._path, self._screen = service, path, screen
        self._shown: deque[float] = deque()

    def follow(self, stream: IO[bytes]) -> None:
        """Copy the output of a new start in a thread, until the stream ends."""
        threading.Thread(target=self._copy, args=(stream,), daemon=True).start()

    def _copy(self, stream: IO[bytes]) -> None:
        file = RotatedFile(self._path, self._say_lost)
        for line in stream:  # to its end also on a full disk, or the service would block
            file.append(line)
            self._show(line)
        file.close()

    def _say_lost(self, error: OSError) -> None:
        self._screen.warn(f"{self._service}: lines of its log are lost: {os_error_text(error)}.")

    def _show(self, line: bytes) -> None:
        if notice := to_notice(line):
            self._screen.say(f"  {self._service}: {notice}")
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


def to_notice(line: bytes) -> str:
    """Return what a log line has for the terminal in its field `notice`; empty for most lines."""
    if b'"notice"' not in line:
        return ""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    notice = entry.get("notice") if isinstance(entry, dict) else None
    return notice if isinstance(notice, str) else ""


def to_warning(line: bytes) -> str:
    """Return the text of a log line with level warning or above; empty for other lines."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    if not (isinstance(entry, dict) and entry.get("level") in _WARNING_LEVELS):
        return ""
    details = " ".join(f"{key}={entry[key]}" for key in entry if key not in _COMMON_FIELDS)
    return f"{entry.get('event', '')} {details}".strip()[:300]
