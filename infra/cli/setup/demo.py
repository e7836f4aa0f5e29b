"""Loads the demo content into an empty log while a local system starts."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from infra.embedded.errors import os_error_text
from infra.embedded.private_file import write_private
from infra.kafka.topics import is_empty
from infra.postgres.engine import create_engine
from infra.postgres.heartbeats import HeartbeatThread
from infra.settings import Settings
from infra.supervisor.console import Screen
from infra.supervisor.data_folder import DataFolder
from schemas.channels import ServiceName
from schemas.time import weeks
from schemas.topics import EVENT_TOPICS
from streams.demo.load import load
from streams.processing.week_freezer_thread import exclusive_lock, freezing


class DemoProgress(msgspec.Struct):
    """`demo.json`: whether the demo is loaded, and the moment at which its story ends.

    An interrupted load continues with the same `end` (microseconds since 1970), so it sends the
    same events with the same ids.
    """

    end: int
    loaded: bool


@contextmanager
def demo_content(
    settings: Settings, folder: DataFolder, screen: Screen
) -> Iterator[Callable[[str], None]]:
    """Prepare to load demo content; yields the function that loads it through the API at a URL.

    Enter it before the worker starts. An interrupted load may have sent half of a closed week, so
    no worker may freeze a week until the load is complete. Meanwhile `/status` reports that content
    is missing.
    """
    file = folder.path / "demo.json"
    progress = _read(file)
    if not settings.demo or (progress and progress.loaded):
        yield lambda _url: None
        return
    with exclusive_lock(settings), _heartbeat(settings):
        yield lambda url: _load(settings, file, folder.token_file, url, screen)


@contextmanager
def _heartbeat(settings: Settings) -> Iterator[None]:
    """Record the loader's heartbeat every second until the block ends."""
    database = create_engine(settings, name="verdicts up", pool_size=1)
    thread = HeartbeatThread(database, ServiceName.LOADER, "up", dict)
    thread.start()
    try:
        yield
    finally:
        thread.stop()
        database.dispose()


def _load(settings: Settings, file: Path, token: Path, url: str, screen: Screen) -> None:
    """Load the demo if the log is empty or an earlier load was interrupted.

    Each past week is frozen before the first event of the next week is sent.
    """
    progress = _read(file)
    if progress is None:
        if not is_empty(settings, [topic.name for topic in EVENT_TOPICS]):
            return
        progress = DemoProgress(end=time.time_ns() // 1000, loaded=False)
        _write(file, progress)
    end = progress.end
    with screen.step("Loading the demo") as step, freezing(settings) as freezer:

        def show(sent: int, total: int) -> None:
            step.update(f"Loading the demo: {sent:,} of {total:,} events")

        def freeze_closed(week: str) -> None:
            if weeks.span(week)[1] <= end:
                freezer.freeze(week)

        load(url, token.read_text().strip(), end, show, week_sent=freeze_closed)
        step.result = "Demo content loaded"
    _note_loaded(file, end, screen)


def _note_loaded(file: Path, end: int, screen: Screen) -> None:
    """Record that the demo is complete; without the record the next start sends it again."""
    try:
        _write(file, DemoProgress(end=end, loaded=True))
    except OSError as error:
        screen.warn(f"the next start loads the demo again: {os_error_text(error)}.")


def _read(file: Path) -> DemoProgress | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=DemoProgress)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _write(file: Path, progress: DemoProgress) -> None:
    write_private(file, msgspec.json.encode(progress).decode())
