"""A progress bar on standard error, shown only in a terminal."""

from collections.abc import Iterator
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

        def show(done: int, total: int | None = None) -> None:
            progress.update(task, completed=done, total=total)

        yield show
