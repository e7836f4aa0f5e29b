"""Single steps of a start that other commands take too: tables, the local token, the demo."""

import time
from pathlib import Path

import msgspec

from infra import database, topics
from infra.command.console import Screen
from infra.command.folder import Folder
from infra.embedded.failure import EmbeddedError
from infra.embedded.secret import replace
from infra.settings import Settings
from schemas.topics import EVENT_TOPICS


class Demo(msgspec.Struct):
    """How far the demo has been loaded; it ends at a moment that must stay the same."""

    end: int
    loaded: bool


def migrate(settings: Settings) -> str:
    """Migrate the permanent schema and make the live generation of projections; its revision."""
    from projections.tables import create_live_generation

    return database.migrate(settings, afterwards=create_live_generation)


def ensure_admin_token(settings: Settings, path: Path) -> None:
    """Keep a bearer token with the role `admin` in that file, and make one where it holds none."""
    from streams import tokens

    engine = database.engine(settings, name="verdicts up", pool_size=1)
    with engine.begin() as connection:
        text = path.read_text().strip() if path.exists() else ""
        if not (text and tokens.find(connection, text)):
            issued = tokens.create(connection, name="local administrator", role="admin")
            replace(path, issued.text + "\n")
    engine.dispose()


def load_demo(settings: Settings, folder: Folder, url: str, screen: Screen) -> None:
    """Send the demo content when the log is empty, or when that was begun and not finished."""
    from streams.demo.load import NotLoaded, load

    note = folder.path / "demo.json"
    demo = _read(note)
    if demo is None:
        if not topics.is_empty(settings, [topic.name for topic in EVENT_TOPICS]):
            return
        demo = Demo(end=time.time_ns() // 1000, loaded=False)
        note.write_bytes(msgspec.json.encode(demo))
    if demo.loaded:
        return
    with screen.step("Loading the demo") as step:
        token = folder.token.read_text().strip()
        try:
            load(url, token, demo.end, lambda n, of: step.update(f"Loading the demo: {n} of {of}"))
        except NotLoaded as error:
            raise EmbeddedError(str(error)) from error
        step.result = "Demo content loaded"
    demo.loaded = True
    note.write_bytes(msgspec.json.encode(demo))


def _read(note: Path) -> Demo | None:
    try:
        return msgspec.json.decode(note.read_bytes(), type=Demo)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
