"""What a person sees of a start: one line per step with its time, plain where nobody watches."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape


class Screen:
    """Writes lines, from any thread; a closed terminal is no reason to stop the system."""

    def __init__(self, console: Console | None = None) -> None:
        """Write to `console`, standard output by default."""
        self._console = console or Console(file=sys.stdout, highlight=False, soft_wrap=True)
        pretty = (self._console.encoding or "").lower().startswith("utf")
        self._done, self._warning, self._failed = ("✓", "!", "✗") if pretty else ("*", "!", "x")
        self._status = self._console.status("")
        self._doing: dict[str, str] = {}
        self._lock = threading.Lock()

    def say(self, text: str = "", style: str = "") -> None:
        """One line as it is."""
        with contextlib.suppress(OSError):
            self._console.print(escape(text), style=style or None)

    def warn(self, text: str) -> None:
        """One line that somebody should read."""
        self.say(f"  {self._warning} {text}", "yellow")

    def fail(self, text: str) -> None:
        """The sentence that ends the run."""
        self.say(f"  {self._failed} {text}", "bold red")

    def done(self, text: str, seconds: float | None = None) -> None:
        """A step that is behind us."""
        took = "" if seconds is None else f"{seconds:6.1f} s"
        with contextlib.suppress(OSError):
            self._console.print(f"  [green]{self._done}[/] {escape(text):<58}[dim]{took}[/]")

    @contextlib.contextmanager
    def step(self, doing: str) -> Iterator["Step"]:
        """Show what is being done while it lasts, then what `Step.result` says and how long."""
        step, started = Step(self, doing), time.monotonic()
        self.doing(doing, doing)
        try:
            yield step
        finally:
            self.doing(doing, "")
        if step.result:
            self.done(step.result, time.monotonic() - started)

    def doing(self, key: str, text: str) -> None:
        """Say in the one moving line what `key` is about now; empty when it is over."""
        with self._lock, contextlib.suppress(OSError):
            self._doing[key] = text
            line = " · ".join(filter(None, self._doing.values()))
            self._status.update(escape(line))
            if line and self._console.is_terminal:
                self._status.start()
            else:
                self._status.stop()


class Step:
    """One step while it lasts."""

    def __init__(self, screen: Screen, key: str) -> None:
        """A step that is shown under `key`."""
        self._screen, self._key = screen, key
        self.result = ""

    def update(self, text: str) -> None:
        """Say how far it has come."""
        self._screen.doing(self._key, text)
