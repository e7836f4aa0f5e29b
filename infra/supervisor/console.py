"""The terminal output of `verdicts up`: one line per step with its time; plain text in a pipe."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape


class Screen:
    """Writes lines from any thread. A closed terminal (OSError, or ValueError) stops nothing."""

    def __init__(self, console: Console | None = None) -> None:
        """Write to `console`, standard output by default."""
        self._console = console or Console(file=sys.stdout, highlight=False, soft_wrap=True)
        pretty = (self._console.encoding or "").lower().startswith("utf")
        self._done, self._warning, self._failed = ("✓", "!", "✗") if pretty else ("*", "!", "x")
        self._status = self._console.status("")
        self._status_parts: dict[str, str] = {}
        self._lock = threading.Lock()

    def say(self, text: str = "", style: str = "") -> None:
        """Write one line unchanged."""
        with contextlib.suppress(OSError, ValueError):
            self._console.print(escape(text), style=style or None)

    def warn(self, text: str) -> None:
        """Write one line in yellow."""
        self.say(f"  {self._warning} {text}", "yellow")

    def fail(self, text: str) -> None:
        """Write the sentence that ends the run, in red."""
        self.say(f"  {self._failed} {text}", "bold red")

    def done(self, text: str, seconds: float | None = None) -> None:
        """Write the line of a completed step."""
        duration = "" if seconds is None else f"{seconds:6.1f} s"
        with contextlib.suppress(OSError, ValueError):
            self._console.print(f"  [green]{self._done}[/] {escape(text):<58}[dim]{duration}[/]")

    @contextlib.contextmanager
    def step(self, doing: str) -> Iterator["Step"]:
        """Show `doing` during the block, then `Step.result` with the step's duration."""
        step, started = Step(self, doing), time.monotonic()
        self.show(doing, doing)
        try:
            yield step
        finally:
            self.show(doing, "")
        if step.result:
            self.done(step.result, time.monotonic() - started)

    def show(self, key: str, text: str) -> None:
        """Set the part of `key` in the moving status line; an empty text removes it."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._status_parts[key] = text
            line = " · ".join(filter(None, self._status_parts.values()))
            self._status.update(escape(line))
            if line and self._console.is_terminal:
                self._status.start()
            else:
                self._status.stop()


class Step:
    """A step in progress."""

    def __init__(self, screen: Screen, key: str) -> None:
        """Use the part `key` of the status line."""
        self._screen, self._key = screen, key
        self.result = ""

    def update(self, text: str) -> None:
        """Replace the text in the status line."""
        self._screen.show(self._key, text)
