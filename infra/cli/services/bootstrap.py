"""Single steps of a start that other commands take too: tables, the local token, the demo."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from infra.embedded.errors import EmbeddedError
from infra.embedded.secret_file import replace
from infra.kafka import topics
from infra.postgres.engine import create_engine
from infra.settings import Settings
from infra.supervisor.console import Screen
from infra.supervisor.data_folder import DataFolder
from schemas.channels import ServiceName
from schemas.time import weeks
from schemas.topics import EVENT_TOPICS


class Demo(msgspec.Struct):
    """How far the demo has been loaded; it ends at a moment that must stay the same."""

    end: int
    loaded: bool


def migrate(settings: Settings) -> str:
    """Migrate the permanent schema and make the live generation of projections; its revision."""
    from infra import migrations
    from projections.tables import create_live_generation

    return migrations.migrate(settings, afterwards=create_live_generation)


def ensure_admin_token(settings: Settings, path: Path) -> None:
    """Keep a bearer token with the role `admin` in that file, and make one where it holds none."""
    from streams.api.auth import tokens

    engine = create_engine(settings, name="verdicts up", pool_size=1)
    with engine.begin() as connection:
        text = path.read_text().strip() if path.exists() else ""
        if not (text and tokens.find(connection, text)):
            issued = tokens.create(connection, name="local administrator", role="admin")
            replace(path, issued.text + "\n")
    engine.dispose()


@contextmanager
def freezers_waiting(settings: Settings, folder: DataFolder) -> Iterator[None]:
    """Keep other freezers waiting while demo content may be loading, as each week has its turn.

    Enter it before the worker starts: after an interrupted load a closed week may be half sent.
    Meanwhile `/status` says that the content is not all there yet.
    """
    from streams.processing.week_closer import exclusive_lock

    demo = _read(_note(folder))
    if not settings.demo or (demo and demo.loaded):
        yield
        return
    with exclusive_lock(settings), _announced(settings):
        yield


@contextmanager
def _announced(settings: Settings) -> Iterator[None]:
    """Give a sign of life as the loader, every second until it is over."""
    from infra.postgres import heartbeats

    engine = create_engine(settings, name="verdicts up", pool_size=1)
    over = threading.Event()

    def beat() -> None:
        with engine.begin() as connection:
            heartbeats.record(connection, ServiceName.LOADER, "up", {})

    def announce() -> None:
        while not over.wait(heartbeats.SECONDS):
            with suppress(SQLAlchemyError):  # the database may be starting again
                beat()

    beat()
    thread = threading.Thread(target=announce, name=ServiceName.LOADER, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        with suppress(SQLAlchemyError), engine.begin() as connection:
            heartbeats.remove(connection, ServiceName.LOADER, "up")
        engine.dispose()


def load_demo(settings: Settings, folder: DataFolder, url: str, screen: Screen) -> None:
    """Send the demo content when the log is empty, or when that was begun and not finished.

    Each past week is frozen before the next one is sent, so call it while `freezers_waiting`.
    """
    from streams.demo.load import NotLoaded, load
    from streams.processing.week_closer import NotFrozen, freezing

    note = _note(folder)
    demo = _read(note)
    if demo is None:
        if not topics.is_empty(settings, [topic.name for topic in EVENT_TOPICS]):
            return
        demo = Demo(end=time.time_ns() // 1000, loaded=False)
        note.write_bytes(msgspec.json.encode(demo))
    if demo.loaded:
        return
    with screen.step("Loading the demo") as step, freezing(settings) as freezer:
        token, end = folder.token.read_text().strip(), demo.end

        def sent(events: int, of: int) -> None:
            step.update(f"Loading the demo: {events} of {of}")

        def week_sent(week: str) -> None:
            if weeks.span(week)[1] <= end:
                freezer.freeze(week)

        try:
            load(url, token, end, sent, week_sent=week_sent)
        except (NotLoaded, NotFrozen) as error:
            raise EmbeddedError(str(error)) from error
        step.result = "Demo content loaded"
    demo.loaded = True
    note.write_bytes(msgspec.json.encode(demo))


def _note(folder: DataFolder) -> Path:
    return folder.path / "demo.json"


def _read(note: Path) -> Demo | None:
    try:
        return msgspec.json.decode(note.read_bytes(), type=Demo)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
