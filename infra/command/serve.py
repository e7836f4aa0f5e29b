"""Composes what serves HTTP: the site of `publishers` beside the API of `streams`, on one port."""

from functools import partial

from starlette.types import ASGIApp

from infra.database import engine
from infra.metrics import REGISTRY
from infra.registry import codec
from infra.settings import Settings
from publishers.shelf import snapshot
from publishers.site import READERS, BookmarksOf, site_app
from streams.api import server
from streams.gauges import Gauges


def main(settings: Settings) -> None:
    """Serve both until told to end."""
    database = engine(settings, name="verdicts site", pool_size=READERS, max_overflow=READERS)

    def site(bookmarks_of: BookmarksOf) -> ASGIApp:
        return site_app(settings, partial(snapshot, database), bookmarks_of)

    REGISTRY.register(Gauges(settings, database))
    try:
        server.main(settings, site, codec(settings))
    finally:
        database.dispose()
