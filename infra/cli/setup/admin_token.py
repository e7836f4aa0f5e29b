"""The bearer token with the role `admin` that a local system keeps in its data folder."""

from pathlib import Path

from infra.embedded.private_file import write_private
from infra.postgres.engine import create_engine
from infra.settings import Settings
from projections.private import tokens


def ensure_admin_token(settings: Settings, path: Path) -> bool:
    """Create a token in `path`, unless the file holds a valid one; whether one was created."""
    issued = None
    database = create_engine(settings, name="verdicts up", pool_size=1)
    try:
        with database.begin() as connection:
            text = path.read_text().strip() if path.exists() else ""
            if not (text and tokens.find(connection, text)):
                issued = tokens.create(connection, name="local administrator", role="admin")
                write_private(path, issued.text + "\n")
    finally:
        database.dispose()
    if issued is not None:
        tokens.log_created(issued.token)
    return issued is not None
