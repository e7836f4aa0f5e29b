"""Progress on standard error: a bar in a terminal, elsewhere a line every ten seconds."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

LINE_SECONDS = 10.0


class ShowProgress(Protocol):
    """Shows how much is done; a total replaces the one given before."""

    def __call__(self, done: int, total: int | None = None) -> None:
        """Show `done` of `total`."""


@contextmanager
def progress_bar(doing: str, total: int | None = None) -> Iterator[ShowProgress]:
    """Show a bar for the block; it receives the function that moves the bar.

    Args:
        doing: Text beside the bar.
        total: Number of steps; None when unknown.
    """
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    ) as progress:
        task = progress.add_task(doing, total=total)
        lines = ProgressLines(doing, console)

        def show(done: int, total: int | None = None) -> None:
            progress.update(task, completed=done, total=total)
            if not console.is_terminal:
                lines.show(done, total)

        yield show


class ProgressLines:
    """Writes a line of progress at most every ten seconds."""

    def __init__(
        self, doing: str, console: Console, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Write to `console`; `clock` gives seconds."""
        self._doing, self._console, self._clock = doing, console, clock
        self._last = clock()

    def show(self, done: int, total: int | None) -> None:
        """Write `done` of `total`, unless a line was written in the last ten seconds."""
        if self._clock() - self._last < LINE_SECONDS:
            return
        self._last = self._clock()
        of = "" if total is None else f" of {total:,}"
        self._console.print(f"{self._doing}: {done:,}{of}", highlight=False)
