"""Composes what serves HTTP: the site of `publishers` beside the API of `streams`, on one port."""

from functools import partial

from starlette.types import ASGIApp

from infra.kafka.registry import codec
from infra.postgres.engine import create_engine
from infra.settings import Settings
from infra.telemetry.metrics import REGISTRY
from publishers.content.database_content import open_snapshot
from publishers.web.routes import READERS, BookmarksOf, site_app
from streams.api import server
from streams.api.status.lag_gauges import LagGauges


def main(settings: Settings) -> None:
    """Serve both until told to end."""
    database = create_engine(
        settings, name="verdicts site", pool_size=READERS, max_overflow=READERS
    )

    def site(bookmarks_of: BookmarksOf) -> ASGIApp:
        return site_app(settings, partial(open_snapshot, database), bookmarks_of)

    REGISTRY.register(LagGauges(settings, database))
    try:
        server.main(settings, site, codec(settings))
    finally:
        database.dispose()
